"""From a number in a table to the SQL that gave it and the events that it rests on."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from asd.core.errors import UsageError
from asd.core.event import kinds
from asd.store.catalogue_types import literal, quoted, table_name
from asd.views import projections
from asd.views.document import Row
from asd.views.session import Session

EVENTS = "events"
RENAMED = {"lambda": "lam"}
"""Columns of projections whose event field has another name."""
EVERYTHING = "all"
"""A task of this name stands for all tasks."""


@dataclass(frozen=True, slots=True)
class Source:
    """Events of one table of one run that a number rests on: which (`where`, SQL), how many, the first and the last."""

    run: str
    table: str
    where: str
    events: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where some rows of a projection come from; `sql` has an entry for the projection and for each that it uses."""

    projection: str
    rows: tuple[Row, ...]
    sql: dict[str, str]
    sources: tuple[Source, ...] = field(default=())

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs whose events these are, each once."""
        return tuple(dict.fromkeys(one.run for one in self.sources))

    def of(self, listed: Mapping[Source, Sequence[Row]], run: str) -> dict[Source, Sequence[Row]]:
        """The sources of one run, with what is listed of each."""
        return {one: listed[one] for one in self.sources if one.run == run}

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        narrowing = projections.get(self.projection).by.values()
        several = ("run",) if len(self.runs) > 1 else ()
        named = (*(column for columns in narrowing for column in columns), "arm", *several)
        return tuple(dict.fromkeys(one for one in named if self.rows and one in self.rows[0]))


def why(session: Session, name: str, where: Mapping[str, str]) -> Lineage:
    """The rows of the projection `name` whose columns have the values `where`, and what they rest on.

    Raises `UnknownPluginError` for the name, `UsageError` for a column that the projection does not have and where
    no row has these values.
    """
    rows = _rows(session, name, where)
    chain = [projections.get(one) for one in closure(name)]
    return Lineage(name, tuple(rows), {one.name: one.sql for one in chain}, sources(session, name, rows))


def sources(session: Session, name: str, rows: list[Row]) -> tuple[Source, ...]:
    """What `rows` of the projection `name` rest on: an entry for an event table of each run whose events they are."""
    by_run: dict[str, list[Row]] = {}
    for row in rows:
        by_run.setdefault(str(row.get("run") or session.run), []).append(row)
    return tuple(
        _source(session, run, table, _condition(name, table, mine))
        for run, mine in (by_run or {session.run: []}).items()
        for table in tables(name)
    )


def events(session: Session, source: Source) -> Iterator[Row]:
    """Each event of a source: its place in the log and what it is about."""
    columns = "stream, seq, id, subject" + (", kind" if source.table == EVENTS else "")
    relation = _relation(session, source.run, source.table)
    query = f"SELECT {columns} FROM {relation} WHERE {source.where} ORDER BY stream, seq"
    yield from session.catalogue.sql(query).to_pylist()


def places(found: Mapping[Source, Sequence[Row]]) -> dict[str, set[int]]:
    """Sequence numbers by stream: of each source its first and last event, and every event that is listed with it."""
    ends = [end.rsplit(" ", 1) for one in found for end in (one.first, one.last) if end is not None]
    told = [*ends, *((row["stream"], row["seq"]) for rows in found.values() for row in rows)]
    by_stream: dict[str, set[int]] = {}
    for stream, seq in told:
        by_stream.setdefault(str(stream), set()).add(int(str(seq)))
    return by_stream


def tables(name: str) -> tuple[str, ...]:
    """The event tables that the projection `name` reads, also through the projections that it uses, and those that its
    comments name: what the events that it reads were made of."""
    known = {table_name(kind) for kind in kinds()} | {EVENTS}
    words = {word for one in closure(name) for word in re.findall(r"\w+", _code(projections.get(one).sql))}
    told = projections.get(name)
    return tuple(sorted(known & (words | told.by.keys() | told.only.keys())))


def _code(sql: str) -> str:
    """`sql` without comments, strings and output names."""
    bare = re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", sql)
    return re.sub(r"\bAS\s+\w+|\b(?:parent|children)\.\w+", " ", bare, flags=re.IGNORECASE)


def closure(name: str) -> list[str]:
    """`name` and all that it uses, each once."""
    found = [name]
    for one in found:
        found += [used for used in projections.get(one).uses if used not in found]
    return found


def _rows(session: Session, name: str, where: Mapping[str, str]) -> list[Row]:
    rows = session.rows(name)
    columns = set(session.table(name).schema.names)
    unknown = [column for column in where if column not in columns]
    if unknown:
        raise UsageError(f"{name} has no column {unknown[0]!r}; it has: {', '.join(sorted(columns))}")
    kept = [row for row in rows if all(_is(row[column], value) for column, value in where.items())]
    if not rows:
        raise UsageError(f"{name} is empty: the run has recorded nothing for it, so no number of it rests on anything")
    if not kept:
        raise UsageError(f"no row of {name} has {', '.join(f'{key} = {value}' for key, value in where.items())}")
    return kept


def _is(value: object, told: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value) == told
    try:
        return float(told) == value
    except ValueError:
        return False


def _condition(name: str, table: str, rows: list[Row]) -> str:
    """The SQL condition that the events of `table` meet on which `rows` rest."""
    projection = projections.get(name)
    columns, only = projection.by.get(table, ()), projection.only.get(table, "")
    conditions = dict.fromkeys(" AND ".join(_same(column, row[column]) for column in columns) for row in rows)
    either = " OR ".join(f"({one})" for one in conditions if one)
    return f"({only}) AND ({either})" if only and either else only or either or "true"


def _same(column: str, value: object) -> str:
    if value is None or value == EVERYTHING:
        return "true"
    field_name = quoted(RENAMED.get(column, column))
    return f"{field_name} = {value}" if isinstance(value, int | float) else f"{field_name} = {literal(str(value))}"


def _relation(session: Session, run: str, table: str) -> str:
    """The table of the run's events: of the session's run, or of one that measures its ablations."""
    if run not in session.children:
        return quoted(table)
    return f"(SELECT * FROM children.{quoted(table)} WHERE run = {literal(run)})"


def _source(session: Session, run: str, table: str, condition: str) -> Source:
    query = (
        "SELECT count(*)::BIGINT AS events, arg_min(stream || ' ' || seq, (time, stream, seq)) AS first,"
        f" arg_max(stream || ' ' || seq, (time, stream, seq)) AS last FROM {_relation(session, run, table)}"
        f" WHERE {condition}"
    )
    [row] = session.ask(query)
    ends = (None if row[end] is None else str(row[end]) for end in ("first", "last"))
    return Source(run, table, condition, int(str(row["events"])), *ends)
