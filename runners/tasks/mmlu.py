"""MMLU: questions of 57 subjects with four choices each, graded by the letter that is chosen."""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Literal

from pydantic import Field

from asd.core.event import JsonObject
from asd.runners.tasks.base import Grade, Problem, Turn
from asd.runners.tasks.choices import LETTERS, chosen_letter, listed
from asd.runners.tasks.hub import HubTask, read

_INSTRUCTION = "Answer the multiple-choice question about {subject}. Reply with the letter of the right choice only."


class Mmlu(HubTask):
    """MMLU (Hendrycks et al. 2021): 14,042 test questions; the subjects are clusters.

    The first `shots` questions of the same subject in the split `examples` come before each question. `subjects`
    limits the questions to some subjects; with none, all are asked.
    """

    task: Literal["mmlu"] = "mmlu"
    path: str = "cais/mmlu"
    config: str = "all"
    examples: str = "dev"
    shots: int = Field(default=5, ge=0)
    subjects: tuple[str, ...] = ()
    max_tokens: int = 16
    licence: ClassVar[str | None] = "MIT"

    @property
    def grader(self) -> str:
        return "mmlu-letter/1"

    def wanted(self, row: JsonObject) -> bool:
        return not self.subjects or row["subject"] in self.subjects

    def support(self) -> Sequence[JsonObject]:
        return [row for rows in self._examples.values() for row in rows]

    def problem(self, row: JsonObject, index: int, split: str) -> Problem:
        subject = str(row["subject"])
        instruction = _INSTRUCTION.format(subject=subject.replace("_", " "))
        examples = self._examples.get(subject, [])
        return Problem(
            sample=f"mmlu/{split}/{index}",
            prompt=f"{_asked(row)}\nAnswer:",
            reference=LETTERS[row["answer"]],
            turns=_turns(instruction, examples, row),
            cluster=subject,
            solution=LETTERS[row["answer"]],
            context=f"{instruction}\n\n" + "".join(f"{_asked(one)}\nAnswer: {_answer(one)}\n\n" for one in examples),
        )

    def grade(self, problem: Problem, text: str) -> Grade:
        letter = chosen_letter(text, 4)
        return Grade(letter == problem.reference, letter)

    @cached_property
    def _examples(self) -> dict[str, list[JsonObject]]:
        """The few-shot rows of each subject."""
        found: dict[str, list[JsonObject]] = {}
        for row in read(self.path, self.config, self.examples).rows if self.shots else ():
            mine = found.setdefault(str(row["subject"]), [])
            if len(mine) < self.shots and self.wanted(row):
                mine.append(row)
        return found


def _asked(row: JsonObject) -> str:
    return f"Question: {str(row['question']).strip()}\n{listed(row['choices'])}"


def _answer(row: JsonObject) -> str:
    return LETTERS[row["answer"]]


def _turns(instruction: str, examples: Sequence[JsonObject], row: JsonObject) -> tuple[Turn, ...]:
    turns = []
    for one in examples:
        turns += [Turn("user", _asked(one)), Turn("assistant", _answer(one))]
    first, *rest = [*turns, Turn("user", _asked(row))]
    return (Turn("user", f"{instruction}\n\n{first.content}"), *rest)
