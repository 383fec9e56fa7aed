"""A request whose answer comes in pieces (server-sent events), with the standard library alone."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from asd.core.event import JsonObject

_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_LONGEST_LINE = 1 << 20
_LONGEST_REASON = 300


class RefusedError(Exception):
    """The server said no. `busy` says whether asking again can help, `retry_after_s` when, if it told."""

    def __init__(self, status: int, reason: str, retry_after_s: float | None) -> None:
        """`reason` is the beginning of what the server said."""
        super().__init__(f"status {status}: {reason}")
        self.busy = status in _BUSY
        self.retry_after_s = retry_after_s


class UnreachableError(Exception):
    """The server could not be reached, or its answer broke off."""


def stream(url: str, body: JsonObject, key: str | None, timeout_s: float) -> Iterator[JsonObject]:
    """Post `body` as JSON and yield the objects of the answer's `data:` lines as they come, until `[DONE]`.

    `key` goes into the Authorization header and nowhere else. Raises `RefusedError` and `UnreachableError`.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    try:
        connection.request("POST", parts.path, json.dumps(body), headers | _authorization(key))
        answer = connection.getresponse()
        if answer.status != 200:
            raise RefusedError(answer.status, _reason(answer), _seconds(answer.getheader("Retry-After")))
        yield from _pieces(answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _authorization(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _pieces(answer: http.client.HTTPResponse) -> Iterator[JsonObject]:
    while line := answer.readline(_LONGEST_LINE):
        name, _, data = line.decode("utf-8", "replace").partition(":")
        if name != "data":
            continue
        if data.strip() == "[DONE]":
            return
        piece = json.loads(data)
        if "error" in piece:
            raise RefusedError(500, str(piece["error"])[:_LONGEST_REASON], None)
        yield piece


def _reason(answer: http.client.HTTPResponse) -> str:
    return " ".join(answer.read(4096).decode("utf-8", "replace").split())[:_LONGEST_REASON]


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.replace(".", "", 1).isdigit() else None
