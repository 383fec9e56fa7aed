"""Projections: SQL text by name, through the same door as plugins."""

import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from asd.core import plugins
from asd.core.errors import UsageError

BUILT_IN = "asd.views.sql"


@dataclass(frozen=True, slots=True)
class Projection:
    """One SELECT over the event tables and over the projections that it `uses`; `answers` is its first comment.

    `by` says of an event table which of a row's columns narrow down the events that the row rests on, `only` (a
    condition in SQL) which events any row rests on; of a table that is in neither, a row may rest on every event.
    """

    name: str
    sql: str
    answers: str
    uses: tuple[str, ...]
    by: dict[str, tuple[str, ...]]
    only: dict[str, str]


def names() -> tuple[str, ...]:
    """Every projection's name, sorted; nothing is imported."""
    return plugins.names(plugins.PROJECTIONS)


def listing() -> list[dict[str, str]]:
    """Name, what it answers (built-ins) and the package that brings it. Plugins are named without being imported."""
    found = sorted(entry_points(group=plugins.PROJECTIONS), key=lambda point: point.name)
    return [
        {
            "projection": point.name,
            "answers": _loaded(point.name, point.load()).answers if point.module == BUILT_IN else "",
            "from": point.dist.name if point.dist else "",
        }
        for point in found
    ]


def get(name: str) -> Projection:
    """The projection `name`: its plugin is the SQL text, or the path of a file with it.

    Raises `UnknownPluginError` for a name that nothing provides, `UsageError` for a plugin that is neither.
    """
    return _loaded(name, plugins.load(plugins.PROJECTIONS, name))


def _loaded(name: str, found: object) -> Projection:
    if isinstance(found, Path):
        found = found.read_text(encoding="utf-8")
    if not isinstance(found, str):
        raise UsageError(f"the projection {name!r} is no SQL text and no path; its entry point names {found!r}")
    return parse(name, found)


def parse(name: str, sql: str) -> Projection:
    """The projection that `sql` describes, by its leading comments: what it answers, `-- uses: a, b` for what it
    builds on, `-- by TABLE: columns` and `-- only TABLE: condition` for what narrows down the events of a table."""
    comments = [line.removeprefix("--").strip() for line in _leading_comments(sql)]
    uses = [one for line in comments if line.startswith("uses:") for one in _listed(line)]
    by = {table: _listed(line) for line in comments for table in _narrowed("by", line)}
    only = {table: line.partition(":")[2].strip() for line in comments for table in _narrowed("only", line)}
    answers = next((line for line in comments if not re.match(r"uses:|(by|only) \w+:", line)), "")
    return Projection(name, sql, answers, tuple(uses), by, only)


def _narrowed(how: str, comment: str) -> list[str]:
    return re.findall(rf"^{how} (\w+):", comment)


def _listed(comment: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in comment.partition(":")[2].split(","))


def _leading_comments(sql: str) -> list[str]:
    lines = sql.strip().splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return lines[:end]
