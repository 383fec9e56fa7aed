"""What a task is: what is asked, and how an answer is graded."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict

Role = Literal["fit", "evaluate", "any"]
"""What a set of problems may be used for: fitting (predictor and policy), evaluation, or split by seed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation; `speaker` is system, user or assistant."""

    speaker: str
    content: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One sample: `sample` is its name, unique in a run ("gsm8k/test/12"); `prompt` asks it; `reference` is the right
    answer as the grader reads it; `cluster` groups samples that are not independent (MMLU's subjects).

    A model without a chat template reads `text`, which is `prompt` after its `context` (examples that many samples
    share, kept out of the record of each); one with a template is told `turns`. `solution` is an answer that the
    grader takes for right, where the data has one: a rehearsal answers with it. With `choices`, nothing is written:
    the engine scores each of them as what follows `text`, letter by letter, and the task grades the scores.
    """

    sample: str
    prompt: str
    reference: str
    turns: tuple[Turn, ...] = ()
    cluster: str | None = None
    context: str = ""
    solution: str = ""
    choices: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What a model without a chat template reads."""
        return self.context + self.prompt


@dataclass(frozen=True, slots=True)
class Grade:
    """Whether an answer is right, and what was read out of its text (None where nothing could be).

    `score` is the benchmark's own measure where that is a share; then an answer is right where it is above ½.
    """

    correct: bool
    extracted: str | None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Problems for one role, with where they come from; `samples` counts all rows, also those not used."""

    role: Role
    problems: tuple[Problem, ...]
    samples: int
    split: str
    fingerprint: str
    loaded_from: str
    hub_path: str | None = None
    config: str | None = None
    licence: str | None = None


class Task(BaseModel, ABC):
    """A benchmark: a frozen plugin whose fields say which rows are used.

    `grader` names the grading rule and its version; it goes into every grade. `packages` are those beyond the base
    install that it needs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    packages: ClassVar[frozenset[str]] = frozenset()
    task: str
    max_tokens: int = 256
    stop: tuple[str, ...] = ()

    @property
    @abstractmethod
    def grader(self) -> str:
        """The grading rule's name and version, for instance "gsm8k-last-number/1"."""

    @abstractmethod
    def datasets(self) -> tuple[Dataset, ...]:
        """Read the problems. Raises `MissingDataError` naming the folder or hub path that is missing."""

    @abstractmethod
    def grade(self, problem: Problem, text: str) -> Grade:
        """Judge one answer. Deterministic; never raises on any text."""

    def grade_choices(self, problem: Problem, logprobs: Sequence[float]) -> Grade:
        """Judge how likely a model finds the problem's choices: natural-log probabilities, one a choice."""
        raise NotImplementedError(f"{self.task} has no choices to score")

    def suited(self, scoring: bool) -> Self:
        """The task in the form that a ladder can answer: `scoring` is whether every stage can score given choices.

        Raises `ConfigError` where it is set to a form that the ladder cannot answer.
        """
        return self
