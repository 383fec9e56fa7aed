"""Every setting of a runner, an engine or a task: name, type, bounds and default, from the classes themselves."""

from collections.abc import Iterator, Mapping
from inspect import cleandoc, isclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from asd.core import plugins
from asd.core.errors import UnknownPluginError
from asd.runners.base import Runner
from asd.runners.config import model
from asd.runners.engines.base import Engine
from asd.runners.tasks.base import Task

THINGS = {"runner": plugins.RUNNERS, "engine": plugins.ENGINES, "task": plugins.TASKS}
HEAD = """\
# Configuration

Written by `python -m asd.views.settings docs/configuration.md`; a test holds it against the code. An experiment is one
YAML file: `runner` names what runs, everything else is a setting of it. `-o key=value` overrides one from the command
line, with dots between levels and numbers for places in a list (`-o predictor.epochs=3 -o stages.0.batch=32`), and
`${NAME:-default}` in the file is taken from the environment. `asd-runner settings NAME` prints the same tables.
"""
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_WORDS: Mapping[Any, str] = {str: "text", bool: "yes or no", int: "integer", float: "number"}


def page() -> str:
    """The reference of everything that is installed, as Markdown."""
    parts = [f"## {thing.capitalize()}s\n\n" + "\n".join(_sections(thing)) for thing in THINGS]
    return "\n".join([HEAD, *parts])


def about(name: str) -> list[tuple[str, str, list[dict[str, object]]]]:
    """For each kind of thing that has this name: the kind, what the class says of itself, and its settings.

    Raises `UnknownPluginError` where nothing of that name is installed.
    """
    found = [(thing, *_described(group, name)) for thing, group in THINGS.items() if name in plugins.names(group)]
    if not found:
        known = ", ".join(name for group in THINGS.values() for name in plugins.names(group))
        raise UnknownPluginError(f"no runner, engine or task {name!r}; there are: {known}")
    return found


def _sections(thing: str) -> Iterator[str]:
    for name in plugins.names(THINGS[thing]):
        text, rows = _described(THINGS[thing], name)
        lines = [
            f"| `{row['setting']}` | {str(row['type']).replace('|', chr(92) + '|')} | {row['default']} |"
            for row in rows
        ]
        yield "\n".join(
            [f"### {thing} {name}\n", text, "", "| setting | type | default |", "|---|---|---|", *lines, ""]
        )


def _described(group: str, name: str) -> tuple[str, list[dict[str, object]]]:
    found = model(group, name)
    return "\n\n".join(_texts(found)), list(_rows(found))


def _texts(of: type[BaseModel]) -> Iterator[str]:
    """What the class says of itself, what the classes say that it shares settings with, and then each block."""
    for one in of.__mro__:
        if one in (Runner, Engine, Task):
            break
        if "__doc__" in vars(one) and one.__doc__:
            yield cleandoc(one.__doc__)
    for name, field in of.model_fields.items():
        if block := _block(field):
            yield f"`{name}`: {cleandoc(block.__doc__ or '')}"


def _block(field: FieldInfo) -> type[BaseModel] | None:
    """The class of a setting that has settings of its own."""
    found = field.annotation
    return found if isclass(found) and issubclass(found, BaseModel) else None


def _rows(of: type[BaseModel], prefix: str = "") -> Iterator[dict[str, object]]:
    for name, field in of.model_fields.items():
        if field.exclude:
            continue
        if block := _block(field):
            yield from _rows(block, f"{prefix}{name}.")
        else:
            yield {"setting": prefix + name, "type": _type(field), "default": _default(field)}


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(one, name):g}"
        for one in field.metadata
        for name, sign in _BOUNDS.items()
        if hasattr(one, name)
    ]
    return " ".join([_words(field.annotation), ", ".join(bounds)]).strip()


def _words(annotation: Any) -> str:
    """A type in the words of somebody who writes YAML."""
    origin, of = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(of[0])
    if origin in (Union, UnionType):
        return " or ".join(_words(one) for one in of if one is not NoneType)
    if origin is Literal:
        return " | ".join(map(str, of))
    if origin in (tuple, list):
        return f"list: {_words(of[0])}"
    if origin in (dict, Mapping):
        return f"by {_words(of[0])}: {_words(of[1])}"
    if isclass(annotation) and issubclass(annotation, Engine | Task):
        return f"{annotation.__name__.lower()}, see below"
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != {} else "none"


if __name__ == "__main__":
    import sys
    from pathlib import Path

    Path(sys.argv[1]).write_text(page(), "utf-8")
