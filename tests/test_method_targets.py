"""What a run on real, recorded answers comes to; figures as in docs/method.md, with room for other machines."""

from pathlib import Path

import pytest

from asd.runners.base import record
from asd.runners.config import load_runner
from asd.store.memory import MemoryLog
from asd.views.session import Session

FEWER = ("policy.prices=24", "analysis.permutations=99", "analysis.bootstraps=99")


def session(config: str, folder: Path, data: Path, *overrides: str) -> Session:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASD_DATA", str(data))
        runner = load_runner(config, (*FEWER, *overrides))
    log = MemoryLog(config)
    record(runner.at(folder), log, command=())
    return Session(log)


@pytest.fixture(scope="module")
def gsm8k(tmp_path_factory: pytest.TempPathFactory) -> Session:
    from conftest import BENCHMARK_DATA

    if not BENCHMARK_DATA.is_dir():
        pytest.skip(f"no benchmark data in {BENCHMARK_DATA}; set ASD_SHARED_DATA to a folder of it")
    folder = tmp_path_factory.mktemp("gsm8k")
    return session("gsm8k-recorded", folder, BENCHMARK_DATA, "predictor.sub_ladders=false")


def test_single_models_are_as_right_as_their_authors_recorded(gsm8k: Session) -> None:
    assert [row["correct_samples"] for row in gsm8k.rows("stages")] == [286, 458, 515, 742]


def test_optimal_stopping_is_above_the_hull_of_single_models(gsm8k: Session) -> None:
    rows = {row["policy"]: row for row in gsm8k.rows("policies")}
    ours = rows["optimal-stopping"]
    assert ours["area"] >= 0.5
    assert ours["area_above_mix"] >= 0.015
    assert ours["seeds_above_mix"] >= 4
    assert ours["cost_at_retention"] <= 0.64
    assert ours["area"] > rows["threshold"]["area"]


def test_the_predictor_tells_right_answers_from_wrong_ones_at_every_stage(gsm8k: Session) -> None:
    found = [row["auroc"] for row in gsm8k.rows("predictor")]
    assert all(one >= least for one, least in zip(found, (0.778, 0.781, 0.815, 0.806), strict=True))


def test_no_policy_gains_on_answers_whose_text_tells_nothing(benchmark_data: Path, tmp_path: Path) -> None:
    rows = session("crux-recorded", tmp_path, benchmark_data).rows("policies")
    gaps = {row["policy"]: row["gap_closed"] for row in rows if row["policy"] != "oracle"}
    assert all(gap < 0.08 for gap in gaps.values()), gaps
