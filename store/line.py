"""An event as one line of JSON, and back.

The envelope is CloudEvents 1.0 with its members in one fixed order and the data's keys sorted, so that the same event
at the same place gives the same bytes. The last member, `sha256`, is the hash of a zero byte followed by the line
without that member, which is at the same time the line's leaf hash in the stream's tree (RFC 6962, section 2.1).
Anyone can check a line:

    (printf '\\0'; sed -n 1p FILE | sed 's/,"sha256":"[0-9a-f]*"}$/}/' | tr -d '\\n') | sha256sum
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from asd.core.errors import EventError
from asd.core.ids import event_id
from asd.core.log import Record

if TYPE_CHECKING:  # reading lines needs no pydantic, whose import is half of what listing runs would take
    from pydantic import BaseModel

    from asd.core.event import Event

LINE_CAP = 1 << 20
"""The longest line in bytes; what is larger belongs into a file, with its hash in the event."""

HASH_LENGTH = len(',"sha256":""}\n') + 64
"""How many bytes of a line, its newline included, follow the last byte that is hashed (which is a `}` of its own)."""

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_LINE = re.compile(
    rb'\{"specversion":"1\.0","type":"([^"\\]+)","source":"/runs/([^"/\\]+)/([^"/\\]+)","sequence":"(\d{12,})"'
    rb',"id":(' + _STRING + rb')(?:,"subject":(' + _STRING + rb'))?,"time":"(\d{4}-[^"\\]{22})"'
    rb'(?:,"causationid":(' + _STRING + rb'))?,(?:"[a-z0-9]+":(?:' + _STRING + rb'|[^",{\[]+),)*?"data":'
)
_KIND = re.compile(r"asd\.(.+)\.v([1-9][0-9]*)")


def data_of(event: Event) -> bytes:
    """The event's fields as canonical JSON: keys sorted, no spaces.

    Raises `EventError` for what JSON cannot say (a lone surrogate, an integer beyond 64 bits, a key that is no text).
    """
    try:
        return orjson.dumps(_fields(event), _plain, orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise EventError(f"{event.kind}: cannot be written as JSON: {error}") from error


def _plain(value: Any) -> object:
    try:
        return _fields(value)
    except AttributeError:
        if isinstance(value, (set, frozenset)):
            return sorted(value)
        raise TypeError(f"{type(value).__name__} is no JSON value") from None


def _fields(model: BaseModel) -> dict[str, object]:
    """The declared fields alone, without what a cached property left behind."""
    values = model.__dict__
    names = _NAMES.get(type(model)) or _names(type(model))
    return values if len(values) == len(names) else {name: values[name] for name in names}


_NAMES: dict[type[BaseModel], tuple[str, ...]] = {}


def _names(model: type[BaseModel]) -> tuple[str, ...]:
    names = _NAMES[model] = tuple(model.model_fields)
    return names


def id_of(event: Event, subject: str | None, seq: int) -> str:
    """The event's id at `seq`: `kind:subject` for a fact that is stated once, else `kind#seq`."""
    return event_id(event.kind, subject) if event.once else f"{event.kind}#{seq}"


@lru_cache(maxsize=4096)
def affixes(run: str, stream: str, kind: str, v: int) -> tuple[bytes, bytes]:
    """What a line of this kind has before its sequence number and after its cause. `v` 0: a type of someone else's."""
    name = f"asd.{kind}.v{v}" if v else kind
    head = f'{{"specversion":"1.0","type":"{name}","source":"/runs/{run}/{stream}","sequence":"'
    schema = f',"dataschema":"urn:asd:{kind}:v{v}"' if v else ""
    return head.encode(), f'{schema},"data":'.encode()


def _before_data(
    around: tuple[bytes, bytes], seq: int, id: str, subject: str | None, time: bytes, cause: str | None
) -> bytes:
    parts = (
        around[0],
        b"%012d" % seq,
        b'","id":',
        orjson.dumps(id),
        b',"subject":' + orjson.dumps(subject) if subject else b"",
        b',"time":"',
        time,
        b'","causationid":' + orjson.dumps(cause) if cause else b'"',
        around[1],
    )
    return b"".join(parts)


