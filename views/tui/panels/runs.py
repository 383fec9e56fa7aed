"""The runs of the store."""

import time
from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult

from asd.views.sanitize import safe
from asd.views.tui.bars import Line
from asd.views.tui.longtable import Column, LongTable, Row
from asd.views.tui.model import figures
from asd.views.tui.model.survey import Listed
from asd.views.tui.paint.words import bar, clock, cut, percent, state, whole_seconds
from asd.views.tui.panels.base import Panel

NO_RUN = (
    ("", "no run is here yet"),
    ("bold", "Start one in another terminal:"),
    ("bold cyan", "asd-runner start pocket"),
    ("dim", "It appears here by itself."),
)


def _now() -> int:
    return time.time_ns() // 1000


def _state(row: Row) -> Text:
    one: Listed = row[0]
    if one.trouble or one.verified is False:
        return state("unreadable" if one.trouble else "damaged")
    return state(figures.status(one.state, _now(), one.writer).word)


def _progress(row: Row) -> Text:
    share = figures.share_done(row[0].state)
    return bar(share, 8).append(f" {percent(share):>4}")


def _age(row: Row) -> str:
    run = row[0].state
    return f"{whole_seconds(figures.age_s(run, _now()))} ago" if run.events else "–"


def _last(row: Row) -> str:
    run = row[0].state
    return cut(row[0].trouble or run.life.failure or f"{run.last_kind} {run.last_subject}", 80)


def _verified(row: Row) -> Text:
    signs = {True: Text("✓ verified", "green"), False: Text("✗ damaged", "bold red"), None: Text("not checked", "dim")}
    return signs[row[0].verified]


def _name(row: Row) -> Text:
    one, pinned = row
    return (
        Text("◆ ", "yellow").append_text(safe(one.state.run)) if pinned else Text("  ").append_text(safe(one.state.run))
    )


COLUMNS = (
    Column("state", _state, 12),
    Column("run", _name),
    Column("progress", _progress, 13),
    Column("events", lambda row: f"{row[0].state.events:,}", 9, right=True),
    Column("last event", _age, 15, right=True),
    Column("log", _verified, 12),
    Column("started (UTC)", lambda row: clock(row[0].state.life.started_us), 19),
    Column("latest", _last, 40),
)
LEAVING = ("latest", "started (UTC)", "log", "events")
"""The columns that go first where there is little room."""


class RunsPanel(Panel):
    """Every run with its state, progress, age, last event, and whether its log was verified."""

    HINT = "enter|open  p|pin  c|compare with the pinned  v|verify"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.head = Line(classes="note")
        self.table = LongTable(COLUMNS, page=1_000_000, id="runs-table", leaving=LEAVING)
        self.empty = Line(id="no-run")

    def compose(self) -> ComposeResult:
        """A sentence above the list."""
        yield self.head
        yield self.table
        yield self.empty

    def on_mount(self) -> None:
        """What to do where there is no run."""
        self.empty.show(Text("\n").join(Text(words, style) for style, words in NO_RUN))
        self.empty.display = False

    @property
    def scroller(self) -> LongTable:
        """The list."""
        return self.table

    def show_runs(self, runs: Sequence[Listed], exists: bool) -> None:
        """Show what the survey found; the cursor stays on its run."""
        table, pinned = self.table, self.terminal.pinned_run
        before = self.chosen
        ordered = sorted(runs, key=lambda one: one.state.run != pinned)
        table.put(0, [(one, one.state.run == pinned) for one in ordered])
        table.set_rows(len(ordered))
        names = [one.state.run for one in ordered]
        if before in names:
            table.cursor = names.index(before)
        store = self.terminal.source.path
        said = f"{len(runs)} run{'s' * (len(runs) != 1)} in {store}" if exists else f"There is no store at {store}."
        self.head.show(safe(said))
        self.table.display, self.empty.display = bool(runs), not runs

    @property
    def chosen(self) -> str:
        """The run at the cursor."""
        row = self.table.current
        return row[0].state.run if row else ""

    def on_long_table_opened(self, event: LongTable.Opened) -> None:
        """Open the run."""
        event.stop()
        self.terminal.open_run(event.row[0].state.run)

    def searched(self, text: str, *, backwards: bool = False) -> None:
        """Go to the next run whose name holds `text`."""
        table = self.table
        order = [(table.cursor + step) % table.rows for step in range(1, table.rows + 1)] if table.rows else []
        for number in reversed(order[:-1]) if backwards else order:
            row = table.row(number)
            if row and text.casefold() in row[0].state.run:
                table.move(number)
                return
        self.notify(f"not found: {text}", markup=False)

    def text_to_copy(self) -> str:
        """The run's name."""
        return self.chosen
