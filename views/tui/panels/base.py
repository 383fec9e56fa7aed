"""What every screen of the app is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget

from asd.views.tui.bars import Line
from asd.views.tui.longtable import LongTable
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.librarian import Answer
from asd.views.tui.model.tables import Cursor

if TYPE_CHECKING:
    from asd.views.tui.app import Terminal


class Panel(Vertical):
    """One screen. It is told of frames and answers only while it is shown."""

    HINT = ""
    """What can be done here, for the last line."""

    @property
    def terminal(self) -> "Terminal":
        """The app."""
        return cast("Terminal", self.app)

    def show_frame(self, frame: Frame) -> None:
        """A newer state of the run is there."""

    def ask(self, frame: Frame) -> None:
        """A second has passed, or the screen has just come up: ask for what only SQL knows."""

    def told(self, answer: Answer) -> None:
        """The answer to a question of this screen."""

    def filtered(self, text: str) -> None:
        """Show only what passes `text`."""
        self.app.bell()

    def searched(self, text: str, *, backwards: bool = False) -> None:
        """Go to the next place that matches `text`."""
        self.app.bell()

    def sorted_next(self) -> None:
        """Sort by the next order."""
        self.app.bell()

    def text_to_copy(self) -> str:
        """What `y` copies."""
        return ""

    @property
    def scroller(self) -> Widget | None:
        """What moves with j, k, g and G."""
        return None

    def question(self, key: str, question: Callable[[Cursor], object]) -> None:
        """Ask the librarian; the answer comes to `told` under `key`."""
        self.terminal.desk.ask(f"{self.id}:{key}", question)

    def move(self, by: int) -> None:
        """Go down (up) by rows or lines."""
        match self.scroller:
            case LongTable() as table:
                table.move(table.cursor + by)
            case Widget() as scroll:
                scroll.scroll_relative(y=by, animate=False)

    def ends(self, *, last: bool) -> None:
        """Go to the beginning or the end."""
        match self.scroller:
            case LongTable() as table:
                table.move(table.rows - 1 if last else 0)
            case Widget() as scroll:
                (scroll.scroll_end if last else scroll.scroll_home)(animate=False)

    def opened(self) -> None:
        """Enter was pressed."""
        if isinstance(self.scroller, LongTable):
            self.scroller.open()


class TextPanel(Panel):
    """A screen of text that scrolls, with a search in it."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.line = Line(classes="text")
        self.scroll: Widget = VerticalScroll(self.line, can_focus=True)

    def compose(self) -> ComposeResult:
        """The text."""
        yield self.scroll

    @property
    def scroller(self) -> Widget | None:
        """What the text scrolls in."""
        return self.scroll

    def searched(self, text: str, *, backwards: bool = False) -> None:
        """Go to the next line that holds `text`."""
        scroll = self.scroll
        lines = self.line.plain.casefold().split("\n")
        here = round(scroll.scroll_y)
        found = [i for i, line in enumerate(lines) if text.casefold() in line]
        ahead = [i for i in found if (i < here if backwards else i > here)]
        if not found:
            self.notify(f"not found: {text}", markup=False)
            return
        scroll.scroll_to(y=(ahead or found)[-1 if backwards else 0], animate=False)

    def text_to_copy(self) -> str:
        """All of it."""
        return self.line.plain
