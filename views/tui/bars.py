"""The lines around every screen: the run's state, the screens' names, the time, what can be typed."""

import time

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from asd.views.tui.model.frames import Frame
from asd.views.tui.paint import header
from asd.views.tui.paint.block import Block


class Line(Static):
    """A widget that shows Rich text and draws anew only when the text differs.

    Where the lines are never wrapped (classes `block` and `still`), its place on the screen, and with it that of
    everything else, is worked out anew only when their number changes.
    """

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._text, self._heading = Text(), Text()

    def show(self, text: Text) -> None:
        """Show `text`."""
        if text != self._text or text.spans != self._text.spans or text.style != self._text.style:
            taller = text.plain.count("\n") != self._text.plain.count("\n")
            self._text = text
            self.update(text, layout=taller or not (self.has_class("block") or self.has_class("still")))

    def show_block(self, block: Block) -> None:
        """Show a block, its name in the frame."""
        heading = block.heading
        if heading != self._heading or heading.spans != self._heading.spans:
            self._heading = heading
            self.border_title = Content.from_rich_text(heading)
        self.show(block.body)

    @property
    def plain(self) -> str:
        """What is shown, without its styles."""
        return f"{self._heading.plain}\n{self._text.plain}" if self._heading else self._text.plain


class Top(Line):
    """Which run, and how it is."""

    def show_frame(self, frame: Frame | None, store: str) -> None:
        """Show the state of the run as of now; trouble may take more than a line."""
        self.set_class(frame is None or not frame.trouble, "still")
        self.show(header.header(frame, store, time.time_ns() // 1000, self.content_size.width or 78))


class TimeBar(Line):
    """Where in the run's time the screen stands; a click goes there."""

    class Sought(Message):
        """Go to this share of the run's time."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def show_frame(self, frame: Frame | None) -> None:
        """Show the place in time."""
        self.show(header.time_line(frame, self.content_size.width or 78))

    def on_click(self, event: events.Click) -> None:
        """Seek."""
        end = self.plain.find("]")
        if 0 < event.x <= end:
            self.post_message(self.Sought(event.x / end))


class NavItem(Line):
    """The name of one screen."""

    class Chosen(Message):
        """Show the screen of this number."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, number: int, name: str) -> None:
        super().__init__(classes="nav-item")
        self.number, self.name_shown = number, name
        self.show(Text(f" {number} {name}"))

    def on_click(self) -> None:
        """A click shows the screen."""
        self.post_message(self.Chosen(self.number))


class Nav(Horizontal):
    """The screens by number."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(id="nav")
        self._items = [NavItem(number, name) for number, name in enumerate(names, 1)]

    def compose(self) -> ComposeResult:
        """The names."""
        yield from self._items

    def choose(self, number: int) -> None:
        """Mark the screen that is shown, by reversing and by a sign."""
        for item in self._items:
            chosen = item.number == number
            sign = "▸" if chosen else " "
            item.show(Text(f"{sign}{item.number} {item.name_shown}", "bold reverse" if chosen else "dim"))


class Prompt(Input):
    """Where a search or a filter is typed; out of sight until it is asked for."""

    what = "search"

    def ask(self, what: str, before: str) -> None:
        """Come up to ask for `what`, with what was typed before."""
        self.what, self.value = what, before
        self.placeholder = f"{what}: words, then enter"
        self.add_class("shown")
        self.focus()
