"""Pocket problems: made by code, answered by the pocket ladder, graded character by character."""

from dataclasses import asdict
from typing import Literal

from pydantic import Field

from asd.runners.tasks import pocket_problems
from asd.runners.tasks.base import Dataset, Grade, Problem, Task
from asd.runners.tasks.hub import fingerprint


class Pocket(Task):
    """`fit_per_cell` problems of each family and level to fit predictor and policy, `evaluate_per_cell` to evaluate.

    Problems come from `seed`; those for training, fitting and evaluation have no prompt in common.
    """

    task: Literal["pocket"] = "pocket"
    fit_per_cell: int = Field(default=60, ge=1)
    evaluate_per_cell: int = Field(default=60, ge=1)
    seed: int = 1
    max_tokens: int = 24

    @property
    def grader(self) -> str:
        return "pocket-exact/1"

    def datasets(self) -> tuple[Dataset, ...]:
        return (
            self._dataset("fit", "fit", self.fit_per_cell),
            self._dataset("evaluate", "test", self.evaluate_per_cell),
        )

    def grade(self, problem: Problem, text: str) -> Grade:
        extracted = text.strip()
        return Grade(extracted == problem.reference, extracted or None)

    def _dataset(self, role: Literal["fit", "evaluate"], split: pocket_problems.Split, per_cell: int) -> Dataset:
        made = pocket_problems.problems(split, per_cell, self.seed)
        return Dataset(
            role=role,
            problems=tuple(Problem(f"pocket/{one.id}", one.prompt, one.answer, solution=one.answer) for one in made),
            samples=len(made),
            split=split,
            fingerprint=fingerprint(asdict(one) for one in made),
            loaded_from=f"made by code from seed {self.seed}",
        )
