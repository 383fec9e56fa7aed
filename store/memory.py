"""A log in memory, for tests of runners, projections and plugins. It keeps every promise except the disk's."""

import heapq
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from threading import Condition

from asd.core.event import Event
from asd.core.log import START, Cursor, Record
from asd.store.layout import checked_run, checked_stream
from asd.store.line import HASH_LENGTH, LINE_CAP, body_of, data_of, id_of, too_long
from asd.store.once import conflict


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryLog:
    """An `EventLog` that lives as long as the object. `clock` gives the time of each append, in UTC."""

    def __init__(self, run: str = "memory", clock: Callable[[], datetime] = _now) -> None:
        """An empty log of the run `run`. Raises `UsageError` for a name that no run may have."""
        self._run = checked_run(run)
        self._clock = clock
        self._streams: dict[str, list[Record]] = {}
        self._facts: dict[tuple[str, str], bytes] = {}
        self._changed = Condition()

    @property
    def run(self) -> str:
        """The run's id."""
        return self._run

    def append(self, stream: str, events: Sequence[Event]) -> int:
        """Store all of `events` or none; see `asd.core.log.EventLog.append`."""
        checked_stream(stream)
        with self._changed:
            old = self._streams.get(stream, [])
            new = self._records(stream, old, events)
            self._facts.update({(stream, one.id): one.data for one in new})
            if new:
                self._streams[stream] = old + new
                self._changed.notify_all()
            return len(old) + len(new) - 1

    def read(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        """Yield what follows `after` up to the head as it was at the call."""
        kinds = {cls.kind for cls in only}
        with self._changed:
            parts = [records[after.get(stream, -1) + 1 :] for stream, records in self._streams.items()]
        merged = heapq.merge(*parts, key=lambda one: (one.time, one.stream, one.seq))
        return (one for one in merged if not kinds or one.kind in kinds)

    def follow(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        """Like `read`, then wait for more without end."""
        kinds = {cls.kind for cls in only}
        cursor = dict(after)
        while True:
            for one in self.read(cursor):
                cursor[one.stream] = one.seq
                if not kinds or one.kind in kinds:
                    yield one
            with self._changed:
                self._changed.wait_for(
                    lambda: any(self._size(name) > cursor.get(name, -1) + 1 for name in self._streams)
                )

    def _size(self, stream: str) -> int:
        return len(self._streams[stream])

    def _records(self, stream: str, old: Sequence[Record], events: Sequence[Event]) -> list[Record]:
        time = max([self._clock(), *(one.time for one in old[-1:])])
        new: list[Record] = []
        facts: dict[str, bytes] = {}
        for event in events:
            seq, data = len(old) + len(new), data_of(event)
            subject = event.subject or None
            id = id_of(event, subject, seq)
            known = facts.get(id, self._facts.get((stream, id)))
            if known == data:
                continue
            if known is not None:
                raise conflict(id, stream)
            facts[id] = data
            cause = event.cause or None
            new.append(Record(self._run, stream, seq, time, id, event.kind, event.v, subject, cause, data))
            if len(body_of(new[-1])) + HASH_LENGTH > LINE_CAP:
                raise too_long(event, len(data))
        return new
