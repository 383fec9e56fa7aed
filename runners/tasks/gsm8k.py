"""GSM8K: grade-school arithmetic in words, graded by the final number.

The answer is the number after the last `####`, a line's `A:`, "answer is" or in the last `\\boxed{}`, whichever
stands latest in the text; where there is none of them, it is the last number. Thousands separators, currency signs and
trailing zeros after the point do not matter.
"""

import re
from typing import ClassVar, Literal

from asd.core.event import JsonObject
from asd.runners.tasks.base import Grade, Problem, Turn
from asd.runners.tasks.hub import HubTask

_INSTRUCTION = "Solve the problem step by step. End with a line that says '#### ' and the answer as a number."
_MARK = re.compile(r"####|^A:|\banswer is\b:?|\\boxed\{", re.MULTILINE | re.IGNORECASE)
# Bounded, since model output is hostile: no text makes the search more than linear.
_NUMBER = re.compile(r"(?:-\$?|\$-?)?(?:\d{1,30}(?:,\d{3}){0,10}(?:\.\d{1,30})?|\.\d{1,30})")


class Gsm8k(HubTask):
    """GSM8K (Cobbe et al. 2021): 1,319 test and 7,473 train problems."""

    task: Literal["gsm8k"] = "gsm8k"
    path: str = "gsm8k"
    config: str = "main"
    max_tokens: int = 400
    licence: ClassVar[str | None] = "MIT"

    @property
    def grader(self) -> str:
        return "gsm8k-final-number/1"

    def problem(self, row: JsonObject, index: int, split: str) -> Problem:
        question = str(row["question"])
        return Problem(
            sample=f"gsm8k/{split}/{index}",
            prompt=f"Question: {question}\n{_INSTRUCTION}\nAnswer:",
            reference=final_number(str(row["answer"])) or "",
            turns=(Turn("user", f"{question}\n\n{_INSTRUCTION}"),),
            solution=str(row["answer"]),
        )

    def grade(self, problem: Problem, text: str) -> Grade:
        extracted = final_number(text)
        return Grade(extracted is not None and extracted == problem.reference, extracted)


def final_number(text: str) -> str | None:
    """The number that `text` ends on, in one spelling ("2125", "0.5", "-3"), or None where there is none."""
    marks = list(_MARK.finditer(text))
    if marks:
        line = text[marks[-1].end() :].lstrip().split("\n", 1)[0]
        found = _NUMBER.search(line)
        return _spelled(found.group()) if found else None
    numbers = _NUMBER.findall(text)
    return _spelled(numbers[-1]) if numbers else None


def _spelled(number: str) -> str:
    plain = number.replace(",", "").replace("$", "")
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    whole, _, fraction = digits.partition(".")
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    value = f"{whole}.{fraction}" if fraction else whole
    return value if value == "0" else sign + value
