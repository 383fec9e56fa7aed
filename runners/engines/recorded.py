"""Answers that another time and place recorded, read from a Parquet file.

The file has a row per sample and model with the columns `sample_index`, `question`, `model` and `solution`. Such
answers have no times and no log-probabilities, and every event says that they are recorded. Tokens are counted as
words and punctuation marks (`count_tokens`), since the models' own tokenizers are not part of the record; they
serve theoretical costs, which compare stages.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asd.core.errors import EngineError, MissingDataError
from asd.core.facts.run import Nature
from asd.runners.engines.base import Engine, Generation, Loaded, Prompt, Sampling
from asd.runners.paths import written_path
from asd.runners.tasks.base import Problem

_TOKEN = re.compile(r"\w+|[^\w\s]")
_COLUMNS = ("sample_index", "question", "model", "solution")


@dataclass(frozen=True, slots=True)
class Answered:
    """One row of the record."""

    question: str
    solution: str


class RecordedEngine(Engine):
    """The recorded answers of one model.

    `answers_of` is its name in the column `model`; `parameters` the number of its parameters and
    `samples_per_answer` the generations that an answer took (a verifier that ranks 100 solutions: 100), both for
    theoretical costs. The number that ends a sample's name ("gsm8k/test/12") is its `sample_index`.
    """

    engine: Literal["recorded"] = "recorded"
    path: str
    answers_of: str
    parameters: int | None = None
    samples_per_answer: int = 1
    batch: int = 64

    @property
    def nature(self) -> Nature:
        return Nature.RECORDED

    @property
    def model(self) -> str:
        return self.answers_of

    @property
    def draws(self) -> int:
        return self.samples_per_answer

    @property
    def folder(self) -> Path:
        return written_path(self.path)

    def identity(self) -> dict[str, object]:
        return {"engine": self.engine, "answers_of": self.answers_of}

    @contextmanager
    def load(self) -> Iterator["RecordedSession"]:
        yield RecordedSession(_read(self.folder, self.answers_of), Loaded(parameters=self.parameters))


@dataclass(frozen=True)
class RecordedSession:
    """The answers of one model by sample index."""

    answers: dict[int, Answered]
    loaded: Loaded

    def prompts(self, problems: Sequence[Problem]) -> list[Prompt]:
        return [Prompt(problem.sample, self._asked(problem), ()) for problem in problems]

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Generation]:
        return [self._generation(prompt) for prompt in prompts]

    def _asked(self, problem: Problem) -> str:
        question = self._answered(problem.sample).question
        if question not in problem.prompt:
            raise EngineError(f"the record answers another question than {problem.sample}; give it its own dataset")
        return question

    def _answered(self, sample: str) -> Answered:
        index = sample.rsplit("/", 1)[-1]
        answer = self.answers.get(int(index)) if index.isdecimal() else None
        if answer is None:
            raise EngineError(f"the record holds no answer to {sample}; limit the task to what was recorded")
        return answer

    def _generation(self, prompt: Prompt) -> Generation:
        text = self._answered(prompt.sample).solution
        return Generation(
            text=text,
            token_ids=(),
            logprobs=None,
            input_tokens=count_tokens(prompt.text),
            output_tokens=count_tokens(text),
            finish_reason="recorded",
        )


def count_tokens(text: str) -> int:
    """How many words, numbers and single punctuation marks `text` has."""
    return len(_TOKEN.findall(text))


def _read(file: Path, model: str) -> dict[int, Answered]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if not file.is_file():
        raise MissingDataError(f"no file of recorded answers {file}; set the engine's path")
    table = pq.read_table(file)
    missing = sorted(set(_COLUMNS) - set(table.schema.names))
    if missing:
        raise MissingDataError(f"{file} lacks the columns {', '.join(missing)}; a record has {', '.join(_COLUMNS)}")
    rows = table.filter(pc.equal(table["model"], model)).to_pylist()
    if not rows:
        known = ", ".join(sorted(set(table["model"].to_pylist())))
        raise MissingDataError(f"{file} has no answers of {model!r}; it has those of: {known}")
    return {row["sample_index"]: Answered(row["question"], row["solution"]) for row in rows}
