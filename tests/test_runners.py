"""A runner yields what is missing, whatever has happened before."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import cast

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ladders import ladder, write_ladder

from asd.core.errors import ConflictError, DamageError
from asd.core.event import Event
from asd.core.facts.data import SplitAssigned
from asd.core.facts.decision import PolicyFitted, SampleAnswered, StageEscalated
from asd.core.facts.predictor import QualityPredicted
from asd.core.facts.run import RunStarted
from asd.core.facts.sample import SampleGenerated, SampleGraded
from asd.runners.base import Step, flat, record
from asd.runners.cascade import Cascade
from asd.runners.config import build
from asd.runners.engines.base import Prompt, Sampling, Session
from asd.runners.live import LiveCascade, live_settings
from asd.runners.phases.generation import Stage
from asd.store.memory import MemoryLog
from asd.store.store import Store
from asd.views.planning import planned

DECISIONS = (SampleGenerated, SampleGraded, SplitAssigned, PolicyFitted, StageEscalated, SampleAnswered)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Cascade:
    folder = tmp_path_factory.mktemp("ladder")
    write_ladder(folder)
    return ladder(folder)


@pytest.fixture(scope="module")
def steps(runner: Cascade) -> list[Step]:
    return list(runner.run(()))


@pytest.fixture(scope="module")
def whole(steps: list[Step]) -> list[Event]:
    return list(flat(steps))


def decisions(events: Iterable[Event]) -> set[str]:
    """Answers, grades, splits, policies and decisions, as they are but for clock times."""
    chosen = (event for event in events if isinstance(event, DECISIONS))
    return {
        f"{event.kind} {orjson.dumps(event.model_dump(mode='json'), option=orjson.OPT_SORT_KEYS)!r}" for event in chosen
    }


def test_every_stage_answers_every_sample_once(whole: list[Event]) -> None:
    answers = Counter((one.sample, one.stage) for one in whole if isinstance(one, SampleGenerated))
    assert len(answers) == 240 * 3
    assert set(answers.values()) == {1}


def test_a_second_run_makes_the_same_decisions(runner: Cascade, whole: list[Event], tmp_path: Path) -> None:
    assert decisions(flat(runner.at(tmp_path).run(()))) == decisions(whole)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_resumed_run_ends_like_one_that_was_never_interrupted(
    runner: Cascade, steps: list[Step], whole: list[Event], share: float
) -> None:
    past = list(flat(steps[: round(len(steps) * share)]))
    rest = flat(runner.run(past))
    assert decisions([*past, *rest]) == decisions(whole)


def test_a_resumed_run_generates_nothing_twice(runner: Cascade, whole: list[Event]) -> None:
    rest = flat(runner.run(whole))
    assert not [event for event in rest if isinstance(event, DECISIONS)]


def test_the_four_roles_of_a_seed_are_disjoint(whole: list[Event]) -> None:
    for seed in (1, 2):
        names = [name for one in whole if isinstance(one, SplitAssigned) and one.seed == seed for name in one.samples]
        assert len(names) == len(set(names)) == 240


def test_a_larger_price_of_error_never_stops_earlier(whole: list[Event]) -> None:
    stop = {(one.lam, one.seed, one.sample): one.stage for one in whole if isinstance(one, SampleAnswered)}
    assert all(stop[50, seed, sample] >= stage for (lam, seed, sample), stage in stop.items() if lam == 5)


def test_an_escalation_is_there_exactly_when_going_on_was_worth_less(whole: list[Event]) -> None:
    escalations = [one for one in whole if isinstance(one, StageEscalated)]
    assert escalations
    assert all(one.stop_value > one.go_value for one in escalations)


def test_what_an_escalation_names_as_its_cause_was_said_before_it(whole: list[Event]) -> None:
    said = {f"{QualityPredicted.kind}:{one.subject}" for one in whole if isinstance(one, QualityPredicted)}
    assert {one.cause for one in whole if isinstance(one, StageEscalated | SampleAnswered)} <= said


def test_a_changed_dataset_is_refused_when_a_run_is_resumed(tmp_path: Path) -> None:
    write_ladder(tmp_path, samples=240)
    runner = ladder(tmp_path)
    past = [event for event in flat(runner.run(())) if event.kind in {"dataset.loaded", "sample.planned"}]
    (tmp_path / "sums" / "main" / "test.parquet").unlink()
    (tmp_path / "sums" / "main").rmdir()
    (tmp_path / "sums").rmdir()
    (tmp_path / "answers.parquet").unlink()
    write_ladder(tmp_path, samples=239)
    with pytest.raises(ConflictError, match=r"dataset\.loaded"):
        list(runner.run(past))


def test_a_changed_predictor_file_is_refused_when_a_run_is_resumed(runner: Cascade, whole: list[Event]) -> None:
    file = next(runner.files.glob("predictor-*.safetensors"))
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        with pytest.raises(DamageError, match=file.name):
            list(runner.run(whole))
    finally:
        file.write_bytes(content)


def test_what_a_runner_yields_is_what_the_log_holds(runner: Cascade, whole: list[Event], tmp_path: Path) -> None:
    log = MemoryLog("sums")
    record(runner.at(tmp_path), log, command=())
    kept = [one.event for one in log.read()]
    assert [kept[0].kind, kept[-1].kind] == ["run.started", "run.finished"]
    assert decisions(kept) == decisions(whole)


def test_an_interrupted_run_is_logged_as_failed_and_goes_on_when_recorded_again(
    runner: Cascade, whole: list[Event], tmp_path: Path
) -> None:
    log = MemoryLog("sums")

    def interrupt(event: Event) -> None:
        if isinstance(event, SampleGenerated) and event.stage == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(runner.at(tmp_path), log, command=(), watch=interrupt)
    record(runner.at(tmp_path), log, command=())
    kept = [one.event for one in log.read()]
    assert [one.kind for one in kept if one.kind.startswith("run.") and one.kind != "run.planned"] == [
        "run.started",
        "run.failed",
        "run.resumed",
        "run.finished",
    ]
    assert decisions(kept) == decisions(whole)


def test_a_run_takes_over_the_answers_of_another_where_the_work_is_the_same(
    runner: Cascade, whole: list[Event], tmp_path: Path
) -> None:
    first = {one.work: one for one in whole if isinstance(one, SampleGenerated)}
    marked = {work: one.model_copy(update={"reused_from": "first"}) for work, one in first.items()}
    again = [one for one in flat(runner.at(tmp_path).recalling(marked).run(())) if isinstance(one, SampleGenerated)]
    assert {one.reused_from for one in again} == {"first"}
    assert [one.model_copy(update={"reused_from": None}) for one in again] == list(first.values())


@pytest.mark.parametrize(
    "changed",
    ["weights", "engine", "token ids", "prompt", "sample", "max_tokens", "stop", "temperature", "seed", "nothing"],
)
def test_work_is_the_same_only_where_every_part_of_its_key_is(runner: Cascade, changed: str) -> None:
    def stage(weights: str, answers_of: str, **sampling: object) -> Stage:
        engine = runner.stages[0].model_copy(update={"answers_of": answers_of})
        return Stage(0, engine, cast(Session, None), Sampling(**{"max_tokens": 9, **sampling}), weights)

    prompt = Prompt("a/1", "<user> What is 1 + 1?", (1, 2, 3))
    before = stage("w", "small").work(prompt)
    after = {
        "weights": stage("v", "small").work(prompt),
        "engine": stage("w", "large").work(prompt),
        "token ids": stage("w", "small").work(replace(prompt, token_ids=(1, 2, 4))),
        "prompt": stage("w", "small").work(replace(prompt, text="What is 1 + 1?", token_ids=())),
        "sample": stage("w", "small").work(replace(prompt, sample="a/2")),
        "max_tokens": stage("w", "small", max_tokens=8).work(prompt),
        "stop": stage("w", "small", stop=("#",)).work(prompt),
        "temperature": stage("w", "small", temperature=0.5).work(prompt),
        "seed": stage("w", "small", seed=1).work(prompt),
        "nothing": stage("w", "small").work(prompt),
    }
    assert (after[changed] == before) == (changed == "nothing")


def test_other_work_is_not_taken_over(runner: Cascade, whole: list[Event], tmp_path: Path) -> None:
    marked = {
        one.work: one.model_copy(update={"reused_from": "first"}) for one in whole if isinstance(one, SampleGenerated)
    }
    longer = runner.model_copy(update={"tasks": (runner.tasks[0].model_copy(update={"max_tokens": 7}),)})
    steps = longer.at(tmp_path).recalling(marked).run(())
    again = [one for one in flat(steps) if isinstance(one, SampleGenerated)]
    assert {one.reused_from for one in again} == {None}


def live(runner: Cascade, whole: list[Event], lam: float) -> LiveCascade:
    opening = RunStarted(
        runner="cascade", name="sums", config=runner.config(), config_sha256="", command=(), asd_version="",
        durability="group", nature=runner.nature,
    )  # fmt: skip
    made = build(live_settings([opening, *whole], "sums", runner.files, lam, None))
    assert isinstance(made, LiveCascade)
    return made


@pytest.mark.parametrize("lam", [5, 50])
def test_a_live_cascade_decides_as_its_replay_did_sample_by_sample(
    runner: Cascade, whole: list[Event], lam: float
) -> None:
    def decided(events: Iterable[Event]) -> dict[str, tuple[object, ...]]:
        answered = (one for one in events if isinstance(one, SampleAnswered) and (one.lam, one.seed) == (lam, 1))
        return {one.sample: (one.stage, one.answer_stage, one.correct, one.q, one.cost) for one in answered}

    evaluated = {name for one in whole if isinstance(one, SplitAssigned) and one.seed == 1 and one.role == "evaluate"
                 for name in one.samples}  # fmt: skip
    made = decided(flat(live(runner, whole, lam).run(())))
    assert {name: one for name, one in made.items() if name in evaluated} == decided(whole)


def test_a_live_cascade_runs_a_stage_only_for_samples_that_reach_it(runner: Cascade, whole: list[Event]) -> None:
    events = list(flat(live(runner, whole, 50).run(())))
    escalated = {(one.sample, one.next_stage) for one in events if isinstance(one, StageEscalated)}
    answered = {(one.sample, one.stage) for one in events if isinstance(one, SampleGenerated) and one.stage > 0}
    assert answered == escalated
    assert len(answered) < 2 * 240


def test_a_resumed_live_cascade_ends_like_one_that_was_never_interrupted(runner: Cascade, whole: list[Event]) -> None:
    steps = list(live(runner, whole, 50).run(()))
    for cut in range(1, len(steps), 7):
        past = list(flat(steps[:cut]))
        rest = flat(live(runner, whole, 50).run(past))
        assert decisions([*past, *rest]) == decisions(flat(steps)), cut


def test_a_plan_says_before_anything_runs_whether_the_ladder_can_pay(runner: Cascade) -> None:
    rows = {row["item"]: row["value"] for row in planned(runner)}
    assert rows["units: generated"] == "720"
    assert rows["relative costs"] == "1.00, 4.00, 20.00"
    assert rows["largest speedup"].startswith("20.00")
    assert rows["full escalation"].startswith("costs 1.25 ")
    assert rows["can it pay"].startswith("yes")


def test_a_plan_tells_tokens_and_gains_from_an_earlier_run_of_the_same_models(runner: Cascade, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.create("sums-before") as log:
        record(runner.at(tmp_path), log, command=())
        answers = [one.event for one in log.read(only=(SampleGenerated,))]
        answered = [one.event for one in log.read(only=(SampleAnswered,))]
    rows = {row["item"]: row["value"] for row in planned(runner, store)}
    written = sum(one.output_tokens for one in answers if isinstance(one, SampleGenerated))
    assert rows["figures from"] == "sums-before"
    assert rows["tokens expected"].endswith(f" read, {written:,} generated")
    mine = [one.early for one in answered if isinstance(one, SampleAnswered) and one.lam == 50]
    assert f"where {sum(mine) / len(mine):.1%} stop early" in rows["largest speedup, λ = 50"]
    assert "hours expected" not in rows
    other = runner.model_copy(update={"stages": runner.stages[:2]})
    assert "figures from" not in {row["item"] for row in planned(other, store)}
