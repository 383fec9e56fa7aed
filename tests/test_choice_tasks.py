"""Tasks of multiple choice: MMLU and TruthfulQA."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.core.errors import ConfigError
from asd.core.event import JsonObject
from asd.core.facts.sample import SampleGenerated, SampleGraded, SamplePlanned
from asd.runners.base import flat
from asd.runners.cascade import Cascade
from asd.runners.phases.preparation import suited
from asd.runners.tasks.base import Grade, Problem
from asd.runners.tasks.choices import chosen_letter, chosen_letters
from asd.runners.tasks.hub import read
from asd.runners.tasks.mmlu import Mmlu
from asd.runners.tasks.truthfulqa import TruthfulQa, TruthfulQaMc1, TruthfulQaMc2, true_share


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        (" C.\n\nQuestion: next", "C"),
        ("(D) since it is so", "D"),
        ("**A**", "A"),
        ("A cat is an animal. The answer is (B).", "B"),
        ("First I took A. Answer: C", "C"),
        (r"So \boxed{\text{D}}", "D"),
        ("I think that (C) is right", "C"),
        ("the answer is a", "A"),
        ("E", None),
        ("I do not know", None),
        ("", None),
    ],
)
def test_the_chosen_letter_is_read(text: str, letter: str | None) -> None:
    assert chosen_letter(text, 4) == letter


@pytest.mark.parametrize(
    ("text", "letters"),
    [("A, C", "AC"), ("C and A.", "AC"), ("The true ones are: B, B, D", "BD"), ("Answer: E", None), ("All.", None)],
)
def test_the_set_of_chosen_letters_is_read(text: str, letters: str | None) -> None:
    assert chosen_letters(text.replace("The true ones are", "Answers"), 4) == letters


@given(st.text(), st.integers(1, 26))
def test_no_text_makes_the_reading_of_letters_raise(text: str, count: int) -> None:
    chosen_letter(text, count)
    chosen_letters(text, count)


def test_mmlu_is_whole_with_its_57_subjects_as_clusters(benchmark_data: Path) -> None:
    (data,) = Mmlu(path=str(benchmark_data / "cais_mmlu")).datasets()
    assert len(data.problems) == data.samples == 14_042
    assert len({problem.cluster for problem in data.problems}) == 57


def test_an_mmlu_question_comes_after_five_examples_of_its_subject(benchmark_data: Path) -> None:
    (data,) = Mmlu(path=str(benchmark_data / "cais_mmlu"), subjects=("virology",), limit=2).datasets()
    problem = data.problems[0]
    assert problem.text.count("Answer:") == 6
    assert problem.text.endswith("Answer:")
    assert [turn.speaker for turn in problem.turns] == ["user", "assistant"] * 5 + ["user"]
    assert problem.prompt.count("Question:") == 1


def test_the_examples_are_part_of_mmlus_fingerprint(benchmark_data: Path) -> None:
    path = str(benchmark_data / "cais_mmlu")
    with_examples, without = (Mmlu(path=path, limit=3, shots=shots).datasets()[0] for shots in (5, 0))
    assert with_examples.fingerprint != without.fingerprint


def test_a_right_mmlu_answer_is_graded_right_and_a_wrong_one_wrong(benchmark_data: Path) -> None:
    task = Mmlu(path=str(benchmark_data / "cais_mmlu"), limit=50)
    for problem in task.datasets()[0].problems:
        assert [letter for letter in "ABCD" if task.grade(problem, letter).correct] == [problem.reference]


def test_truthfulqa_asks_817_questions_and_the_true_choice_is_not_always_first(benchmark_data: Path) -> None:
    (data,) = TruthfulQaMc1(path=str(benchmark_data / "truthful_qa")).datasets()
    assert len(data.problems) == 817
    first = sum(problem.reference.startswith("A/") for problem in data.problems)
    assert 0.1 < first / 817 < 0.4


def truthfulqa(kind: type[TruthfulQa], data: Path, *, scoring: bool) -> TruthfulQa:
    return kind.model_validate({"path": str(data / "truthful_qa")}).suited(scoring)


def test_mc2_by_letters_is_right_where_exactly_the_true_statements_are_named(benchmark_data: Path) -> None:
    task = truthfulqa(TruthfulQaMc2, benchmark_data, scoring=False)
    for problem in task.datasets()[0].problems:
        true, _, count = problem.reference.partition("/")
        assert task.grade(problem, ", ".join(true)).correct
        assert not task.grade(problem, ", ".join(set("ABCDEFGHIJKLMNOPQRSTUVWX"[: int(count)]) - set(true))).correct


@pytest.mark.parametrize(
    ("kind", "targets", "labels"), [(TruthfulQaMc1, "mc1_targets", 1), (TruthfulQaMc2, "mc2_targets", None)]
)
def test_by_likelihood_each_choice_is_scored_after_the_benchmarks_own_examples(
    kind: type[TruthfulQa], targets: str, labels: int | None, benchmark_data: Path
) -> None:
    task = truthfulqa(kind, benchmark_data, scoring=True)
    rows = read(str(benchmark_data / "truthful_qa"), "multiple_choice", "validation").rows
    problems = task.datasets()[0].problems
    for row, problem in zip(rows, problems, strict=True):
        true, _, count = problem.reference.partition("/")
        known = dict(zip(row[targets]["choices"], row[targets]["labels"], strict=True))
        assert len(problem.choices) == int(count) == len(row[targets]["labels"])
        assert {problem.choices[ord(letter) - 65][1:] for letter in true} == {k for k, v in known.items() if v}
        assert labels is None or len(true) == labels
        assert problem.text.endswith(f"Barcelona, Spain.\n\nQ: {row['question']}\nA:")
        assert problem.turns == ()


def test_mc1_is_right_where_the_true_choice_is_the_likeliest() -> None:
    problem, task = Problem("q", "", "B/3"), TruthfulQaMc1(scoring="likelihood")
    assert task.grade_choices(problem, (-5.0, -3.0, -4.0)) == Grade(True, "B")
    assert task.grade_choices(problem, (-5.0, -3.0, -2.0)) == Grade(False, "C")


def test_mc2_is_the_share_of_probability_that_the_true_choices_have() -> None:
    problem, task = Problem("q", "", "AC/3"), TruthfulQaMc2(scoring="likelihood")
    masses = (0.1, 0.2, 0.3)
    grade = task.grade_choices(problem, tuple(map(math.log, masses)))
    assert grade == Grade(True, "C", pytest.approx((0.1 + 0.3) / sum(masses)))
    assert task.grade_choices(problem, (-2000.0, -1990.0, -1995.0)).score == pytest.approx(0.00673, abs=1e-4)


@pytest.mark.parametrize(
    ("scoring", "can", "grader"),
    [
        ("auto", True, "truthfulqa-mc2-mass/1"),
        ("auto", False, "truthfulqa-mc2-exact-set/1"),
        ("letters", True, "truthfulqa-mc2-exact-set/1"),
        ("likelihood", True, "truthfulqa-mc2-mass/1"),
    ],
)
def test_the_form_that_a_ladder_can_answer_is_taken_and_named_by_the_grader(
    scoring: str, can: bool, grader: str
) -> None:
    assert TruthfulQaMc2.model_validate({"scoring": scoring}).suited(can).grader == grader


def test_likelihood_on_a_ladder_that_cannot_score_is_refused() -> None:
    with pytest.raises(ConfigError, match="can score choices"):
        TruthfulQaMc1(scoring="likelihood").suited(scoring=False)


@given(st.lists(st.floats(-1e4, 0), min_size=1, max_size=24), st.sets(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWX")))
def test_a_share_lies_between_0_and_1_and_with_that_of_the_others_adds_up_to_1(
    logprobs: list[float], true: set[str]
) -> None:
    there = set("ABCDEFGHIJKLMNOPQRSTUVWX"[: len(logprobs)])
    share = true_share(logprobs, "".join(true & there))
    assert 0 <= share <= 1
    assert share + true_share(logprobs, "".join(there - true)) == pytest.approx(1)


def ladder(data: Path, engines: list[JsonObject]) -> Cascade:
    task = {"task": "truthfulqa-mc2", "path": str(data / "truthful_qa"), "limit": 120}
    quick = {"predictor": {"hidden": [4], "epochs": 1}, "analysis": {"permutations": 99, "bootstraps": 99}}
    told = {"tasks": [task], "stages": engines, "lambdas": [5, 50], "seeds": [1], **quick}
    return Cascade.model_validate(told)


def test_a_run_keeps_every_choices_likelihood_and_the_score_made_of_them(benchmark_data: Path, tmp_path: Path) -> None:
    stages = [
        {"engine": "simulator", "name": name, "accuracy": {"*": right}} for name, right in (("a", 0.4), ("b", 0.8))
    ]
    events = list(flat(ladder(benchmark_data, stages).at(tmp_path).run(())))
    answered = {one.subject: one for one in events if isinstance(one, SampleGenerated)}
    references = {one.sample: one.reference for one in events if isinstance(one, SamplePlanned)}
    graded = [one for one in events if isinstance(one, SampleGraded)]
    assert len(graded) == len(answered) == 240
    for one in graded:
        true, _, count = references[one.sample].partition("/")
        known = answered[one.subject].choice_logprobs
        assert len(known) == int(count)
        assert one.score == true_share(known, true)
        assert (one.correct, one.grader) == (one.score > 0.5, "truthfulqa-mc2-mass/1")


def test_one_stage_that_cannot_score_has_the_whole_ladder_asked_for_letters(benchmark_data: Path) -> None:
    first: JsonObject = {"engine": "simulator", "name": "a", "accuracy": {"*": 0.4}}
    second: JsonObject = {"engine": "openai", "url": "http://localhost:9/v1", "served": "b"}
    runner = ladder(benchmark_data, [first, second])
    assert [task.grader for task in suited(runner.tasks, runner.stages)] == ["truthfulqa-mc2-exact-set/1"]
