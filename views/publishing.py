"""Reports that are handed out: `report.published` keeps their hash and heads, so that a file can be checked later."""

from hashlib import sha256
from pathlib import Path
from typing import cast

from asd.core.errors import DamageError, MissingDataError
from asd.core.facts.analysis import ReportPublished
from asd.store.files import FileLog
from asd.store.store import Store
from asd.views.as_of import REPORTS
from asd.views.document import Language
from asd.views.rendering import Wanted, open_session, report
from asd.views.session import Session


def publish(store: Store, session: Session, data: bytes, form: Wanted, language: Language) -> None:
    """Log that a report of these bytes was handed out; errors as for `EventLog.append`."""
    heads = {str(row["stream"]): int(str(row["last_seq"])) for row in session.rows("streams")}
    told = f"{form or 'md'}/{language}"
    event = ReportPublished(
        format=told, sha256=sha256(data).hexdigest(), heads=heads, notes=session.signed, ablations=session.children
    )
    with store.run(session.run) as log:
        log.append(REPORTS, [event])


def check(store: Store, run: str | None, file: Path) -> str:
    """Rebuild the report that `file` is from the events that it was built from, and compare: a line that says so.

    Raises `MissingDataError` where the file cannot be read, `DamageError` where it is no report that the run handed
    out, or where the events no longer give it.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise MissingDataError(f"{file}: {error.strerror}") from error
    log = store.run(run)
    published = _published(log, sha256(data).hexdigest())
    if published is None:
        raise DamageError(
            f"{file}: not a report that the run {log.run} handed out: it was edited, or is another run's (--run)"
        )
    form, _, language = published.format.partition("/")
    session = open_session(store, log.run, published.heads, published.notes, published.ablations)
    again = report(session, cast(Wanted, form), cast(Language, language))
    session.close()
    if again != data:
        raise DamageError(
            f"{file}: handed out, but its events give another report now: check them with `asd verify --run {log.run}`,"
            " and rebuild it with the version of asd that made it"
        )
    return f"{file}: the report of {log.run} as of {_told(published.heads)}, rebuilt byte for byte"


def _published(log: FileLog, digest: str) -> ReportPublished | None:
    events = (record.event for record in log.read(only=(ReportPublished,)))
    return next((one for one in events if isinstance(one, ReportPublished) and one.sha256 == digest), None)


def _told(heads: dict[str, int]) -> str:
    return ", ".join(f"{stream} {seq}" for stream, seq in sorted(heads.items()))
