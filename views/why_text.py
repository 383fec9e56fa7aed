"""What `asd why` found, for people and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import orjson

from asd.views.digits import shown
from asd.views.document import Row
from asd.views.lineage import Lineage
from asd.views.sanitize import sanitize


def as_lines(run: str, found: Lineage, column: str | None, events: Mapping[str, Sequence[Row]]) -> str:
    """The values, the sources, their events where they were asked for, and the SQL."""
    return "\n".join(_lines(run, found, column, events)) + "\n"


def _lines(run: str, found: Lineage, column: str | None, events: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    for row in found.rows:
        told = {column: row[column]} if column else row
        yield sanitize(
            f"{run} {found.projection}: " + ", ".join(f"{name} = {shown(name, told[name])}" for name in told)
        )
    yield "rests on"
    for one in found.sources:
        which = "" if one.where == "true" else f" where {one.where}"
        between = f": {one.first} to {one.last}" if one.events else ""
        yield sanitize(f"  {one.events:,} events in {one.table}{which}{between}")
        for event in events.get(one.table, ()):
            yield sanitize(f"    {event['stream']} {event['seq']} {event['id']}")
    yield f"a proof that one of them is in the log: asd prove EVENT-ID --run {run}"
    for name, sql in found.sql.items():
        yield f"-- {name}.sql"
        yield sanitize(sql.rstrip(), newlines=True)


def as_json_text(run: str, found: Lineage, column: str | None, events: Mapping[str, Sequence[Row]]) -> str:
    """The same as one object; `events` is empty unless they were asked for."""
    told = {
        "run": run,
        "projection": found.projection,
        "column": column,
        "rows": [{column: row[column]} if column else row for row in found.rows],
        "rests_on": [{**asdict(one), "list": events.get(one.table, [])} for one in found.sources],
        "sql": found.sql,
    }
    return orjson.dumps(told, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
