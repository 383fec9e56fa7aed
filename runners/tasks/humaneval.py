"""HumanEval: functions to complete, graded by running the problem's tests in a sandbox.

From a reply with code in fences, the first fenced block that defines the function is taken, else the first block;
a reply that defines the function without fences is taken from its first line of code on; any other reply is the rest
of the function's body, up to the first line that begins something new at the margin.
"""

import re
from typing import ClassVar, Literal

from asd.core.event import JsonObject
from asd.runners.sandbox import run
from asd.runners.tasks.base import Dataset, Grade, Problem, Turn
from asd.runners.tasks.hub import HubTask

_INSTRUCTION = "Complete this Python function. Reply with the whole function in one block of code."
_FENCED = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_CODE_LINE = re.compile(r"^(?:def|class|import|from) |^@", re.MULTILINE)
_CHECKED = re.compile(r"check\((\w+)\)\s*\Z")
_MARGIN = re.compile(r"\n(?=[^\s)\]}])")


class HumanEval(HubTask):
    """HumanEval (Chen et al. 2021): 164 problems.

    The model's code runs under bubblewrap, or under Landlock, seccomp and resource limits; where a machine has
    neither, the task is refused unless `unconfined` says to run it with resource limits alone.
    """

    task: Literal["humaneval"] = "humaneval"
    path: str = "openai_humaneval"
    config: str = "openai_humaneval"
    unconfined: bool = False
    max_tokens: int = 512
    licence: ClassVar[str | None] = "MIT"

    @property
    def grader(self) -> str:
        return f"humaneval-tests/1 in {run.isolation(self.unconfined)}"

    def datasets(self) -> tuple[Dataset, ...]:
        run.isolation(self.unconfined)
        return super().datasets()

    def problem(self, row: JsonObject, index: int, split: str) -> Problem:
        prompt, entry = str(row["prompt"]), str(row["entry_point"])
        return Problem(
            sample=f"humaneval/{split}/{index}",
            prompt=prompt,
            reference=f"{str(row['test']).strip()}\n\ncheck({entry})",
            turns=(Turn("user", f"{_INSTRUCTION}\n\n```python\n{prompt.strip()}\n```"),),
            solution=str(row["canonical_solution"]),
        )

    def grade(self, problem: Problem, text: str) -> Grade:
        found = _CHECKED.search(problem.reference)
        entry = found[1] if found else ""
        code = completion(text, entry)
        verdict = run.judge(
            program(problem.prompt, code, entry),
            entry,
            _CHECKED.sub("", problem.reference),
            prelude=_with_body(problem.prompt),
            outside=run.outside_of(run.isolation(self.unconfined)),
        )
        return Grade(verdict.passed, code or None)


def completion(text: str, entry: str) -> str:
    """The code in a reply, as the module's description says; bounded by the reply itself."""
    blocks = _FENCED.findall(text)
    if blocks:
        return str(next((block for block in blocks if f"def {entry}" in block), blocks[0]))
    if re.search(rf"^def {re.escape(entry)}\b", text, re.MULTILINE):
        first = _CODE_LINE.search(text)
        return text[first.start() :] if first else text
    return _MARGIN.split(text, maxsplit=1)[0]


def program(prompt: str, code: str, entry: str) -> str:
    """A whole program: the prompt's imports and helpers with `code`, which is the function or the rest of its body."""
    if re.search(rf"^def {re.escape(entry)}\b", code, re.MULTILINE):
        return f"{_with_body(prompt)}\n\n{code}"
    return prompt + code


def _with_body(prompt: str) -> str:
    return f"{prompt.rstrip()}\n    pass\n"
