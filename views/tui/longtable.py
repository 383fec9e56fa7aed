"""A table of any length: only the rows on the screen are asked for, drawn and kept."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

Row = tuple[Any, ...]
KEPT = 30
"""Pages that are kept."""
GAP = 2
"""Cells between two columns."""
LEAST = 30
"""The room that the column without a width has at least."""
_HEAD = Style(dim=True)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its cells come from a row by `cell`; the one without a width takes what is left."""

    title: str
    cell: Callable[[Row], Text | str]
    width: int | None = None
    right: bool = False


def fitting(columns: Sequence[Column], leaving: Sequence[str], width: int) -> tuple[Column, ...]:
    """The columns that have room in `width`; those called `leaving` go first, in that order."""
    kept = list(columns)
    for title in leaving:
        if sum((one.width or LEAST) + GAP for one in kept) > width:
            kept = [one for one in kept if one.title != title]
    return tuple(kept)


class LongTable(ScrollView, can_focus=True):
    """Rows by number. It posts `Wanted` for a page that it has to draw and does not have; `put` brings one."""

    cursor = reactive(0)

    class Wanted(Message):
        """The rows from `offset` on are needed."""

        def __init__(self, table: "LongTable", offset: int) -> None:
            super().__init__()
            self.table, self.offset = table, offset

        @property
        def control(self) -> "LongTable":
            """The table that asks."""
            return self.table

    class Moved(Message):
        """The cursor is on another row."""

    class Opened(Message):
        """The row at the cursor is to be opened."""

        def __init__(self, table: "LongTable", row: Row) -> None:
            super().__init__()
            self.table, self.row = table, row

        @property
        def control(self) -> "LongTable":
            """The table of the row."""
            return self.table

    def __init__(
        self, columns: Sequence[Column], page: int = 100, id: str | None = None, leaving: Sequence[str] = ()
    ) -> None:
        super().__init__(id=id)
        self.columns = self._all = columns
        self._leaving = leaving
        self.rows = 0
        self._page = page
        self._pages: OrderedDict[int, Sequence[Row]] = OrderedDict()
        self._asked: set[int] = set()

    def set_rows(self, rows: int, fresh: Collection[int] = ()) -> None:
        """There are `rows` rows now; what is on the screen, but for the pages `fresh`, is asked for anew and shown
        meanwhile."""
        self.rows = rows
        self.virtual_size = Size(0, rows + 1)
        self._asked = set(fresh)
        self.cursor = max(0, min(self.cursor, rows - 1))
        for offset in self._on_screen():
            self._want(offset)
        self.refresh()

    def put(self, offset: int, rows: Sequence[Row]) -> None:
        """The rows from `offset` on are these."""
        if self._pages.get(offset) == rows:
            return
        self._pages[offset] = rows
        self._pages.move_to_end(offset)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)
        self.refresh()

    def clear(self) -> None:
        """Forget every row."""
        self._pages.clear()
        self._asked.clear()

    def row(self, number: int) -> Row | None:
        """The row `number`, None where it is not here (yet)."""
        offset = number // self._page * self._page
        page = self._pages.get(offset, ())
        return page[number - offset] if number - offset < len(page) and number < self.rows else None

    @property
    def current(self) -> Row | None:
        """The row at the cursor."""
        return self.row(self.cursor)

    def move(self, to: int) -> None:
        """Put the cursor on the row `to` and bring it onto the screen."""
        self.cursor = max(0, min(to, self.rows - 1))
        height = max(1, self.size.height - 1)
        top = round(self.scroll_y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)

    def open(self) -> None:
        """Open the row at the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self, self.current))

    def on_resize(self) -> None:
        """Fewer columns where there is little room."""
        self.columns = fitting(self._all, self._leaving, self.size.width)
        self.refresh()

    def watch_cursor(self) -> None:
        """Tell that the cursor moved."""
        self.refresh()
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a click on the cursor opens."""
        row = round(self.scroll_y) + event.y - 1
        if event.y > 0 and row < self.rows:
            if row == self.cursor:
                self.open()
            self.cursor = row

    def render_line(self, y: int) -> Strip:
        """The heading, or a row."""
        width = self.size.width
        if y == 0:
            line = self._line([Text(one.title) for one in self.columns], width)
            return self._strip(line, width).apply_style(_HEAD)
        number = round(self.scroll_y) + y - 1
        if number >= self.rows:
            return Strip.blank(width, self.rich_style)
        row = self.row(number)
        if row is None:
            self._want(number // self._page * self._page)
            strip = self._strip(Text("…", "dim"), width)
        else:
            line = self._line([one.cell(row) for one in self.columns], width)
            strip = self._strip(line if number != self.cursor else self._marked(line, width), width)
        return strip

    def _on_screen(self) -> set[int]:
        return self.pages(round(self.scroll_y), self.rows)

    def pages(self, top: int, rows: int) -> set[int]:
        """The pages of a screenful from the row `top` on, of `rows` rows in all."""
        top = max(0, top)
        last = max(top, min(rows - 1, top + max(1, self.size.height)))
        return {number // self._page * self._page for number in (top, last)} if rows else set()

    def _want(self, offset: int) -> None:
        if offset not in self._asked:
            self._asked.add(offset)
            self.post_message(self.Wanted(self, offset))

    def _line(self, cells: Sequence[Text | str], width: int) -> Text:
        fixed = sum(one.width or 0 for one in self.columns) + GAP * (len(self.columns) - 1) + 2
        line = Text(" ", no_wrap=True)
        for column, cell in zip(self.columns, cells, strict=True):
            text = cell.copy() if isinstance(cell, Text) else Text(cell)
            room = column.width or max(4, width - fixed)
            text.truncate(room, overflow="ellipsis")
            blank = " " * max(0, room - text.cell_len)
            line.append_text(Text(blank).append_text(text) if column.right else text.append(blank))
            line.append(" " * GAP)
        return line

    def _marked(self, line: Text, width: int) -> Text:
        """The row at the cursor: on another ground where there are colours enough, else reversed and without any."""
        line.append(" " * max(0, width - line.cell_len))
        if self.app.console.color_system in (None, "standard") or self.app.no_color:
            return Text(line.plain, "reverse", no_wrap=True)
        line.stylize(f"on {self.app.theme_variables['panel']}")
        return line

    def _strip(self, line: Text, width: int) -> Strip:
        line.rstrip_end(width)
        segments = [one for one in line.render(self.app.console) if one.text != "\n"]
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)