def hashed_line(
    around: tuple[bytes, bytes], seq: int, id: str, subject: str | None, time: bytes, cause: str | None, data: bytes
) -> tuple[bytes, bytes]:
    """The whole line and its leaf hash; `around` is from `affixes`, `time` from `time_text`, `data` from `data_of`.

    The same as `body_of`, `leaf_of` and `sealed_with` of the record, with the data copied once.
    """
    before = _before_data(around, seq, id, subject, time, cause)
    digest = sha256(b"\0" + before)
    digest.update(data)
    digest.update(b"}")
    leaf = digest.digest()
    return b"".join((before, data, b',"sha256":"', leaf.hex().encode(), b'"}\n')), leaf


def body_of(record: Record) -> bytes:
    """The line of a record without its hash."""
    around = affixes(record.run, record.stream, record.kind, record.v)
    time = time_text(record.time).encode()
    before = _before_data(around, record.seq, record.id, record.subject, time, record.cause)
    return b"%b%b}" % (before, record.data)


def leaf_of(line_body: bytes) -> bytes:
    """The leaf hash (RFC 6962) of a line without its hash: 32 bytes."""
    return sha256(b"\0" + line_body).digest()


def sealed_with(line_body: bytes, leaf: bytes) -> bytes:
    """The whole line: the body with its hash as the last member, and a newline."""
    return b'%b,"sha256":"%b"}\n' % (line_body[:-1], leaf.hex().encode())


def leaf_in(line: bytes) -> bytes | None:
    """The line's leaf hash if the line carries it and it is right, else None. `line` ends with its newline."""
    hashed = line[:-HASH_LENGTH] + b"}"
    leaf = leaf_of(hashed)
    return leaf if line[-HASH_LENGTH:] == b',"sha256":"%b"}\n' % leaf.hex().encode() else None


def record_in(line: bytes) -> Record | None:
    """The record that a whole line holds, or None where it is no event's line."""
    found = _LINE.match(line)
    if found is None or len(line) > LINE_CAP:
        return None
    kind, run, stream, seq, id, subject, time, cause = found.groups()
    try:
        name, v = kind_in(kind.decode())
        return Record(
            run.decode(),
            stream.decode(),
            int(seq),
            datetime.fromisoformat(time.decode()),
            _text(id),
            name,
            v,
            None if subject is None else _text(subject),
            None if cause is None else _text(cause),
            line[found.end() : -HASH_LENGTH],
        )
    except ValueError:
        return None


def _text(literal: bytes) -> str:
    if b"\\" in literal:
        text: str = orjson.loads(literal)
        return text
    return literal[1:-1].decode()


@lru_cache(maxsize=4096)
def kind_in(type_name: str) -> tuple[str, int]:
    """Kind and version named by a CloudEvents type; a type of someone else's is its own kind, with version 0."""
    found = _KIND.fullmatch(type_name)
    return (found[1], int(found[2])) if found else (type_name, 0)


def time_text(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`: 27 characters."""
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return f"{time.isoformat(timespec='microseconds')[:26]}Z"


class Clock:
    """Turns nanoseconds since 1970 into `time_text`, never going back; the second's text is made once."""

    def __init__(self, last: datetime | None = None) -> None:
        """Start after the time `last`, that of the stream's last event."""
        self._last = 0 if last is None else round(last.timestamp() * 1_000_000)
        self._second = -1_000_000
        self._text = b""

    def text(self, now_ns: int) -> bytes:
        """The text of `now_ns`, or of the last time again where the machine's clock was set back."""
        self._last = now = max(self._last, now_ns // 1000)
        micro = now - self._second
        if micro >= 1_000_000:
            second, micro = divmod(now, 1_000_000)
            self._second = now - micro
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.").encode()
        return b"%b%06dZ" % (self._text, micro)


def too_long(event: Event, length: int) -> EventError:
    """The error for an event whose line is longer than readers accept."""
    return EventError(
        f"{event.kind} {event.subject or ''}: {length:,} bytes in one event, at most {LINE_CAP:,} fit;"
        " put what is large into a file of the run and its hash into the event"
    )
