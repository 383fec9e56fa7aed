"""What takes longer than a frame and is asked for by a key: the report, the comparison of two runs."""

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.text import Text

from asd.store.store import Store
from asd.views.sanitize import safe
from asd.views.tui.messages import Written
from asd.views.tui.model.source import TROUBLE, Source
from asd.views.tui.paint.report import report as paint
from asd.views.tui.paint.tables import table
from asd.views.tui.paint.words import lines, ruled

if TYPE_CHECKING:
    from asd.views.session import Session

COMPARED = ("run", "completeness", "lambdas", "stages")
"""The projections that are put below each other for two runs."""


def in_background(title: str, make: Callable[[], Text], post: Callable[[Written], object]) -> None:
    """Run `make` in a thread of its own and post its text, or why there is none."""

    def work() -> None:
        try:
            text = make()
        except TROUBLE as error:
            text = safe(f"not possible now: {' '.join(str(error).split())}")
        post(Written(title, text))

    Thread(target=work, name=title, daemon=True).start()


def report(source: Source, run: str, width: int) -> Text:
    """The report of `run` as `asd project report` prints it, its text in `width` columns."""
    from asd.views.rendering import open_session, projected

    session = open_session(Store(source.path), run)
    try:
        return paint(projected(session, "report", "md", "en", None, False), width)
    finally:
        session.close()


def comparison(source: Source, one: str, other: str, width: int) -> Text:
    """The projections `COMPARED` of two runs, each row with its run: one row each stands beside the other."""
    from asd.views.session import Session

    sessions = [Session(source.open(run)) for run in (one, other)]
    try:
        parts: list[Text | str] = []
        for name in COMPARED:
            parts.append(ruled(Text().append(name, "bold cyan"), width))
            parts += [table(pa.concat_tables([_of(session, name) for session in sessions]), width), ""]
        return lines(parts)
    finally:
        for session in sessions:
            session.close()


def _of(session: "Session", name: str) -> pa.Table:
    """The rows of a projection, with the run that they are of in the first column."""
    rows = session.table(name)
    if "run" in rows.schema.names:
        return rows
    return rows.add_column(0, "run", pa.array([session.run] * rows.num_rows, pa.string()))
