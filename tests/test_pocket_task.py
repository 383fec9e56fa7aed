"""The pocket task: what it asks and how it grades."""

import pytest

from asd.runners.tasks.pocket import Pocket

TASK = Pocket(fit_per_cell=3, evaluate_per_cell=2)


def test_fitting_and_evaluation_have_no_prompt_in_common() -> None:
    fit, evaluate = Pocket(fit_per_cell=20, evaluate_per_cell=20).datasets()
    assert (fit.role, evaluate.role) == ("fit", "evaluate")
    assert not {one.prompt for one in fit.problems} & {one.prompt for one in evaluate.problems}


def test_the_same_settings_make_the_same_problems() -> None:
    assert TASK.datasets() == Pocket(fit_per_cell=3, evaluate_per_cell=2).datasets()


def test_another_seed_makes_other_problems() -> None:
    assert TASK.datasets()[0].fingerprint != Pocket(fit_per_cell=3, seed=2).datasets()[0].fingerprint


@pytest.mark.parametrize(("text", "correct"), [("{}", True), (" {}\n", True), ("{}0", False), ("", False)])
def test_an_answer_is_right_character_by_character(text: str, correct: bool) -> None:
    problem = TASK.datasets()[1].problems[0]
    assert TASK.grade(problem, text.format(problem.reference)).correct is correct
