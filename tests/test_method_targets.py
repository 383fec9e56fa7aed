"""What a run on real, recorded answers comes to, and that docs/method.md says so, with room for other machines."""

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from asd.runners.base import record
from asd.runners.config import load_runner
from asd.runners.state import State
from asd.store.memory import MemoryLog
from asd.views.session import Session

FEWER = ("analysis.permutations=99", "analysis.bootstraps=99")
"""Resamples of tests, which no figure here is made of."""
PAGE = Path(__file__).parents[1] / "docs" / "method.md"
ROW = re.compile(
    r"^\| (?P<policy>[a-z ]+?)(?: \(.*?\))? \| (?P<area>[\d.]+) \| (?P<above>[+−]?[\d.]+) \| (?:(?P<seeds>\d) of 5)? ?"
    r"\| (?P<cost>[\d.]+) \|$",
    re.MULTILINE,
)
NAMED = {"optimal stopping with recall": "optimal-stopping", "random mix": "random-mix"}
"""What the page calls a policy, where it is not its name."""


def recorded(config: str, folder: Path, data: Path, *overrides: str) -> MemoryLog:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASD_DATA", str(data))
        runner = load_runner(config, (*FEWER, *overrides))
    log = MemoryLog(config)
    record(runner.at(folder), log, command=())
    return log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> MemoryLog:
    from conftest import BENCHMARK_DATA

    if not BENCHMARK_DATA.is_dir():
        pytest.skip(f"no benchmark data in {BENCHMARK_DATA}; set ASD_SHARED_DATA to a folder of it")
    return recorded("gsm8k-recorded", tmp_path_factory.mktemp("gsm8k"), BENCHMARK_DATA)


@pytest.fixture(scope="module")
def gsm8k(log: MemoryLog) -> Session:
    return Session(log)


def test_single_models_are_as_right_as_their_authors_recorded(gsm8k: Session) -> None:
    assert [row["correct_samples"] for row in gsm8k.rows("stages")] == [286, 458, 515, 742]


def test_the_page_of_the_method_says_what_the_run_gives(gsm8k: Session) -> None:
    told = {NAMED.get(row["policy"], row["policy"]): row for row in ROW.finditer(PAGE.read_text())}
    rows = {str(row["policy"]): row for row in gsm8k.rows("policies")}
    assert told.keys() == rows.keys()
    for name, row in rows.items():
        assert float(told[name]["area"]) == pytest.approx(row["area"], abs=0.003), name
        assert float(told[name]["above"].replace("−", "-")) == pytest.approx(row["area_above_mix"], abs=0.003), name
        assert float(told[name]["cost"]) == pytest.approx(row["cost_at_retention"], abs=0.03), name
        if name != "random-mix":
            assert int(told[name]["seeds"]) == row["seeds_above_mix"], name


def test_optimal_stopping_is_above_the_hull_of_single_models(gsm8k: Session) -> None:
    rows = {row["policy"]: row for row in gsm8k.rows("policies")}
    ours = rows["optimal-stopping"]
    assert ours["area"] >= 0.505
    assert ours["area_above_mix"] >= 0.015
    assert ours["seeds_above_mix"] >= 4
    assert ours["cost_at_retention"] <= 0.62
    assert ours["area"] > rows["threshold"]["area"]


def test_the_best_peer_with_the_same_estimates_is_as_the_page_says(log: MemoryLog, peer: ModuleType) -> None:
    state = State.of(one.event for one in log.read())
    found = {
        name: np.mean([area for area, _ in pairs])
        for name, pairs in peer.measured(peer.ground_of(state, Path())).items()
    }
    told = re.search(r"five seeds the peer has ([\d.]+)\s+and\s+optimal\s+stopping ([\d.]+)", PAGE.read_text())
    assert told is not None
    assert [float(one) for one in told.groups()] == pytest.approx(
        [found["cascade-routing"], found["optimal-stopping"]], abs=0.003
    )
    assert found["optimal-stopping"] > found["cascade-routing"] - 0.002


def test_the_predictor_tells_right_answers_from_wrong_ones_at_every_stage(gsm8k: Session) -> None:
    found = [row["auroc"] for row in gsm8k.rows("predictor")]
    assert all(one >= least for one, least in zip(found, (0.778, 0.781, 0.815, 0.806), strict=True))


def test_no_policy_gains_on_answers_whose_text_tells_nothing(benchmark_data: Path, tmp_path: Path) -> None:
    rows = Session(recorded("crux-recorded", tmp_path, benchmark_data, "policy.prices=24")).rows("policies")
    gaps = {row["policy"]: row["gap_closed"] for row in rows if row["policy"] != "oracle"}
    assert all(gap < 0.08 for gap in gaps.values()), gaps
