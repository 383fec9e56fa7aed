"""The planned questions of a run, held against the same numbers computed from its own answers."""

import pytest
from fixtures_run import log_of
from ladders import settings, write_ladder

from asd.core.facts.analysis import StatisticsComputed
from asd.core.statistics.intervals import matched_odds_ratio_interval, nam_blackwelder
from asd.core.statistics.paired import PairedTable, mcnemar_exact
from asd.core.statistics.power import attainable_margin, minimum_detectable_difference
from asd.runners.base import Runner, flat, record
from asd.runners.config import build
from asd.store.memory import MemoryLog
from asd.views.markdown import to_markdown
from asd.views.report import build as build_report
from asd.views.session import Session

MEANS = """
WITH each AS (
    SELECT sample, avg((correct AND NOT baseline_correct)::INT) AS b, avg((baseline_correct AND NOT correct)::INT) AS c,
        avg(baseline_correct::INT) AS base
    FROM sample_answered WHERE lam = (SELECT lam FROM lambda_chosen) GROUP BY sample
) SELECT count(*) AS samples, sum(b) AS b, sum(c) AS c, avg(base) AS base FROM each
"""
COUNTS = """
SELECT count(*) FILTER (correct AND baseline_correct) AS both,
    count(*) FILTER (correct AND NOT baseline_correct) AS b,
    count(*) FILTER (NOT correct AND baseline_correct) AS c,
    count(*) FILTER (NOT correct AND NOT baseline_correct) AS no
FROM sample_answered WHERE lam = (SELECT lam FROM lambda_chosen) AND seed = {seed}
"""


