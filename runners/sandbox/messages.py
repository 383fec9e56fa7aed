"""Literal-only messages between judge and worker: plain data in JSON, framed by length, rebuilt from nothing.

This file uses the standard library alone: the worker runs it where nothing else can be imported.
"""

import json
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_BYTES = 1 << 20
_MAX_DEPTH = 64
_SEVERAL: "dict[str, Any]" = {"l": list, "t": tuple, "e": set, "z": frozenset}
_ONE: "dict[str, Callable[[str], object]]" = {"i": int, "f": float, "s": str, "y": bytes.fromhex}


class MessageError(Exception):
    """A message that is too long, too deep, cut off or no literal."""


def pack(value: object, depth: int = 0) -> list[object]:
    """A literal as JSON can carry it: its type's letter and its content. Subclasses become their plain base.

    Raises `MessageError` for what is no literal: an object of a class of its own carries its tricks in its methods.
    """
    if depth > _MAX_DEPTH:
        raise MessageError("a value is nested too deeply")
    if value is None:
        return ["n"]
    if isinstance(value, bool):
        return ["b", value is True]
    if isinstance(value, int):
        return ["i", int.__repr__(value)]
    if isinstance(value, float):
        return ["f", float.__repr__(value)]
    if isinstance(value, complex):
        return ["c", float.__repr__(value.real), float.__repr__(value.imag)]
    if isinstance(value, str):
        return ["s", str.__str__(value)]
    if isinstance(value, bytes | bytearray):
        return ["y", bytes(value).hex()]
    if isinstance(value, dict):
        return ["d", [[pack(k, depth + 1), pack(v, depth + 1)] for k, v in dict.items(value)]]
    for letter, kind in _SEVERAL.items():
        if isinstance(value, kind):
            return [letter, [pack(item, depth + 1) for item in kind.__iter__(value)]]
    raise MessageError(f"a value of type {type(value).__name__} is no literal")


def unpack(packed: object, depth: int = 0) -> object:
    """The literal that `pack` made `packed` of; what others made up raises `MessageError`."""
    if depth > _MAX_DEPTH or not isinstance(packed, list) or not packed:
        raise MessageError("a value is nested too deeply or malformed")
    try:
        return _unpack(packed[0], packed[1:], depth + 1)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise MessageError(f"a malformed value: {error}") from error


def _unpack(letter: object, rest: list[object], depth: int) -> object:
    if letter == "n":
        return None
    content = rest[0]
    if letter == "b" and isinstance(content, bool):
        return content
    if letter == "c":
        return complex(float(_text(content)), float(_text(rest[1])))
    if letter == "d":
        pairs = [_items(pair) for pair in _items(content)]
        return {unpack(key, depth): unpack(value, depth) for key, value in pairs}
    if letter in _SEVERAL:
        return _SEVERAL[str(letter)](unpack(item, depth) for item in _items(content))
    if letter not in _ONE:
        raise MessageError("a value of an unknown type")
    return _ONE[str(letter)](_text(content))


def _text(content: object) -> str:
    if not isinstance(content, str):
        raise MessageError("a value's content is no text")
    return content


def _items(content: object) -> list[object]:
    if not isinstance(content, list):
        raise MessageError("a value's content is no list")
    return content


def send(fd: int, message: dict[str, object]) -> None:
    """Write one message. Raises `MessageError` where it is too long, `OSError` where the other end is gone."""
    data = json.dumps(message, allow_nan=False).encode()
    if len(data) > MAX_BYTES:
        raise MessageError(f"a message of {len(data)} bytes is longer than {MAX_BYTES}")
    data = len(data).to_bytes(4, "big") + data
    while data:
        data = data[os.write(fd, data) :]


def receive(fd: int, deadline: float | None = None) -> dict[str, object]:
    """Read one message, by the monotonic `deadline` if any.

    Raises `TimeoutError`, `EOFError` where the other end is gone, `MessageError` for what is no message.
    """
    size = int.from_bytes(_read(fd, 4, deadline), "big")
    if size > MAX_BYTES:
        raise MessageError(f"a message of {size} bytes is longer than {MAX_BYTES}")
    try:
        message = json.loads(_read(fd, size, deadline))
    except (ValueError, RecursionError) as error:
        raise MessageError(f"no JSON: {error}") from error
    if not isinstance(message, dict):
        raise MessageError("no message")
    return message


def _read(fd: int, size: int, deadline: float | None) -> bytes:
    data = b""
    while len(data) < size:
        if deadline is not None and not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError("no answer in time")
        block = os.read(fd, size - len(data))
        if not block:
            raise EOFError("the other end is gone")
        data += block
    return data
