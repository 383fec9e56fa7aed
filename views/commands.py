"""`asd`: look at what runs have logged."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from asd.core.errors import BusyError, DiskError
from asd.views import import_command, log_commands, sql_command, verify_command, why_command
from asd.views.cli import (
    STORE,
    JsonOption,
    OutputOption,
    RunOption,
    StoreOption,
    color,
    emit,
    emit_bytes,
    new_app,
    run_app,
    store_of,
    tell,
    width,
)
from asd.views.sql_command import tell_unreadable

app = new_app("Look at what runs have logged: list, project, query, verify.")
app.add_typer(log_commands.app, name="log")
app.command()(why_command.why)
app.command("import")(import_command.import_logs)
app.command()(sql_command.sql)
app.command()(verify_command.verify)
app.command()(verify_command.prove)
FormatOption = Annotated[
    Literal["table", "json", "csv", "md", "html", "latex", "macros", "pdf"] | None,
    typer.Option("--format", help="table, json, csv or md; a report (md where unsaid) also html, latex, macros, pdf."),
]
NameArgument = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The projection, or 'report'; none lists them.")
]
LanguageOption = Annotated[
    Literal["en", "ja"], typer.Option("--lang", help="The language of a report's headings and captions.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="WHEN", help="Only what was logged by then: a sequence number, or a time."),
]


@app.command()
def runs(store: StoreOption = Path(STORE), as_json: JsonOption = False, output: OutputOption = None) -> None:
    """List the runs of a store, oldest first."""
    from asd.views.runs import summaries

    found = summaries(store)
    if as_json:
        import orjson

        shown = {"store": str(store), "runs": found}
        emit(orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode(), output)
    elif found:
        from asd.views.formats import to_terminal

        emit(to_terminal(list(found[0]), found, width=width(), color=color()), output)
    else:
        tell(f"no runs in {store}; start one with asd-runner, or name a store with --store")


@app.command()
def project(
    name: NameArgument = None,
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    form: FormatOption = None,
    as_json: JsonOption = False,
    output: OutputOption = None,
    lang: LanguageOption = "en",
    as_of: AsOfOption = None,
) -> None:
    """Rebuild a table or the report from a run's events.

    With no NAME it lists what there is.
    """
    from asd.views import rendering
    from asd.views.as_of import heads_at
    from asd.views.publishing import publish

    wanted = "json" if as_json else form
    if name is None:
        emit(rendering.listing(wanted or "table", width(), color()), output)
        return
    heads = heads_at(store_of(store).run(run), as_of) if as_of else None
    session = rendering.open_session(store_of(store), run, heads)
    try:
        data = rendering.rendered(session, name, wanted, lang, width(), color())
        emit_bytes([data], output)
        if name == rendering.REPORT and output is not None:
            try:
                publish(store_of(store), session, data, wanted, lang)
            except (BusyError, DiskError) as error:
                tell(f"the report is written, but the log does not say so, and it cannot be verified later: {error}")
        tell_unreadable(session.catalogue.unreadable())
    finally:
        session.close()


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="RUN", help="A run's id.")],
    second: Annotated[str, typer.Argument(metavar="OTHER", help="The run that is compared with it.")],
    store: StoreOption = Path(STORE),
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Tell what differs between two runs.

    Settings, code, machine, models, data, samples that flipped, tables that moved.
    """
    from asd.views.diff import diff as compare
    from asd.views.diff_text import as_json_text, as_lines
    from asd.views.rendering import open_session

    one, other = (open_session(store_of(store), run) for run in (first, second))
    found = compare(one, other)
    emit(as_json_text(found) if as_json else as_lines(found), output)


@app.command()
def figures(
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="The folder that they are written to.")
    ],
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    form: Annotated[Literal["svg", "pdf", "png"], typer.Option("--format", help="svg, pdf or png.")] = "svg",
) -> None:
    """Draw the record's figures, each into a file."""
    from asd.views.figures import NAMES, draw
    from asd.views.rendering import open_session

    session = open_session(store_of(store), run)
    for name in NAMES:
        drawn = draw(session, name, form)
        if drawn is not None:
            folder.mkdir(parents=True, exist_ok=True)
            emit_bytes([drawn], folder / f"{name}.{form}")
            tell(f"{folder / name}.{form}: {NAMES[name]}")


def main() -> None:
    """The entry point of `asd`."""
    run_app(app)
