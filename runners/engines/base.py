"""What an engine is: how a stage answers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from asd.core.event import Fact
from asd.core.facts.run import Nature
from asd.core.facts.sample import Logprobs
from asd.runners.tasks.base import Problem


class Sampling(Fact):
    """How tokens are drawn. Temperature 0 is greedy; `seed` matters only above it."""

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A problem as one engine will see it: `text` after the chat template, and its token ids (empty where the
    engine cannot tell). `choices` are what may follow it, where they are scored and nothing is written."""

    sample: str
    text: str
    token_ids: tuple[int, ...]
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer, the same out of every engine. Seconds throughout; see `SampleGenerated` for what each means."""

    text: str
    token_ids: tuple[int, ...]
    logprobs: Logprobs | None
    input_tokens: int
    output_tokens: int
    finish_reason: str
    first_token_s: float | None = None
    queue_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
    latency_s: float | None = None
    busy_s: float | None = None
    choice_logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a session is made of, for `stage.loaded`."""

    gpus: tuple[int, ...] = ()
    tensor_parallel: int = 1
    dtype: str | None = None
    parameters: int | None = None
    memory_bytes: int | None = None


class Session(Protocol):
    """A loaded engine. It answers whole batches, so that a batch is stored all or none and a resumed run batches
    as an uninterrupted one."""

    @property
    def loaded(self) -> Loaded:
        """What was loaded."""
        ...

    def prompts(self, problems: Sequence[Problem]) -> list[Prompt]:
        """The problems as the model will see them, chat template applied."""
        ...

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Generation]:
        """Answer one batch, in the order of `prompts`. Raises `EngineError` where the engine fails."""
        ...


@runtime_checkable
class ScoringSession(Session, Protocol):
    """A session that can say how likely given choices are. Its engine says so by `scores`."""

    def score(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """Score every choice of each prompt; see `SampleGenerated` for what is told. Raises `EngineError`."""
        ...


class Engine(BaseModel, ABC):
    """A stage's engine: a frozen plugin whose fields are the engine's arguments.

    `packages` are those beyond the base install that it needs; `batch` is how many samples are answered together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    packages: ClassVar[frozenset[str]] = frozenset()
    engine: str
    batch: int = 1

    @property
    def nature(self) -> Nature:
        """Whether answers are generated here, read from a record, or simulated."""
        return Nature.MEASURED

    @property
    def draws(self) -> int:
        """How many generations one answer takes (best of n); `Loaded.parameters` × tokens × this is its theoretical
        cost."""
        return 1

    @property
    def scores(self) -> bool:
        """Whether its sessions can score given choices: are a `ScoringSession`."""
        return False

    @property
    @abstractmethod
    def model(self) -> str:
        """The model's name, for tables."""

    @property
    def folder(self) -> Path | None:
        """The folder (or file) whose bytes decide the answers and are checked before a run; None for a server."""
        return None

    @abstractmethod
    def identity(self) -> dict[str, object]:
        """The arguments that can change an answer; part of every work key. Batch size and devices are not."""

    @abstractmethod
    def load(self) -> AbstractContextManager[Session]:
        """Load the engine; leaving the context frees it. Raises `MissingDataError` or `EngineError`."""


def joint_nature(engines: Sequence[Engine]) -> Nature:
    """What a ladder's figures are: measured only where every stage's answers are generated here."""
    natures = {engine.nature for engine in engines}
    return next(nature for nature in (Nature.SIMULATED, Nature.RECORDED, Nature.MEASURED) if nature in natures)


def batches(prompts: Sequence[Prompt], size: int) -> Iterator[tuple[int, ...]]:
    """Indices of `prompts` in batches of at most `size`, like lengths together. Depends on the prompts alone."""
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i].token_ids), prompts[i].sample))
    for start in range(0, len(order), size):
        yield tuple(order[start : start + size])
