"""From a run to the text of a projection or of its report, in the format asked for."""

from typing import Literal

import orjson

from asd.core.errors import UnknownRunError, UsageError
from asd.store.store import Store
from asd.views import projections
from asd.views.formats import Format, render, to_csv, to_json, to_markdown, to_terminal
from asd.views.markdown import to_markdown as report_markdown
from asd.views.report import Language, build
from asd.views.session import Session

REPORT = "report"
Wanted = Literal["table", "json", "csv", "md"] | None


def open_session(store: Store, run: str | None) -> Session:
    """The session of a run (None: the latest); where it names a parent that the store holds, that is open too."""
    log = store.run(run)
    session = Session(log)
    parent = session.catalogue.sql("SELECT parent FROM run_started WHERE parent IS NOT NULL").to_pylist()
    if not parent:
        return session
    try:
        return Session(log, store.run(str(parent[0]["parent"])))
    except UnknownRunError:
        return session


def listing(form: Format, width: int | None, color: bool) -> str:
    """The projections that there are."""
    rows: list[dict[str, object]] = [dict(row) for row in projections.listing()]
    rows.append({"projection": REPORT, "answers": "The record of the run: every section, from events.", "from": "asd"})
    names = list(rows[0])
    if form == "json":
        return to_json(rows)
    if form == "csv":
        return to_csv(names, rows)
    return to_markdown(names, rows) if form == "md" else to_terminal(names, rows, width=width, color=color)


def projected(session: Session, name: str, form: Wanted, language: Language, width: int | None, color: bool) -> str:
    """The projection `name` as text. Raises `UsageError` for a format that it does not come in."""
    if name != REPORT:
        return render(session.table(name), form or "table", width=width, color=color)
    if form == "json":
        return report_json(session)
    if form == "csv":
        raise UsageError("a report is no table; choose --format md or json, or project one of its tables as csv")
    return report_markdown(build(session, language))


def report_json(session: Session) -> str:
    """Every table of the report as an array of rows, by projection."""
    from asd.views.document import Fields, Table
    from asd.views.formats import rows_of

    blocks = [block for section in build(session).sections for block in section.blocks]
    names = dict.fromkeys(block.projection for block in blocks if isinstance(block, Table | Fields))
    tables = {name: rows_of(session.table(name)) for name in names}
    shown = {"run": session.run, "projections": tables}
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