@pytest.fixture(scope="module", params=[(1,), (1, 2)], ids=["one-seed", "two-seeds"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("ladder")
    write_ladder(folder)
    runner = build({**settings(folder), "seeds": list(request.param)}).at(folder / "files")
    return Session(log_of(flat(runner.run(()))))


def tables(session: Session) -> list[PairedTable]:
    """A paired table a seed, counted by DuckDB."""
    seeds = session.catalogue.sql("SELECT DISTINCT seed FROM sample_answered ORDER BY seed").to_pylist()
    rows = [session.catalogue.sql(COUNTS.format(seed=one["seed"])).to_pylist()[0] for one in seeds]
    return [PairedTable(row["both"], row["b"], row["c"], row["no"]) for row in rows]


def test_b_and_c_are_averaged_over_seeds_per_sample_and_the_odds_ratio_is_theirs(session: Session) -> None:
    [mean], [row] = session.catalogue.sql(MEANS).to_pylist(), session.rows("effects")
    assert (row["only_ours"], row["only_baseline"]) == pytest.approx((mean["b"], mean["c"]))
    assert row["matched_odds_ratio"] == pytest.approx(mean["b"] / mean["c"])
    assert row["odds_ratio_low"] < row["matched_odds_ratio"] < row["odds_ratio_high"]
    if row["seeds"] == 1:
        exact = matched_odds_ratio_interval(tables(session)[0])
        assert (row["odds_ratio_low"], row["odds_ratio_high"]) == pytest.approx((exact.low, exact.high))


def test_what_so_many_samples_can_show_stands_beside_the_dataset(session: Session) -> None:
    [mean], [row] = session.catalogue.sql(MEANS).to_pylist(), session.rows("effects")
    samples, share = mean["samples"], (mean["b"] + mean["c"]) / mean["samples"]
    least = minimum_detectable_difference(samples, share, 0.01)
    best = attainable_margin(samples, mean["base"], min(share, 2 - 2 * mean["base"]), 0.01)
    assert row["minimum_detectable_difference"] == pytest.approx(least)
    assert row["attainable_margin_retention"] == pytest.approx(best)
    assert 0 < best < 1
    assert row["design_effect"] == pytest.approx(1.0)


def test_one_seed_is_tested_exactly_and_several_by_sign_flips(session: Session) -> None:
    [row] = [row for row in session.rows("statistics") if row["name"] == "accuracy-difference"]
    [table, *more] = tables(session)
    if more:
        assert str(row["method"]).startswith("sign-flip permutation")
    else:
        assert row["method"] == "exact McNemar"
        assert row["p_value"] == pytest.approx(mcnemar_exact(table))


def test_a_statistic_says_its_seeds_versions_intervals_and_the_head_that_it_read(session: Session) -> None:
    began = session.catalogue.sql("SELECT max(seq) AS seq FROM phase_started WHERE phase = 'statistics'").to_pylist()
    [row] = [row for row in session.rows("statistics") if row["name"] == "quality-retention"]
    assert row["head_read"] == f"main {began[0]['seq']}"
    assert {one.split()[0] for one in str(row["versions"]).split(", ")} == {"asd", "numpy", "scipy"}
    assert row["low_99"] < row["low_95"] < row["estimate"] < row["high_95"] < row["high_99"]
    if len(tables(session)) == 1:
        interval = nam_blackwelder(tables(session)[0], 0.99)
        assert (row["low_99"], row["high_99"]) == pytest.approx((interval.low, interval.high))


def test_the_posterior_keeps_the_table_that_it_was_drawn_from_and_its_retention(session: Session) -> None:
    [row], table = session.rows("posterior"), tables(session)[0]
    assert (row["both_right"], row["only_ours"], row["only_baseline"], row["neither_right"]) == (
        table.both,
        table.only_ours,
        table.only_baseline,
        table.neither,
    )
    assert row["quality_retention_low"] < table.retention < row["quality_retention_high"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runner, MemoryLog]:
    """A run whose answers take times, as a simulator draws them."""
    folder = tmp_path_factory.mktemp("timed")
    write_ladder(folder)
    stages = [
        {"engine": "simulator", "name": name, "accuracy": {"*": right}, "token_s": token_s}
        for name, right, token_s in (("a", 0.5, 0.001), ("b", 0.7, 0.004), ("c", 0.9, 0.02))
    ]
    runner = build({**settings(folder), "stages": stages, "policy": {}, "lambdas": [2, 5]}).at(folder / "files")
    log = MemoryLog("timed")
    record(runner, log, command=())
    return runner, log


@pytest.fixture(scope="module")
def timed(recorded: tuple[Runner, MemoryLog]) -> Session:
    return Session(recorded[1])


TIMES = """
SELECT avg(ours) / stddev_samp(ours) AS d_z, count(*) AS samples FROM (
    SELECT ln(avg(time_s) / avg(baseline_time_s)) AS ours FROM sample_answered
    WHERE lam = (SELECT lam FROM lambda_chosen) GROUP BY sample
)
"""


def test_the_speedup_has_a_d_z_of_log_latency_where_answers_have_times(timed: Session, session: Session) -> None:
    [mean] = timed.catalogue.sql(TIMES).to_pylist()
    [row] = [row for row in timed.rows("effects") if row["name"] == "speedup"]
    assert row["d_z"] == pytest.approx(mean["d_z"])
    assert row["samples"] == mean["samples"]
    assert f"| {row['d_z']:.3f} |" in to_markdown(build_report(timed))
    assert [row["name"] for row in session.rows("effects")] == ["accuracy-difference"]


def test_a_statistic_carries_the_head_that_its_runner_had_read(timed: Session) -> None:
    [phase] = timed.catalogue.sql("SELECT seq FROM phase_started WHERE phase = 'statistics'").to_pylist()
    heads = timed.catalogue.sql("SELECT DISTINCT head['main'] AS main FROM statistics_computed").to_pylist()
    assert heads == [{"main": phase["seq"]}]
    assert {row["head_read"] for row in timed.rows("statistics")} == {f"main {phase['seq']}"}


def test_a_phase_of_a_stage_says_of_which_and_of_which_model(timed: Session) -> None:
    query = "SELECT phase, stage, model FROM phase_started WHERE stage IS NOT NULL ORDER BY seq"
    told = [(row["phase"], row["stage"], row["model"]) for row in timed.catalogue.sql(query).to_pylist()]
    assert told == [(phase, at, name) for at, name in enumerate("abc") for phase in ("stage loading", "gsm8k")]


def test_an_attempt_that_reads_further_finds_the_same_and_says_no_statistic_again(
    recorded: tuple[Runner, MemoryLog],
) -> None:
    runner, log = recorded
    events = [one.event for one in log.read()]
    first = next(place for place, one in enumerate(events) if isinstance(one, StatisticsComputed))
    again = MemoryLog("again")
    again.append("main", events[: first + 3])
    record(runner, again, command=())
    told = [one.event for one in again.read() if isinstance(one.event, StatisticsComputed)]
    assert [one.subject for one in told] == [one.subject for one in events if isinstance(one, StatisticsComputed)]
    assert len({one.head["main"] for one in told}) == 2
