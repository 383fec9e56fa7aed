"""`asd log`: the events themselves."""

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asd.views.cli import STORE, JsonOption, RunOption, StoreOption, emit, log_of, new_app

if TYPE_CHECKING:
    from asd.core.log import Cursor, Record

app = new_app("The events themselves: watch them.")


@app.command()
def tail(
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on waiting for more.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many of the last events to begin with.")] = 10,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="Only this kind; can be given again.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the last events of a run, one a line; with -f, go on as they are written by whatever process."""
    from asd.core.log import advance
    from asd.views.event_lines import as_json_line, as_line

    log, wanted = log_of(store, run), frozenset(kind or ())
    shown = as_json_line if as_json else as_line
    cursor: Cursor = {}
    last: deque[Record] = deque(maxlen=lines)
    for record in log.read():
        cursor = advance(cursor, record)
        if _is_wanted(record, wanted):
            last.append(record)
    for record in last:
        emit(shown(record))
    for record in log.follow(after=cursor) if follow else ():
        if _is_wanted(record, wanted):
            emit(shown(record))


def _is_wanted(record: "Record", kinds: frozenset[str]) -> bool:
    return not kinds or record.kind in kinds
