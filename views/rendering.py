"""From a run to the text of a projection or of its report, in the format asked for."""

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from asd.core.errors import UnknownRunError, UsageError
from asd.core.log import EventLog
from asd.store.store import Store
from asd.views import projections
from asd.views.as_of import as_of, notes_of
from asd.views.children import ablations_of, opening
from asd.views.document import Document, Language
from asd.views.formats import Format, render, to_csv, to_json, to_markdown, to_terminal
from asd.views.markdown import to_markdown as report_markdown
from asd.views.report import build
from asd.views.session import Session

REPORT = "report"
Wanted = Literal["table", "json", "csv", "md", "html", "latex", "macros", "pdf"] | None
_OF_REPORTS = ("html", "latex", "macros", "pdf")


def open_session(
    store: Store,
    run: str | None,
    heads: Mapping[str, int] | None = None,
    notes: Mapping[str, str] | None = None,
    ablations: Sequence[str] | None = None,
) -> Session:
    """The session of a run (None: the latest), as of `heads` where they are given, with the signed heads `notes`
    (None: those that lie beside the log and sign its last event).

    The parent that the run names is open too where the store holds it, and so are the finished runs that measure its
    ablations: those named, or with None all that there are (as of a head: none, since they came later).
    """
    files = store.run(run)
    log = as_of(files, heads)
    signed = notes_of(files, heads) if notes is None else notes
    wanted = () if ablations is None and heads is not None else ablations
    return Session(log, _parent(store, log), signed, ablations_of(store, log, wanted))


def _parent(store: Store, log: EventLog) -> EventLog | None:
    started = opening(log)
    try:
        return None if started is None or started.parent is None else store.run(started.parent)
    except UnknownRunError:
        return None


def listing(form: Wanted, width: int | None, color: bool) -> str:
    """The projections that there are."""
    rows: list[dict[str, object]] = [dict(row) for row in projections.listing()]
    rows.append({"projection": REPORT, "answers": "The record of the run: every section, from events.", "from": "asd"})
    brought = len({row["from"] for row in rows}) > 1 or form in ("json", "csv")
    names = [name for name in rows[0] if name != "from" or brought]
    if form == "json":
        return to_json(rows)
    if form == "csv":
        return to_csv(names, rows)
    return to_markdown(names, rows) if form == "md" else to_terminal(names, rows, width=width, color=color)


def projected(session: Session, name: str, form: Wanted, language: Language, width: int | None, color: bool) -> str:
    """The same as `rendered` for formats that are text."""
    return rendered(session, name, form, language, width, color).decode()


def rendered(session: Session, name: str, form: Wanted, language: Language, width: int | None, color: bool) -> bytes:
    """The projection `name`, or the report. Raises `UsageError` for a format that it does not come in."""
    if name == REPORT:
        return report(session, form, language)
    if form in _OF_REPORTS:
        raise UsageError(f"{name} is a table and comes as table, json, csv or md; a report comes as {form}")
    return render(session.table(name), cast(Format, form or "table"), width=width, color=color).encode()


def report(session: Session, form: Wanted, language: Language) -> bytes:
    """The report in the format `form` (None: Markdown). Raises `UsageError` for one that it does not come in."""
    document = build(session, language)
    if form in ("latex", "macros", "pdf"):
        return _tex(session, document, form, language)
    if form == "html":
        from asd.views.html import to_html

        return to_html(document, session, language).encode()
    if form in ("json", "csv"):
        from asd.views.report_data import report_csv, report_json

        return (report_json if form == "json" else report_csv)(document, session).encode()
    return report_markdown(document).encode()


def _tex(session: Session, document: Document, form: Wanted, language: Language) -> bytes:
    from asd.views.latex_report import to_latex, to_macros, to_pdf

    if form == "pdf":
        return to_pdf(document, session, language)
    return (to_macros(session) if form == "macros" else to_latex(document, language)).encode()
