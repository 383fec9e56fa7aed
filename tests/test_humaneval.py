"""HumanEval: which code is taken from a reply, and that right solutions pass."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from asd.runners.sandbox import run
from asd.runners.tasks.base import Problem
from asd.runners.tasks.humaneval import HumanEval, completion

PROMPT = 'import math\n\n\ndef helper(x):\n    return x + 1\n\n\ndef f(x):\n    """ Twice the next of x.\n    """\n'
BODY = "    return 2 * helper(x)\n"
FENCED = f"Here it is:\n```python\ndef f(x):\n{BODY}```\nDone."


@pytest.fixture
def problem() -> Problem:
    if run.available() is None:
        pytest.skip("neither bubblewrap nor Landlock here")
    tests = "def check(candidate):\n    assert candidate(2) == 6\n"
    row = {"prompt": PROMPT, "entry_point": "f", "test": tests, "task_id": "x/0", "canonical_solution": BODY}
    return HumanEval().problem(row, 0, "test")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BODY, BODY),
        (f"{BODY}\nprint(f(2))", BODY),
        (f"{BODY}\n\ndef g(x):\n    return 1", f"{BODY}\n"),
        (FENCED, f"def f(x):\n{BODY}"),
        (f"```\nprint(1)\n```\n```py\ndef f(x):\n{BODY}```", f"def f(x):\n{BODY}"),
        (f"```python\ndef f(x):\n{BODY}", f"def f(x):\n{BODY}"),
        (f"Sure.\nimport os\ndef f(x):\n{BODY}", f"import os\ndef f(x):\n{BODY}"),
        ("", ""),
    ],
)
def test_the_code_is_taken_from_a_reply(text: str, code: str) -> None:
    assert completion(text, "f") == code


@pytest.mark.parametrize("text", [BODY, FENCED, f"{PROMPT}{BODY}"])
def test_a_right_solution_passes_however_it_is_told(problem: Problem, text: str) -> None:
    assert HumanEval().grade(problem, text).correct


@pytest.mark.parametrize("text", ["    return x\n", "", "I cannot.", "```python\n```", "    return helper(", "\0"])
def test_a_wrong_solution_fails(problem: Problem, text: str) -> None:
    assert not HumanEval().grade(problem, text).correct


def test_the_grader_names_the_isolation(problem: Problem) -> None:
    assert "seccomp" in HumanEval().grader


def test_every_canonical_solution_passes(benchmark_data: Path, problem: Problem) -> None:
    folder = benchmark_data / "openai_humaneval"
    task = HumanEval(path=str(folder))
    solutions = pq.read_table(folder / "openai_humaneval" / "test.parquet")["canonical_solution"].to_pylist()
    problems = task.datasets()[0].problems
    with ThreadPoolExecutor(4) as pool:
        grades = list(pool.map(task.grade, problems, solutions))
    assert [one.sample for one, grade in zip(problems, grades, strict=True) if not grade.correct] == []
    assert len(grades) == 164
