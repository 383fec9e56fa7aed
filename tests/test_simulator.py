"""The simulator: accuracies as set, answers that graders read, the same from the same seed."""

import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.core.errors import EngineError
from asd.core.facts.data import SplitAssigned
from asd.core.facts.decision import SampleAnswered, StageEscalated
from asd.core.facts.predictor import QualityPredicted
from asd.core.facts.run import Nature
from asd.core.facts.sample import SampleGenerated, SampleGraded, SamplePlanned
from asd.runners.base import flat
from asd.runners.config import load_runner
from asd.runners.engines.base import Generation, Sampling
from asd.runners.engines.simulator import SimulatorEngine, wrong
from asd.runners.sandbox import run
from asd.runners.tasks.base import Problem, Task
from asd.runners.tasks.gsm8k import Gsm8k
from asd.runners.tasks.humaneval import HumanEval
from asd.runners.tasks.mmlu import Mmlu
from asd.runners.tasks.truthfulqa import TruthfulQaMc1

SMALL = (
    *(
        "tasks.0.limit=60",
        "tasks.1.limit=20",
        "tasks.2.limit=4",
        "tasks.3.limit=16",
        "seeds=[42, 123]",
        "lambdas=[30, 200]",
    ),
    *("predictor.hidden=[4]", "predictor.epochs=1", "analysis.permutations=99", "analysis.bootstraps=99"),
)
PROBLEMS = [Problem(f"gsm8k/test/{n}", f"{n}?", str(n), solution=f"It is {n}.\n#### {n}") for n in range(4000)]


def answers(engine: SimulatorEngine, problems: list[Problem], seed: int | None = None) -> list[Generation]:
    with engine.load() as session:
        return session.generate(session.prompts(problems), Sampling(max_tokens=200, seed=seed))


def right(engine: SimulatorEngine) -> list[bool]:
    task = Gsm8k()
    pairs = zip(PROBLEMS, answers(engine, PROBLEMS), strict=True)
    return [task.grade(problem, answer.text).correct for problem, answer in pairs]


def stage(name: str, accuracy: float) -> SimulatorEngine:
    return SimulatorEngine(name=name, accuracy={"gsm8k": accuracy})


def test_accuracy_comes_out_as_set() -> None:
    assert sum(right(stage("a", 0.7))) / len(PROBLEMS) == pytest.approx(0.7, abs=0.03)


def test_stages_agree_on_what_is_hard() -> None:
    small, large = right(stage("a", 0.5)), right(stage("b", 0.8))
    both = sum(one and other for one, other in zip(small, large, strict=True)) / len(PROBLEMS)
    assert both > 0.5 * 0.8 + 0.05


def test_the_same_seed_gives_the_same_answers_in_any_order() -> None:
    forward = answers(stage("a", 0.6), PROBLEMS[:50])
    assert forward == answers(stage("a", 0.6), PROBLEMS[:50][::-1])[::-1]


def test_sampling_seeds_draw_different_answers() -> None:
    assert answers(stage("a", 0.6), PROBLEMS[:50], 1) != answers(stage("a", 0.6), PROBLEMS[:50], 2)


def test_log_probabilities_tell_right_from_wrong_but_not_perfectly() -> None:
    marks = right(stage("a", 0.6))
    means = [one.logprobs.mean for one in answers(stage("a", 0.6), PROBLEMS) if one.logprobs]
    good = [mean for mean, mark in zip(means, marks, strict=True) if mark][:500]
    bad = [mean for mean, mark in zip(means, marks, strict=True) if not mark][:500]
    above = sum(g > b for g in good for b in bad) / (len(good) * len(bad))
    assert 0.7 < above < 0.97


def test_a_wrong_answer_does_not_contradict_its_own_steps() -> None:
    texts = [one.text for one in answers(stage("a", 0.6), PROBLEMS[:200])]
    assert all(re.fullmatch(r"#### \d+", text) for text in texts)


def test_everything_says_that_it_is_simulated() -> None:
    assert stage("a", 0.5).nature is Nature.SIMULATED


def test_a_task_without_an_accuracy_is_refused_by_name() -> None:
    with pytest.raises(EngineError, match="gsm8k/test/0"):
        answers(SimulatorEngine(name="a", accuracy={"mmlu": 0.5}), PROBLEMS[:1])


@pytest.mark.parametrize(
    ("task", "folder"),
    [(Gsm8k, "gsm8k"), (Mmlu, "cais_mmlu"), (TruthfulQaMc1, "truthful_qa"), (HumanEval, "openai_humaneval")],
)
def test_each_tasks_solutions_are_right_and_the_wrong_ones_wrong(
    task: type[Task], folder: str, benchmark_data: Path
) -> None:
    if task is HumanEval and run.available() is None:
        pytest.skip("neither bubblewrap nor Landlock here")
    asked = task.model_validate({"path": str(benchmark_data / folder), "limit": 6})
    for problem in asked.datasets()[0].problems:
        for accuracy, correct in ((1 - 1e-9, True), (1e-9, False)):
            (answer,) = answers(SimulatorEngine(name="a", accuracy={"*": accuracy}), [problem])
            assert asked.grade(problem, answer.text).correct is correct


@given(st.text(), st.integers())
def test_a_wrong_answer_can_be_made_of_any_text(text: str, seed: int) -> None:
    wrong(text, Random(seed), Random(text))


def test_the_likelier_wrong_answer_is_another_for_each_question() -> None:
    usual = {wrong("A", Random(1), Random(question)) for question in range(20)}
    assert usual == {"B", "C", "D"}


def test_a_rehearsal_leaves_every_event_that_it_should(
    benchmark_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if run.available() is None:
        pytest.skip("neither bubblewrap nor Landlock here")
    monkeypatch.setenv("ASD_DATA", str(benchmark_data))
    runner = load_runner("rehearsal", SMALL).at(tmp_path)
    events = list(flat(runner.run(())))
    assert runner.nature is Nature.SIMULATED
    assert {one.nature for one in events if isinstance(one, SampleGenerated)} == {Nature.SIMULATED}
    counts = Counter(type(one) for one in events)
    answered = [one for one in events if isinstance(one, SampleAnswered)]
    played = Counter(one.role for one in events if isinstance(one, SplitAssigned) for _ in one.samples)
    assert sum(played.values()) == 2 * 100
    assert counts[SamplePlanned] == 100
    assert counts[SampleGenerated] == counts[SampleGraded] == 4 * 100
    assert counts[QualityPredicted] == 4 * sum(played.values())
    assert counts[SampleAnswered] == 2 * played["evaluate"]
    assert counts[StageEscalated] == sum(one.stage for one in answered)
