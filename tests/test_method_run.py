"""What a run makes of the method: recall, skipping, goals, certificates, comparison, and ablations of it."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from ladders import settings, write_ladder

from asd.core.errors import ConfigError, UsageError
from asd.core.event import Event
from asd.core.facts.analysis import (
    AblationMeasured,
    FrontierMeasured,
    LambdaChosen,
    PolicyEvaluated,
    RetentionCertified,
    StatisticsComputed,
)
from asd.core.facts.data import SplitAssigned
from asd.core.facts.decision import PolicyFitted, SampleAnswered, StageEscalated
from asd.core.facts.predictor import PredictorTrained, QualityPredicted, RecallFitted
from asd.core.facts.run import RunStarted
from asd.core.facts.sample import SampleGraded, SamplePlanned
from asd.core.policy import Router
from asd.core.statistics.certify import retention_p
from asd.runners.arms import Ground
from asd.runners.base import Parent, Past, flat, record
from asd.runners.cascade import Cascade
from asd.runners.config import build
from asd.runners.live import live_settings
from asd.runners.phases.certificate import certificates
from asd.runners.routing import foretold
from asd.runners.state import State
from asd.store.memory import MemoryLog
from asd.store.store import Store
from asd.views.lineage import why
from asd.views.rendering import open_session
from asd.views.session import Session

RICH = {
    "predictor": {"hidden": [16], "epochs": 30, "folds": 3, "sub_ladders": True},
    "policy": {"costs": "theoretical", "recall": True, "skip": True, "prices": 6},
    "shares": {"fit": 0.2, "calibrate": 0.2, "certify": 0.3, "evaluate": 0.3},
    "lambdas": [5, 50, 500],
    "seeds": [1],
}


def cascade(folder: Path, **changes: object) -> Cascade:
    made = build({**settings(folder), **RICH, **changes}).at(folder / "files")
    assert isinstance(made, Cascade)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ladder")
    write_ladder(made)
    return made


@pytest.fixture(scope="module")
def log(folder: Path) -> MemoryLog:
    made = MemoryLog("sums")
    record(cascade(folder), made, command=())
    return made


@pytest.fixture(scope="module")
def whole(log: MemoryLog) -> list[Event]:
    return [one.event for one in log.read()]


@pytest.fixture(scope="module")
def ablated(log: MemoryLog, folder: Path) -> MemoryLog:
    runner = build({"runner": "ablation", "parent": "sums", "name": "sums-ablation"})
    made = MemoryLog("sums-ablation")
    record(runner.varying(parent(log, folder)), made, command=())
    return made


def parent(log: MemoryLog, folder: Path) -> Parent:
    return Parent(log.run, lambda: Past(log), folder / "files")


def of(kind: type, events: Iterable[Event]) -> list:
    return [one for one in events if isinstance(one, kind)]


@pytest.mark.parametrize("skip", [True, False])
def test_a_live_cascade_that_recalls_and_skips_decides_as_its_replay_did(
    skip: bool, folder: Path, whole: list[Event], tmp_path: Path
) -> None:
    if not skip:
        folder, log = tmp_path, MemoryLog("sums")
        write_ladder(folder)
        record(cascade(folder, policy={**RICH["policy"], "skip": False}), log, command=())
        whole = [one.event for one in log.read()]

    def decided(events: Iterable[Event], lam: float) -> dict[str, tuple[object, ...]]:
        return {
            one.sample: (one.stage, one.answer_stage, one.correct, one.cost, one.after, pytest.approx(one.q, abs=1e-12))
            for one in of(SampleAnswered, events)
            if one.lam == lam
        }

    evaluated = {name for one in of(SplitAssigned, whole) if one.role == "evaluate" for name in one.samples}
    assert any(one.answer_stage < one.stage for one in of(SampleAnswered, whole))
    for lam in (5, 50, 500):
        made = flat(build(live_settings(whole, "sums", folder / "files", lam, None)).run(()))
        live = {name: one for name, one in decided(made, lam).items() if name in evaluated}
        assert live == decided(whole, lam)


def test_what_decisions_rest_on_was_said_and_is_told_of_what_ran_only(whole: list[Event]) -> None:
    said = {f"{QualityPredicted.kind}:{one.subject}" for one in of(QualityPredicted, whole)}
    decided = [*of(SampleAnswered, whole), *of(StageEscalated, whole)]
    assert {one.cause for one in decided} <= said
    assert any(one.after is not None for one in of(QualityPredicted, whole))


def test_a_larger_price_of_error_never_stops_earlier_with_recall_and_skipping(whole: list[Event]) -> None:
    stages = defaultdict(dict)
    for one in of(SampleAnswered, whole):
        stages[one.sample][one.lam] = one.stage
    assert all(some[5] <= some[50] <= some[500] for some in stages.values())


def test_fitting_and_calibration_samples_both_train_and_each_is_judged_by_who_has_not_seen_it(
    whole: list[Event],
) -> None:
    [trained] = of(PredictorTrained, whole)
    roles = {one.role: set(one.samples) for one in of(SplitAssigned, whole)}
    assert trained.folds == 3
    assert trained.samples == 3 * len(roles["fit"] | roles["calibrate"])
    assert {one.sample for one in of(QualityPredicted, whole)} == set.union(*roles.values())
    assert {one.samples for one in of(RecallFitted, whole)} == {len(roles["fit"] | roles["calibrate"])}


def test_a_certificate_counts_what_stays_right_on_samples_that_nothing_was_fitted_to(whole: list[Event]) -> None:
    [certificate] = of(RetentionCertified, whole)
    certified = {name for one in of(SplitAssigned, whole) if one.role == "certify" for name in one.samples}
    right = {one.sample for one in of(SampleGraded, whole) if one.stage == 2 and one.correct}
    assert (certificate.samples, certificate.baseline_right) == (len(certified), len(certified & right))
    assert [one.lam for one in certificate.tested] == sorted((one.lam for one in certificate.tested), reverse=True)
    for test in certificate.tested:
        assert test.p_value == retention_p(test.kept, certificate.baseline_right, certificate.target)
    sure = [one.lam for one in certificate.tested if one.p_value <= certificate.alpha]
    assert certificate.lam == (min(sure) if sure else None)


def test_samples_of_one_cluster_count_together_in_a_certificate(whole: list[Event], folder: Path) -> None:
    def clustered(one: Event) -> Event:
        alone = isinstance(one, SamplePlanned) and int(one.sample.rpartition("/")[2]) % 3
        return one.model_copy(update={"cluster": "threes"}) if isinstance(one, SamplePlanned) and not alone else one

    [before] = of(RetentionCertified, whole)
    state = State.of(clustered(one) for one in whole)
    ground = Ground.of(state, of(RunStarted, whole)[0].config, folder / "files")
    [certificate] = certificates(ground.analysis, ground.base)
    certified = [name for one in of(SplitAssigned, whole) if one.role == "certify" for name in one.samples]
    threes = {name for name in certified if int(name.rpartition("/")[2]) % 3 == 0}
    right = {one.sample for one in of(SampleGraded, whole) if one.stage == 2 and one.correct}
    assert certificate.clusters == len(certified) - len(threes) + 1
    assert (before.method[-14:], certificate.method[-13:]) == ("exact binomial", "over clusters")
    for test in certificate.tested:
        p = retention_p(test.kept, certificate.baseline_right, certificate.target, len(threes & right))
        assert test.p_value == p


def test_every_policy_is_in_the_comparison_with_its_frontier(whole: list[Event]) -> None:
    policies = {one.policy for one in of(PolicyEvaluated, whole)}
    ranked = {"threshold", "myopic", "optimal-stopping", "portfolio", "router", "oracle", "random-mix"}
    assert policies == ranked | {"always"}
    frontiers = {one.policy: one for one in of(FrontierMeasured, whole)}
    assert frontiers.keys() == ranked
    assert all(one.area <= frontiers["oracle"].area + 1e-12 for one in frontiers.values())
    assert (frontiers["random-mix"].gap_closed, frontiers["oracle"].gap_closed) == (0, 1)


def test_the_routers_points_follow_from_what_events_say_that_it_foretold(whole: list[Event], folder: Path) -> None:
    base = Ground.of(State.of(whole), of(RunStarted, whole)[0].config, folder / "files").base
    known, seen = base.known(1), base.seen(1)
    asked = [foretold(base.state, 1, some.names) for some in (known, seen)]
    points = [one for one in of(PolicyEvaluated, whole) if (one.policy, one.task) == ("router", "all")]
    assert len({one.cost for one in points}) > 1
    for point in points:
        lam = float(point.setting.removeprefix("λ = "))
        decided = Router().fit(asked[0], known.labels, base.costs, lam).decide(asked[1], base.costs)
        assert point.cost == pytest.approx(decided.cost.mean() / base.costs[-1])
        assert point.correct == seen.right[range(len(seen.names)), decided.answer_stage].sum()


def test_a_row_of_the_router_leads_back_to_its_points_and_to_what_it_foretold(log: MemoryLog) -> None:
    session = Session(log)
    told = {one.table: one for one in why(session, "policies", {"policy": "router"}).sources}
    assert told["router_asked"].events == 3
    assert "'router'" in told["policy_evaluated"].where
    assert told["policy_evaluated"].events > told["frontier_measured"].events == 1
    other = {one.table: one.events for one in why(session, "policies", {"policy": "myopic"}).sources}
    assert other["router_asked"] == 0


def test_the_rival_runs_the_cheapest_stage_where_cost_is_all_and_the_whole_ladder_where_it_is_nothing(
    whole: list[Event], folder: Path, peer: ModuleType
) -> None:
    trial = peer.Trial(peer.ground_of(State.of(whole), folder / "files"), 1)
    right = trial.sides[1][0]
    assert trial.point([1e9] * 3) == pytest.approx((trial.costs[0], right[:, 0].mean()))
    cost, accuracy = trial.point([0.0] * 3)
    assert 1 < cost <= trial.costs.sum() + 1e-12
    assert accuracy > right[:, 0].mean()


@pytest.mark.parametrize("budget", [0.1, 0.3, 0.8])
def test_a_budget_is_kept_on_the_samples_that_the_price_was_searched_on(folder: Path, budget: float) -> None:
    policy = {**RICH["policy"], "skip": False, "budget": budget}
    events = list(flat(cascade(folder, policy=policy, lambdas=[]).run(())))
    [chosen] = of(LambdaChosen, events)
    assert 1 / chosen.speedup <= budget + 1e-12
    assert (
        {one.lam for one in of(PolicyFitted, events)} == {chosen.lam} == {one.lam for one in of(SampleAnswered, events)}
    )


def test_a_larger_budget_never_finds_a_smaller_price(folder: Path) -> None:
    def price(budget: float) -> float:
        policy = {**RICH["policy"], "budget": budget}
        return of(LambdaChosen, flat(cascade(folder, policy=policy, lambdas=[]).run(())))[0].lam

    assert price(0.1) <= price(0.4) <= price(0.9)


def test_a_retention_that_is_searched_for_is_kept_and_a_λ_that_was_given_stays(folder: Path) -> None:
    policy = {**RICH["policy"], "retention": 0.8}
    events = list(flat(cascade(folder, policy=policy, lambdas=[5]).run(())))
    [chosen] = of(LambdaChosen, events)
    assert chosen.retention >= 0.8
    assert {one.lam for one in of(SampleAnswered, events)} == {5, chosen.lam}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"policy": {"budget": 0.5, "retention": 0.9}}, "not both"),
        ({"lambdas": []}, "at least one λ"),
        ({"predictor": {"sub_ladders": False}}, "predictor.sub_ladders"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(folder: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        cascade(folder, **changes)


def test_an_ablation_is_a_run_that_names_its_parent_and_measures_every_arm(ablated: MemoryLog) -> None:
    events = [one.event for one in ablated.read()]
    [started] = of(RunStarted, events)
    assert (started.parent, started.runner) == ("sums", "ablation")
    arms = defaultdict(list)
    for one in of(AblationMeasured, events):
        arms[one.ablation].append(one.arm)
    assert arms == {
        "quality predictor": ["on", "off"],
        "cost model": ["theoretical"],
        "ladder": ["recall and skip", "recall", "skip", "pair 0, 2", "pair 1, 2", "full"],
        "information set": ["+ agreement", "+ answer", "prompt"],
        "policy and calibration": [
            f"{form}, {method}"
            for form in ("optimal stopping", "myopic", "threshold")
            for method in ("platt", "beta", "isotonic")
        ],
    }


def test_each_arm_but_the_last_is_tested_in_one_family(ablated: MemoryLog) -> None:
    tests = of(StatisticsComputed, (one.event for one in ablated.read()))
    assert len(tests) == 1 + 0 + 5 + 2 + 8
    assert {one.family for one in tests} == {"ablations (Holm)"}
    assert all(one.p_value <= one.p_adjusted for one in tests)


def test_the_arm_that_changes_nothing_decides_as_the_run_did(ablated: MemoryLog, whole: list[Event]) -> None:
    [chosen] = of(LambdaChosen, whole)
    answered = [one for one in of(SampleAnswered, whole) if one.lam == chosen.lam]
    accuracy = sum(one.correct for one in answered) / len(answered)
    arms = {(one.ablation, one.arm): one for one in of(AblationMeasured, (one.event for one in ablated.read()))}
    for same in (("quality predictor", "on"), ("ladder", "recall and skip"), ("information set", "+ agreement")):
        assert arms[same].accuracy == pytest.approx(accuracy), same
        assert arms[same].speedup == pytest.approx(arms["quality predictor", "on"].speedup), same


def test_the_parents_table_of_ablations_shows_those_of_its_child(log: MemoryLog, ablated: MemoryLog) -> None:
    session = Session(log, children=[ablated])
    rows = session.rows("ablations")
    assert {(row["run"], row["parent"]) for row in rows} == {("sums-ablation", "sums")}
    by_arm = {(row["ablation"], row["arm"]): row for row in rows}
    on, off = by_arm["quality predictor", "on"], by_arm["quality predictor", "off"]
    assert on["improvement_factor"] == pytest.approx(on["speedup"] / off["speedup"])
    assert 0 < on["p_value"] <= 1
    assert Session(log).rows("ablations") == []


def test_the_statistics_of_an_ablation_say_the_head_of_the_parent_that_they_read(
    log: MemoryLog, ablated: MemoryLog
) -> None:
    last = max(one.seq for one in log.read())
    assert {row["head_read"] for row in Session(ablated).rows("statistics")} == {f"sums: main {last}"}


def test_only_a_finished_cascade_can_be_ablated(log: MemoryLog, folder: Path) -> None:
    unfinished = Parent("sums", lambda: [one.event for one in log.read()][:-1], folder)
    runner = build({"runner": "ablation", "parent": "sums", "ablations": ["predictor"]})
    with pytest.raises(UsageError, match="no finished cascade"):
        list(runner.varying(unfinished).run(()))
    with pytest.raises(UsageError, match="not in the store"):
        list(runner.run(()))


def test_an_ablation_in_a_store_is_read_with_its_parent_and_is_not_the_latest_run(
    log: MemoryLog, ablated: MemoryLog, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    for name, made in (("sums", log), ("sums-ablation-20260101-000000-abcdef", ablated)):
        with store.create(name) as kept:
            kept.append("main", [one.event for one in made.read()])
    assert store.latest() == "sums"
    session = open_session(store, None)
    assert session.children == ("sums-ablation-20260101-000000-abcdef",)
    assert len(session.rows("ablations")) == len(of(AblationMeasured, (one.event for one in ablated.read())))
    assert open_session(store, "sums", {"main": 10}).children == ()
