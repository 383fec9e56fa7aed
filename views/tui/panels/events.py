"""The log itself: every event of all streams, the tail followed."""

from collections.abc import Callable, Collection

from rich.text import Text

from asd.views.sanitize import safe
from asd.views.tui.longtable import Column, LongTable, Row
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.lists import Events
from asd.views.tui.paint import events
from asd.views.tui.paint.words import cut, time_of_day
from asd.views.tui.panels.listed import ListedPanel


class EventsPanel(ListedPanel):
    """A row an event; with `F` the newest one stays on the screen."""

    HINT = "F|follow  enter|whole event  f|filter  /|search  n N|next"
    EVERY_S = 0.2
    COLUMNS = (
        Column("time (UTC)", lambda row: time_of_day(row[2]), 12),
        Column("stream", lambda row: cut(row[0], 9), 9),
        Column("seq", lambda row: f"{row[1]:,}", 9, right=True),
        Column("kind", lambda row: events.kind(row[3], 18), 18),
        Column("subject", lambda row: cut(row[4] or "", 60), 30),
        Column("data", lambda row: events.brief(row[6] or "", 200)),
    )
    LEAVING = ("stream", "data")

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.following = True

    def new_listing(self) -> Events:
        """The events."""
        return Events()

    def prepare(self, frame: Frame, changed: bool) -> None:
        """Another moment, run or filter: number the events anew."""
        super().prepare(frame, changed)
        if changed:
            assert isinstance(self.listing, Events)
            self.listing.forget()

    def show_frame(self, frame: Frame) -> None:
        """The tail is renewed with the frames, not once a second."""
        if self.terminal.desk.ready:
            self.ask(frame)

    def places(self) -> Callable[[int], set[int]]:
        """The end of the list, where it is followed."""
        table = self.table
        return (lambda rows: table.pages(rows - table.size.height, rows)) if self.following else super().places()

    def counted(self, rows: int, fresh: Collection[int] = ()) -> None:
        """Follow, if that is wished."""
        super().counted(rows, fresh)
        if self.following:
            self.ends(last=True)

    def note(self, rows: int) -> Text:
        """Whether the tail is followed is said too."""
        words = ("following the tail", "bold green") if self.following else ("not following (F)", "dim")
        return super().note(rows).append("  ").append(*words)

    def move(self, by: int) -> None:
        """Whoever goes up wants to read and no longer follow."""
        if by < 0 and self.following:
            self.follow(False)
        super().move(by)

    def ends(self, *, last: bool) -> None:
        """The same for going to the first event."""
        if not last and self.following:
            self.follow(False)
        super().ends(last=last)

    def follow(self, on: bool) -> None:
        """Keep the newest event on the screen, or stay."""
        self.following = on
        self.counted(self.table.rows)

    def on_mouse_scroll_up(self) -> None:
        """Scrolling up is going up."""
        self.following = False

    def searched(self, text: str, *, backwards: bool = False) -> None:
        """Go to the next event that matches, and stay there."""
        self.following = False
        super().searched(text, backwards=backwards)

    def on_long_table_opened(self, event: LongTable.Opened) -> None:
        """The whole event."""
        event.stop()
        self.following = False
        self.terminal.open_event(event.row[0], event.row[1])

    def text_to_copy(self) -> str:
        """The event, in short."""
        row: Row | None = self.table.current
        return safe(f"{row[0]} {row[1]} {row[3]} {row[4] or ''} {row[6]}").plain if row else ""
