"""`asd why`: from a number to its query and its events."""

from pathlib import Path
from typing import Annotated

import typer

from asd.core.errors import UsageError
from asd.views.cli import STORE, JsonOption, OutputOption, RunOption, StoreOption, emit, store_of, width

WhatArgument = Annotated[
    str, typer.Argument(metavar="WHAT", help="PROJECTION or PROJECTION.COLUMN, such as results.speedup.")
]
WhereOption = Annotated[
    list[str] | None, typer.Option("--where", metavar="COLUMN=VALUE", help="Picks the rows; can be given again.")
]
EventsOption = Annotated[
    bool, typer.Option("--events", help="List and prove every event that it rests on, not only the first and last.")
]
SqlOption = Annotated[bool, typer.Option("--sql", help="Print the query too, with those that it uses.")]
ProofOption = Annotated[
    Path | None, typer.Option("--proof", metavar="FILE", help="Write the proof to this file, for `asd verify --proof`.")
]


def why(
    what: WhatArgument,
    where: WhereOption = None,
    events: EventsOption = False,
    sql: SqlOption = False,
    proof: ProofOption = None,
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Tell where a number comes from: SQL, events, proof.

    The query that gave it, the events that it rests on, and the proof that they are in the log.
    """
    from asd.store.proof import joined, prove_places, verify_proof
    from asd.views import lineage
    from asd.views.rendering import open_session
    from asd.views.why_text import Why, as_json_text, as_lines

    name, _, column = what.partition(".")
    picked = dict(_pair(one) for one in where or ())
    held = store_of(store)
    session = open_session(held, run)
    try:
        found = lineage.why(session, name, picked)
        if column and column not in found.rows[0]:
            raise UsageError(f"{name} has no column {column!r}; it has: {', '.join(found.rows[0])}")
        listed = {one: list(lineage.events(session, one)) if events else [] for one in found.sources}
        proofs = {
            one: prove_places(held.run(one).path, what, lineage.places(found.of(listed, one))) for one in found.runs
        }
        proven = joined(what, proofs.values())
        if proven.streams:
            verify_proof(proven.to_bytes())
        if proof is not None:
            emit(proven.to_bytes().decode(), proof)
        told = Why(session.run, found, column or None, listed, proofs)
        emit(as_json_text(told, proven) if as_json else as_lines(told, width() or COLUMNS, sql=sql), output)
    finally:
        session.close()


COLUMNS = 80
"""The width of what is written to no terminal."""


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--where {text!r}: write column=value")
    return name, value
