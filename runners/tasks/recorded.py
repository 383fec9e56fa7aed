"""Questions of a file of recorded answers, graded by the labels that were recorded with them.

For a record whose grading cannot be done again here. The file is the `recorded` engine's, with the columns
`sample_index`, `question`, `solution`, `is_correct` and perhaps `answer`, what was read out of the solution.
"""

from functools import cached_property
from hashlib import sha256
from typing import Literal

from pydantic import Field

from asd.core.errors import MissingDataError
from asd.core.event import JsonObject
from asd.runners.paths import written_path
from asd.runners.tasks.base import Dataset, Grade, Problem, Task
from asd.runners.tasks.hub import chosen, fingerprint

_COLUMNS = ("sample_index", "question", "solution", "is_correct")


class RecordedLabels(Task):
    """Every question of the file at `path`, or `limit` of them (the first, or those that `limit_seed` draws)."""

    task: Literal["recorded"] = "recorded"
    path: str
    limit: int | None = Field(default=None, ge=1)
    limit_seed: int | None = None
    licence: str | None = None

    @property
    def grader(self) -> str:
        return "recorded-label/1"

    def datasets(self) -> tuple[Dataset, ...]:
        questions = {int(row["sample_index"]): str(row["question"]) for row in self._rows}
        indices = sorted(questions)
        used = [indices[place] for place in chosen(len(indices), self.limit, self.limit_seed)]
        kept = frozenset(used)
        return (
            Dataset(
                role="any",
                problems=tuple(Problem(f"recorded/{index}", questions[index], "") for index in used),
                samples=len(indices),
                split="recorded",
                fingerprint=fingerprint(row for row in self._rows if row["sample_index"] in kept),
                loaded_from=str(written_path(self.path)),
                licence=self.licence,
            ),
        )

    def grade(self, problem: Problem, text: str) -> Grade:
        return self._labels.get((problem.sample, _hash(text)), Grade(False, None))

    @cached_property
    def _labels(self) -> dict[tuple[str, bytes], Grade]:
        """The recorded grade of each answer to each sample."""
        return {
            (f"recorded/{row['sample_index']}", _hash(str(row["solution"]))): Grade(
                bool(row["is_correct"]), row.get("answer") or None
            )
            for row in self._rows
        }

    @cached_property
    def _rows(self) -> list[JsonObject]:
        import pyarrow.parquet as pq

        file = written_path(self.path)
        if not file.is_file():
            raise MissingDataError(f"no file of recorded answers {file}; set the task's path")
        table = pq.read_table(file)
        missing = sorted(set(_COLUMNS) - set(table.schema.names))
        if missing:
            raise MissingDataError(f"{file} lacks the columns {', '.join(missing)}; a record has {', '.join(_COLUMNS)}")
        rows: list[JsonObject] = table.to_pylist()
        return rows


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
