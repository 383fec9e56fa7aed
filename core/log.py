"""The log as everyone sees it: three verbs, and the record that only a log makes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import orjson

if TYPE_CHECKING:  # a record can be read without pydantic; only its typed event needs it
    from asd.core.event import Event, JsonObject

Cursor = Mapping[str, int]
"""Where a reader stands: the last sequence number it has seen, by stream. Empty: at the beginning."""

START: Cursor = {}


@dataclass(frozen=True, slots=True)
class Record:
    """An event at its place in the log.

    `seq` counts from 0 in each stream without gaps; `time` is UTC with microseconds, set by the log; `data` is the
    event's JSON, byte for byte as written, also where this build does not know its kind.
    """

    run: str
    stream: str
    seq: int
    time: datetime
    id: str
    kind: str
    v: int
    subject: str | None
    cause: str | None
    data: bytes = field(repr=False)

    @property
    def event(self) -> Event:
        """The typed event. Raises `EventError` where this build cannot decode it."""
        from asd.core.event import decode

        return decode(self.kind, self.v, self.json)

    @property
    def json(self) -> JsonObject:
        """The event's fields as plain values, without validation."""
        fields: JsonObject = orjson.loads(self.data)
        return fields


class EventLog(Protocol):
    """One run's log. Implementations: `asd.store.memory.MemoryLog`, `asd.store.files.FileLog`."""

    @property
    def run(self) -> str:
        """The run's id."""
        ...

    def append(self, stream: str, events: Sequence[Event]) -> int:
        """Store all of `events` at the end of `stream`, or none; return the last sequence number of the stream.

        Raises `ConflictError` where a fact that is stated once is already there with other content, `BusyError`
        where another process writes the stream, `DiskError` where the disk refuses.
        """
        ...

    def read(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        """Yield what follows `after`, in order of time (then stream, then sequence), and stop at the head."""
        ...

    def follow(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        """Like `read`, but wait at the head for more, until the caller stops iterating."""
        ...


def advance(cursor: Cursor, record: Record) -> Cursor:
    """The cursor of a reader that has seen `record` too."""
    return {**cursor, record.stream: record.seq}
