"""One event, one line."""

import orjson

from asd.core.log import Record
from asd.views.sanitize import sanitize

WIDTH = 160


def as_line(record: Record) -> str:
    """Time, stream, number, kind, subject, and the beginning of the data, "…" where there is more; safe for a
    terminal."""
    time = record.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"{time} {record.stream} {record.seq} {record.kind} {record.subject or '-'} "
    data = record.data.decode("utf-8", "replace")
    return sanitize(head + data[:WIDTH] + ("…" if len(data) > WIDTH else "")) + "\n"


def as_json_line(record: Record) -> str:
    """The record as a JSON object: its envelope, and the event under `data`."""
    envelope = {
        "run": record.run,
        "stream": record.stream,
        "seq": record.seq,
        "time": record.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "id": record.id,
        "kind": record.kind,
        "v": record.v,
        "subject": record.subject,
        "cause": record.cause,
        "data": orjson.Fragment(record.data),
    }
    return orjson.dumps(envelope, option=orjson.OPT_APPEND_NEWLINE).decode()
