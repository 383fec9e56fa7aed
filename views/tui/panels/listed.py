"""A screen with a long list that SQL keeps: filter, search, order."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from rich.text import Text
from textual.app import ComposeResult

from asd.views.sanitize import safe
from asd.views.tui.bars import Line
from asd.views.tui.longtable import Column, LongTable, Row
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.librarian import Answer
from asd.views.tui.model.lists import PAGE, Listing
from asd.views.tui.model.tables import Cursor
from asd.views.tui.panels.base import Panel


class ListedPanel(Panel):
    """The base of the samples' and the events' screens."""

    LISTING: Listing
    COLUMNS: tuple[Column, ...]
    LEAVING: tuple[str, ...] = ()
    """The columns that go first where there is little room."""
    SORTS: tuple[str, ...] = ("log",)
    EVERY_S = 2.0
    """The least time between two renewals of the index."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.filter = ""
        self.sort = self.SORTS[0]
        self.listing = self.new_listing()
        self.head = Line(classes="note")
        self.table = LongTable(self.COLUMNS, PAGE, f"{id}-table", self.LEAVING)
        self._of: tuple[Any, ...] = ()
        self._renewed = 0.0
        self._cost = 0.0

    def new_listing(self) -> Listing:
        """The list behind the screen."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """A line that says what is listed, above the list."""
        yield self.head
        yield self.table

    @property
    def scroller(self) -> LongTable:
        """The list."""
        return self.table

    def ask(self, frame: Frame) -> None:
        """Renew the index where the log has grown, the filter changed or another moment is looked at."""
        state = frame.state
        what = (state.run, state.as_of_us, state.events, self.filter, self.sort)
        mind = (*what[:2], *what[3:])
        changed = mind != (*self._of[:2], *self._of[3:])
        due = time.monotonic() - self._renewed >= max(self.EVERY_S, 8 * self._cost)
        if changed or (what != self._of and due):
            self.prepare(frame, changed)
            self._of, self._renewed = what, time.monotonic()
            listing, text, order = self.listing, self.filter, self.sort
            places = self.places()
            self.question("count", lambda tables: _renewed(listing, tables, text, order, places))

    def places(self) -> Callable[[int], set[int]]:
        """Which pages will be on the screen, given how many rows there are; the librarian's thread asks that."""
        table, top = self.table, round(self.table.scroll_y)
        return lambda rows: table.pages(top, rows)

    def prepare(self, frame: Frame, changed: bool) -> None:
        """Before the index is renewed; `changed` where it is another list, not just a longer one."""
        if changed:
            self.table.clear()

    def told(self, answer: Answer) -> None:
        """A new count, a page, or the row that a search found."""
        _, _, what = answer.key.partition(":")
        if answer.trouble:
            self.notify(answer.trouble, title="the list", severity="warning", markup=False)
        elif what == "count":
            assert isinstance(answer.value, Renewed)
            self._cost = answer.value.cost_s
            for offset, page in answer.value.pages.items():
                self.table.put(offset, page)
            self.counted(answer.value.rows, answer.value.pages)
        elif what.startswith("page:") and isinstance(answer.value, Sequence):
            self.table.put(int(what[5:]), answer.value)
        elif what == "find":
            self._go_to(answer.value)

    def counted(self, rows: int, fresh: Collection[int] = ()) -> None:
        """The list has `rows` rows; the pages `fresh` have just come."""
        self.table.set_rows(rows, fresh)
        self.head.show(self.note(rows))

    def note(self, rows: int) -> Text:
        """What is listed, in what order, and what passes the filter."""
        line = Text(f"{rows:,} {self.id}")
        if len(self.SORTS) > 1:
            line.append(f"  sort: {self.sort}", "dim")
        if self.filter:
            line.append("  filter: ", "yellow").append_text(safe(self.filter)).append("  (f, empty: all)", "dim")
        return line

    def on_long_table_wanted(self, event: LongTable.Wanted) -> None:
        """Fetch a page."""
        event.stop()
        listing, offset = self.listing, event.offset
        self.question(f"page:{offset}", lambda tables: listing.page(tables, offset))

    def filtered(self, text: str) -> None:
        """List only what passes."""
        self.filter = text.strip()
        self.table.move(0)
        self._renew()

    def sorted_next(self) -> None:
        """The next order."""
        if len(self.SORTS) > 1:
            self.sort = self.SORTS[(self.SORTS.index(self.sort) + 1) % len(self.SORTS)]
            self.table.move(0)
            self._renew()

    def searched(self, text: str, *, backwards: bool = False) -> None:
        """Go to the next row that matches."""
        listing, start = self.listing, self.table.cursor
        self.question("find", lambda tables: listing.find(tables, text, start, backwards))

    def _renew(self) -> None:
        if self.terminal.frame is not None and self.terminal.desk.ready:
            self.ask(self.terminal.frame)

    def _go_to(self, row: object) -> None:
        if isinstance(row, int):
            self.table.move(row)
        else:
            self.notify("nothing matches", markup=False)


class Renewed(NamedTuple):
    """A list brought up to date: its rows, what that took, and the pages that are going to be shown."""

    rows: int
    cost_s: float
    pages: dict[int, Sequence[Row]]


def _renewed(listing: Listing, tables: Cursor, text: str, order: str, places: Callable[[int], set[int]]) -> Renewed:
    """The pages come with the count, so that a list that grows is drawn once, not twice."""
    began = time.monotonic()
    rows = listing.refresh(tables, text, order)
    cost_s = time.monotonic() - began
    return Renewed(rows, cost_s, {offset: listing.page(tables, offset) for offset in places(rows)})
