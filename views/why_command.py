"""`asd why`: from a number to its query and its events."""

from pathlib import Path
from typing import Annotated

import typer

from asd.core.errors import UsageError
from asd.views.cli import STORE, JsonOption, OutputOption, RunOption, StoreOption, emit, store_of

WhatArgument = Annotated[str, typer.Argument(help="PROJECTION or PROJECTION.COLUMN, such as results.speedup.")]
WhereOption = Annotated[
    list[str] | None, typer.Option("--where", help="column=value picks the rows; can be given again.")
]
EventsOption = Annotated[bool, typer.Option("--events", help="List every event that the number rests on.")]


def why(
    what: WhatArgument,
    where: WhereOption = None,
    events: EventsOption = False,
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Tell where a number of a table comes from: the SQL that gave it, and the events that it rests on."""
    from asd.views import lineage
    from asd.views.rendering import open_session
    from asd.views.why_text import as_json_text, as_lines

    name, _, column = what.partition(".")
    picked = dict(_pair(one) for one in where or ())
    session = open_session(store_of(store), run)
    try:
        found = lineage.why(session, name, picked)
        if column and column not in found.rows[0]:
            raise UsageError(f"{name} has no column {column!r}; it has: {', '.join(found.rows[0])}")
        listed = {one.table: list(lineage.events(session, one)) for one in found.sources} if events else {}
        emit((as_json_text if as_json else as_lines)(session.run, found, column or None, listed), output)
    finally:
        session.close()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--where {text!r}: write column=value")
    return name, value
