"""What a runner is, and the one loop that writes what it yields."""

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from asd.core.errors import AsdError, DiskError, UsageError
from asd.core.event import Event, JsonObject
from asd.core.facts.run import Nature, RunFailed, RunFinished, RunResumed, RunStarted
from asd.core.facts.sample import SampleGenerated
from asd.core.log import EventLog
from asd.core.version import VERSION


@dataclass(frozen=True)
class Parent:
    """The run that another one varies: its id, its events, and its folder of files."""

    run: str
    read: Callable[[], Iterable[Event]]
    files: Path


class Past:
    """The events that a log holds, and how far it has been read: `head` is the last sequence number by stream.

    What `record` writes for the runner counts as read.
    """

    def __init__(self, log: EventLog) -> None:
        """Nothing is read yet."""
        self._log = log
        self.head: dict[str, int] = {}

    def __iter__(self) -> Iterator[Event]:
        for one in self._log.read():
            self.head[one.stream] = one.seq
            yield one.event


def head_of(past: Iterable[Event]) -> dict[str, int]:
    """The head that has been read of `past`, by stream; empty where it comes from no log."""
    return dict(past.head) if isinstance(past, Past) else {}


Step = Event | tuple[Event, ...]
"""What a runner yields: an event, or several that happened together and are stored all or none."""


class Runner(BaseModel, ABC):
    """A piece of work whose fields are its whole configuration.

    `run(past)` yields what happens as it happens and skips what `past` shows done; closing the iterator stops the
    work. Where `past` is a `Past`, it knows the head that has been read. `parent` is the run that this one varies;
    `reuse` names runs whose answers are taken where the work is the same, and `known` holds those answers by the key
    of their work. `files` is the folder for what is too large for an event (network weights); it is a place, no
    setting. `telemetry_hz` is how often a second the machine's devices are read beside the work; 0 reads none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    kind: ClassVar[str]
    stream: ClassVar[str] = "main"

    name: str = Field(default="run", pattern=r"[a-z0-9][a-z0-9-]*")
    parent: str | None = None
    reuse: tuple[str, ...] = ()
    telemetry_hz: float = Field(default=1.0, ge=0, le=100)
    files: Path = Field(default=Path("asd-files"), exclude=True)
    _known: Mapping[str, SampleGenerated] = PrivateAttr(default_factory=dict)
    _varied: Parent | None = PrivateAttr(default=None)

    @property
    def nature(self) -> Nature:
        """Whether the figures of this run are measured, recorded or simulated."""
        return Nature.MEASURED

    @property
    def packages(self) -> frozenset[str]:
        """The packages beyond the base install that the work needs, as they are imported."""
        return frozenset()

    @abstractmethod
    def run(self, past: Iterable[Event]) -> Iterator[Step]:
        """Yield the events that are still missing, given those of `past`."""

    @property
    def known(self) -> Mapping[str, SampleGenerated]:
        """Answers of other runs by the key of their work."""
        return self._known

    def recalling(self, known: Mapping[str, SampleGenerated]) -> Self:
        """The same runner, which may take `known` answers over."""
        copy = self.model_copy()
        copy._known = known
        return copy

    @property
    def varied(self) -> Parent:
        """The run that `parent` names. Raises `UsageError` where it was not handed in."""
        if self._varied is None:
            raise UsageError(f"the run {self.parent!r} that this one varies is not in the store; name another store")
        return self._varied

    def varying(self, parent: Parent) -> Self:
        """The same runner, which may read the run that it varies."""
        copy = self.model_copy()
        copy._varied = parent
        return copy

    def config(self) -> JsonObject:
        """Every setting as plain JSON values, exactly as it runs."""
        return self.model_dump(mode="json", exclude={"files"})

    def at(self, files: Path) -> Self:
        """The same runner with its folder for files."""
        return self.model_copy(update={"files": files})


def flat(steps: Iterable[Step]) -> Iterator[Event]:
    """The single events of `steps`, in order."""
    for step in steps:
        yield from step if isinstance(step, tuple) else (step,)


def record(
    runner: Runner,
    log: EventLog,
    *,
    durability: str = "group",
    command: tuple[str, ...] = tuple(sys.argv),
    watch: Callable[[Event], None] = lambda event: None,
) -> None:
    """Run `runner` into `log`: `run.started` or `run.resumed`, each event, then `run.finished` or `run.failed`.

    A run that has finished already is left as it is. `watch` is told of each event once it is in the log. What the
    runner raises is raised again after `run.failed` is logged; an interruption (SIGINT, SIGTERM) is logged the same.
    """
    before = [one.event for one in log.read(only=(RunStarted, RunResumed, RunFinished))]
    if any(isinstance(event, RunFinished) for event in before):
        return
    began = time.monotonic()
    past = Past(log)

    def put(*events: Event) -> None:
        past.head[runner.stream] = log.append(runner.stream, events)
        for event in events:
            watch(event)

    put(_opening(runner, len(before), durability, command))
    try:
        for step in runner.run(past):
            put(*(step if isinstance(step, tuple) else (step,)))
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        # A disk that refused the last event may refuse this one too; what counts is the first error.
        with suppress(DiskError):
            put(_failure(error, time.monotonic() - began))
        raise
    put(RunFinished(duration_s=time.monotonic() - began))


def _failure(error: BaseException, duration_s: float) -> RunFailed:
    message = str(error) if isinstance(error, AsdError) else repr(error)
    return RunFailed(error=type(error).__name__, message=message, duration_s=duration_s)


def _opening(runner: Runner, attempts: int, durability: str, command: tuple[str, ...]) -> Event:
    if attempts:
        return RunResumed(attempt=attempts + 1, command=command, asd_version=VERSION)
    config = runner.config()
    return RunStarted(
        runner=runner.kind,
        name=runner.name,
        config=config,
        config_sha256=sha256(orjson.dumps(config, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        command=command,
        asd_version=VERSION,
        durability=durability,
        nature=runner.nature,
        parent=runner.parent,
    )
