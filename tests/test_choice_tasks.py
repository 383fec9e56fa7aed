"""Tasks of multiple choice: MMLU and TruthfulQA."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.runners.tasks.choices import chosen_letter, chosen_letters
from asd.runners.tasks.mmlu import Mmlu
from asd.runners.tasks.truthfulqa import TruthfulQaMc1, TruthfulQaMc2


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


def test_mc2_is_right_where_exactly_the_true_statements_are_named(benchmark_data: Path) -> None:
    task = TruthfulQaMc2(path=str(benchmark_data / "truthful_qa"))
    for problem in task.datasets()[0].problems:
        true, _, count = problem.reference.partition("/")
        assert task.grade(problem, ", ".join(true)).correct
        assert not task.grade(problem, ", ".join(set("ABCDEFGHIJKLMNOPQRSTUVWX"[: int(count)]) - set(true))).correct
