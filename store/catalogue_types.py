"""From a pydantic model to DuckDB columns: each event kind is one typed table."""

import inspect
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from asd.core.event import Event, JsonObject

ENVELOPE = {
    "run": "VARCHAR",
    "stream": "VARCHAR",
    "seq": "BIGINT",
    "time": "TIMESTAMP WITH TIME ZONE",
    "id": "VARCHAR",
    "subject": "VARCHAR",
    "cause": "VARCHAR",
}
"""The columns that every typed table begins with: the event's place in the log."""

_SCALARS: dict[object, str] = {
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE",
    str: "VARCHAR",
    Path: "VARCHAR",
    datetime: "TIMESTAMP WITH TIME ZONE",
    JsonObject: "JSON",
    Any: "JSON",
    object: "JSON",
}


def table_name(kind: str) -> str:
    """The table that holds events of `kind`: dots become underscores."""
    return kind.replace(".", "_").replace("-", "_")


def columns(cls: type[BaseModel]) -> dict[str, str]:
    """The model's fields as DuckDB columns, in order: name to SQL type. What has no SQL type of its own is JSON."""
    return {name: sql_type(field.annotation) for name, field in cls.model_fields.items()}


def sql_type(annotation: object) -> str:
    """The DuckDB type of one annotation; optional is the type itself, since every column can be NULL."""
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _struct(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "VARCHAR" if issubclass(annotation, str) else "JSON"
    return _generic(get_origin(annotation), get_args(annotation))


def _struct(model: type[BaseModel]) -> str:
    fields = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns(model).items())
    return f"STRUCT({fields})" if fields else "JSON"


def _generic(origin: object, args: tuple[object, ...]) -> str:
    if origin in (Union, types.UnionType):
        return _one_of([sql_type(one) for one in args if one is not type(None)])
    if origin is Literal:
        return _one_of([sql_type(type(one)) for one in args])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        value = sql_type(args[1])
        return f"MAP(VARCHAR, {value})" if args[0] is str and value != "JSON" else "JSON"
    if isinstance(origin, type) and issubclass(origin, Sequence | frozenset | set):
        return f"{_one_of([sql_type(one) for one in args if one is not ...])}[]"
    return _one_of([sql_type(args[0])]) if args and origin is not None else "JSON"


def _one_of(found: list[str]) -> str:
    """One type where all agree; numbers widen; otherwise JSON."""
    distinct = set(found)
    if len(distinct) == 1:
        return found[0]
    return "DOUBLE" if distinct == {"BIGINT", "DOUBLE"} else "JSON"


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def fingerprint(kinds: Mapping[str, type[Event]]) -> str:
    """A short hash of the names of every kind's file: a folder made under another one is not read."""
    return _short("\n".join(sorted(map(table_file, kinds.values()))))


def table_file(cls: type[Event]) -> str:
    """The name of a file with typed rows of `cls`. It has a hash of all that such rows depend on: version and columns,
    the class where it lifts older versions, and what makes the file. Other kinds are not among it."""
    lifts = _source(cls) if cls.v > 1 else ""
    return f"{table_name(cls.kind)}-{_short(f'{cls.kind} v{cls.v} {columns(cls)} {lifts} {_maker()}')}.parquet"


@cache
def _source(cls: type[Event]) -> str:
    """The text of the class and of those that it is made of; of one that was typed at a prompt, nothing."""
    with suppress(OSError, TypeError):
        return "".join(inspect.getsource(one) for one in cls.__mro__[: cls.__mro__.index(Event)])
    return ""


@cache
def _maker() -> str:
    code = Path(__file__).with_name("catalogue_decode.py").read_bytes()
    return f"DuckDB {version('duckdb')} {sha256(code).hexdigest()}"


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
