"""What takes longer than a frame and is asked for by a key: the report, the comparison of two runs."""

from collections.abc import Callable
from threading import Thread

from asd.store.store import Store
from asd.views.tui.messages import Written
from asd.views.tui.model.source import TROUBLE, Source

COMPARED = ("run", "completeness", "lambdas", "stages")
"""The projections that are put below each other for two runs."""


def in_background(title: str, make: Callable[[], str], post: Callable[[Written], object]) -> None:
    """Run `make` in a thread of its own and post its text, or why there is none."""

    def work() -> None:
        try:
            text = make()
        except TROUBLE as error:
            text = f"not possible now: {' '.join(str(error).split())}"
        post(Written(title, text))

    Thread(target=work, name=title, daemon=True).start()


def report(source: Source, run: str) -> str:
    """The report of `run` as `asd project report` prints it."""
    from asd.views.rendering import open_session, projected

    session = open_session(Store(source.path), run)
    try:
        return projected(session, "report", "md", "en", None, False)
    finally:
        session.close()


def comparison(source: Source, one: str, other: str) -> str:
    """The projections `COMPARED` of two runs, each under the other's."""
    from asd.views.formats import rows_of, to_terminal
    from asd.views.session import Session

    sessions = [Session(source.open(run)) for run in (one, other)]
    try:
        parts = []
        for name in COMPARED:
            parts.append(name)
            for session in sessions:
                rows = session.table(name)
                shown = to_terminal(rows.schema.names, rows_of(rows), width=None, color=False)
                parts.append(f"  {session.run}\n{shown if rows.num_rows else 'no rows yet'}")
        return "\n".join(parts)
    finally:
        for session in sessions:
            session.close()
