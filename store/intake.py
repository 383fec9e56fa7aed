"""From events to lines: every event of a stream is numbered, encoded and compared with what is there, here."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from asd.core.event import Event
from asd.core.ids import event_id
from asd.store.group import Group
from asd.store.line import LINE_CAP, Clock, affixes, data_of, hashed_line, too_long
from asd.store.once import conflict
from asd.store.seen import Seen


class _Kind(NamedTuple):
    """What the lines of one class of events have in common."""

    kind: str
    once: bool
    around: tuple[bytes, bytes]


class Intake:
    """Encodes what is appended to one stream; `next` is the sequence number of the next event."""

    def __init__(self, run: str, stream: str, clock: Clock, seen: Seen, next: int) -> None:
        """Go on at `next`, after the time of `clock` and the facts `seen`."""
        self.next = next
        self._run, self._stream, self._clock, self._seen = run, stream, clock, seen
        self._kinds: dict[type[Event], _Kind] = {}

    def encode(self, events: Sequence[Event], group: Group, durable: int) -> None:
        """Add the lines of `events` to `group`, of all or of none; facts that are there already are left out.

        Raises `ConflictError`, `EventError`, and `UnsettledError` for a fact stated again that was first stated at
        `durable` or later.
        """
        length, count, first = group.length, len(group.leaves), self.next
        try:
            facts = self._encode(events, group, durable)
            self.next = first + len(group.leaves) - count
            self._seen.update(facts)
        except BaseException:
            group.cut(length, count)
            self.next = first
            raise

    def _encode(self, events: Sequence[Event], group: Group, durable: int) -> dict[str, int]:
        seq, now = self.next, self._clock.text(time.time_ns())
        facts: dict[str, int] = {}
        for event in events:
            kind, once, around = self._kinds.get(type(event)) or self._kind(type(event))
            data, subject = data_of(event), event.subject
            id = event_id(kind, subject) if once else f"{kind}#{seq}"
            if once:
                known = _stated(id, events) if id in facts else self._seen.data(id, durable, self.next)
                if known is not None:
                    if known != data:
                        raise conflict(id, self._stream)
                    continue
                facts[id] = seq
            line, leaf = hashed_line(around, seq, id, subject, now, event.cause, data)
            if len(line) > LINE_CAP:
                raise too_long(event, len(line))
            group.add(line, leaf)
            seq += 1
        return facts

    def _kind(self, cls: type[Event]) -> _Kind:
        kind = self._kinds[cls] = _Kind(cls.kind, cls.once, affixes(self._run, self._stream, cls.kind, cls.v))
        return kind


def _stated(id: str, events: Sequence[Event]) -> bytes | None:
    """What the first of `events` with that id says."""
    return next((data_of(one) for one in events if one.once and event_id(one.kind, one.subject) == id), None)
