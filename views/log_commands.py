"""`asd log`: the events themselves."""

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from asd.views.cli import STORE, JsonOption, OutputOption, RunOption, StoreOption, emit, log_of, new_app, store_of

if TYPE_CHECKING:
    from asd.core.log import Cursor, Record

app = new_app("The events themselves: watch, export, join, sign.")

ExportOption = Annotated[
    Literal["jsonl", "ro-crate", "every-eval-ever", "otel"],
    typer.Option("--format", help="jsonl, ro-crate (a zip), every-eval-ever (JSON lines), or otel (OTLP's JSON)."),
]


@app.command()
def tail(
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on waiting for more.")] = False,
    lines: Annotated[
        int, typer.Option("-n", "--lines", metavar="N", min=0, help="How many of the last events to begin with.")
    ] = 10,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", metavar="KIND", help="Only this kind; can be given again.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the last events; with -f, go on as they come.

    One event a line, from whatever process writes them.
    """
    from asd.core.log import advance
    from asd.views.event_lines import as_json_line, as_line
    from asd.views.runs import near_end

    log, wanted = log_of(store, run), frozenset(kind or ())
    shown = as_json_line if as_json else as_line
    cursor: Cursor = {} if wanted else near_end(log.path, lines)
    last: deque[Record] = deque(maxlen=lines)
    for record in log.read(after=cursor):
        cursor = advance(cursor, record)
        if _is_wanted(record, wanted):
            last.append(record)
    for record in last:
        emit(shown(record))
    for record in log.follow(after=cursor) if follow else ():
        if _is_wanted(record, wanted):
            emit(shown(record))


@app.command()
def export(
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    output: OutputOption = None,
    form: ExportOption = "jsonl",
) -> None:
    """Write every event as JSON lines, or for other tools.

    A line is byte for byte as it was logged; lines are in order of time.
    """
    from asd.store.copies import export_lines
    from asd.views.cli import emit_bytes

    if form == "jsonl":
        emit_bytes(export_lines(log_of(store, run).path), output)
        return
    emit_bytes([_exported(store, run, form)], output)


def _exported(store: Path, run: str | None, form: str) -> bytes:
    from asd.store.copies import export_lines
    from asd.views import exports
    from asd.views.rendering import open_session, report

    session = open_session(store_of(store), run)
    try:
        if form == "every-eval-ever":
            return exports.every_eval_ever(session)
        if form == "otel":
            return exports.otel(session)
        lines = export_lines(log_of(store, session.run).path)
        return exports.ro_crate(session, lines, report(session, "md", "en"))
    finally:
        session.close()


@app.command()
def merge(
    first: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a run: one copy of it.")],
    second: Annotated[Path, typer.Argument(metavar="OTHER", help="Another copy, or other streams of the same run.")],
    store: StoreOption = Path(STORE),
) -> None:
    """Join two copies of a run into the store.

    Of each stream the longer one is taken; a fork is refused.
    """
    from asd.store.copies import merge as joined

    emit(f"{joined(first, second, store)}\n")


@app.command()
def head(
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    stream: Annotated[
        str | None, typer.Option("--stream", metavar="STREAM", help="The stream; main where none is named.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Print a run's latest signed head, to keep elsewhere.

    `asd verify --head` finds by it what was cut off or put back since.
    """
    from asd.core.errors import UsageError
    from asd.store.verify import verify

    log = log_of(store, run)
    notes = {one.stream: one.latest_head for one in verify(log.path).streams if one.latest_head}
    if not notes:
        raise UsageError(f"{log.run}: no signed head yet; one is made when a file is sealed and at the end")
    if stream is not None and stream not in notes:
        raise UsageError(f"{log.run}: no signed head of {stream!r}; there are those of {', '.join(notes)}")
    emit(notes.get(stream or "main") or next(iter(notes.values())), output)


def _is_wanted(record: "Record", kinds: frozenset[str]) -> bool:
    return not kinds or record.kind in kinds
