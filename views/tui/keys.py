"""The keys of the app, and what each does."""

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from asd.views.sanitize import sanitize
from asd.views.tui import work
from asd.views.tui.bars import NavItem, Prompt, TimeBar
from asd.views.tui.desk import Desk
from asd.views.tui.dialogs import KEYS, TextDialog, dialog_width, help_text
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.source import Source
from asd.views.tui.model.surveyor import Surveyor
from asd.views.tui.panels.base import Panel
from asd.views.tui.panels.events import EventsPanel
from asd.views.tui.panels.runs import RunsPanel
from asd.views.tui.panels.sample import SamplePanel
from asd.views.tui.panels.samples import SamplesPanel

SCREENS = ("runs", "run", "samples", "sample", "events", "environment", "figures", "problems")
P = TypeVar("P", bound=Panel)


class Keys(App[None]):
    """The app's actions, over what `Terminal` holds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"screen_number({number})", name) for number, name in enumerate(SCREENS, 1)),
        Binding("tab", "screen_next(1)", "next screen", priority=True),
        Binding("shift+tab", "screen_next(-1)", "screen before", priority=True),
        Binding("q", "quit", "quit"),
        Binding("question_mark", "help", "help"),
        Binding("enter", "open", "open"),
        Binding("escape", "leave", "back"),
        Binding("j,down", "move(1)", "down"),
        Binding("k,up", "move(-1)", "up"),
        Binding("pagedown", "page(1)", "page down"),
        Binding("pageup", "page(-1)", "page up"),
        Binding("g,home", "ends(False)", "first"),
        Binding("G,end", "ends(True)", "last"),
        Binding("slash", "prompt('search')", "search"),
        Binding("f", "prompt('filter')", "filter"),
        Binding("n", "again(False)", "next match"),
        Binding("N", "again(True)", "match before"),
        Binding("F", "follow", "follow the tail"),
        Binding("s", "sort", "next order"),
        Binding("space", "hold", "hold the time, go on"),
        Binding("p", "pin", "pin"),
        Binding("c", "compare", "compare two runs"),
        Binding("e", "screen_number(8)", "errors"),
        Binding("left_square_bracket", "time(-1)", "back in time"),
        Binding("right_square_bracket", "time(1)", "forward in time"),
        Binding("left_curly_bracket", "speed(-1)", "slower"),
        Binding("right_curly_bracket", "speed(1)", "faster"),
        Binding("y", "copy", "copy"),
        Binding("o", "report", "open the report"),
        Binding("v", "verify", "verify the log"),
        Binding("colon", "command_palette", "commands"),
    ]

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.frame: Frame | None = None
        self.pinned_run = self.pinned_sample = ""
        self.panels: dict[str, Panel] = {}
        self.came_from: list[str] = []
        self._search = ""
        self.desk: Desk
        self.surveyor: Surveyor
        self.panel: Panel

    def show_screen(self, name: str) -> None:
        """Show a screen."""
        raise NotImplementedError

    def post(self, message: Message) -> None:
        """Send a message from any thread."""
        if self.is_running:
            self.post_message(message)

    def the(self, kind: type[P]) -> P:
        """The screen of this class."""
        return next(panel for panel in self.panels.values() if isinstance(panel, kind))

    def action_screen_number(self, number: int) -> None:
        """Show the screen of this number."""
        self.came_from.append(self.panel.id or "runs")
        self.show_screen(SCREENS[number - 1])

    def action_screen_next(self, by: int) -> None:
        """The next screen, or the one before."""
        if len(self.screen_stack) == 1:
            self.show_screen(SCREENS[(SCREENS.index(self.panel.id or "runs") + by) % len(SCREENS)])

    def on_nav_item_chosen(self, message: NavItem.Chosen) -> None:
        """A click on a screen's name."""
        self.action_screen_number(message.number)

    def action_leave(self) -> None:
        """To the screen before; out of the prompt first."""
        if self.query_one(Prompt).has_class("shown"):
            self._close_prompt()
            return
        before = self.came_from.pop() if self.came_from else ("runs" if self.panel.id != "runs" else "run")
        self.show_screen(before)

    def action_open(self) -> None:
        """Open what the cursor is on."""
        self.panel.opened()

    def action_move(self, by: int) -> None:
        """Down or up."""
        self.panel.move(by)

    def action_page(self, pages: int) -> None:
        """A screenful down or up."""
        self.panel.move(pages * max(1, self.panel.size.height - 2))

    def action_ends(self, last: bool) -> None:
        """The first or the last."""
        self.panel.ends(last=last)

    def action_sort(self) -> None:
        """The next order."""
        self.panel.sorted_next()

    def action_follow(self) -> None:
        """Follow the tail of the log, or stop following."""
        events = self.the(EventsPanel)
        if self.panel is not events:
            self.show_screen("events")
        events.follow(not events.following)

    def action_again(self, backwards: bool) -> None:
        """The next match of the search, or the one before."""
        if self._search:
            self.panel.searched(self._search, backwards=backwards)

    def action_prompt(self, what: str) -> None:
        """Ask for a search or a filter."""
        before = getattr(self.panel, "filter", "") if what == "filter" else self._search
        self.query_one(Prompt).ask(what, before)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search or filter."""
        prompt = self.query_one(Prompt)
        self._close_prompt()
        if prompt.what == "filter":
            self.panel.filtered(event.value)
        elif event.value.strip():
            self._search = event.value.strip()
            self.panel.searched(self._search)

    def _close_prompt(self) -> None:
        self.query_one(Prompt).remove_class("shown")
        if self.panel.scroller is not None:
            self.panel.scroller.focus()

    def action_hold(self) -> None:
        """Hold the time, or let it go on."""
        if self.frame is not None:
            self.desk.hold(self.frame)

    def action_time(self, steps: int) -> None:
        """Back or forward in the run's time."""
        if self.frame is not None:
            self.desk.step(steps, self.frame)

    def on_time_bar_sought(self, message: TimeBar.Sought) -> None:
        """A click on the time."""
        if self.frame is not None:
            first, end = self.frame.state.first_us, self.frame.end_us
            self.desk.seek(first + int(message.share * (end - first)), self.frame)

    def action_speed(self, steps: int) -> None:
        """Slower or faster."""
        if self.frame is not None:
            self.desk.change_speed(steps, self.frame)
            if self.frame.state.as_of_us is None:
                self.notify(f"a replay will go at {self.desk.speed}×: go back with [ and press space")

    def action_pin(self) -> None:
        """Pin the run or the sample, or let it go."""
        match self.panel:
            case RunsPanel() as runs:
                self.pinned_run = "" if self.pinned_run == runs.chosen else runs.chosen
                self.surveyor.look(True)
            case SamplesPanel() as samples:
                self.pinned_sample = "" if self.pinned_sample == samples.chosen else samples.chosen
                self.notify(f"pinned: {self.pinned_sample or 'nothing'}", markup=False)
            case SamplePanel() as sample:
                self.pinned_sample = "" if self.pinned_sample == sample.sample else sample.sample
                self.notify(f"pinned: {self.pinned_sample or 'nothing'}", markup=False)
            case _:
                self.pinned_run = "" if self.pinned_run == self.desk.run else self.desk.run
                self.notify(f"pinned: {self.pinned_run or 'nothing'}", markup=False)

    def action_compare(self) -> None:
        """Compare the pinned run with the one at the cursor, or the one that is open."""
        other = self.the(RunsPanel).chosen if self.panel.id == "runs" else self.desk.run
        pinned = self.pinned_run
        if not pinned or not other or pinned == other:
            self.notify("pin one run with p, put the cursor on another, then press c")
            return
        width = dialog_width(self)
        work.in_background(
            f"{pinned} and {other}", lambda: work.comparison(self.source, pinned, other, width), self.post
        )

    def action_report(self) -> None:
        """Open the report of the run."""
        run = self.the(RunsPanel).chosen if self.panel.id == "runs" else self.desk.run
        if run:
            self.notify("the report is being made")
            width = dialog_width(self)
            work.in_background(f"report of {run}", lambda: work.report(self.source, run, width), self.post)

    def action_verify(self) -> None:
        """Have the log of the run verified."""
        run = self.the(RunsPanel).chosen if self.panel.id == "runs" else self.desk.run
        if run:
            self.notify(f"verifying {run}; the list of runs shows the outcome", markup=False)
            self.surveyor.verify(run)

    def action_copy(self) -> None:
        """Copy what the screen offers, made safe to paste."""
        self.copy_to_clipboard(sanitize(self.panel.text_to_copy(), newlines=True))
        self.notify("copied")

    def action_help(self) -> None:
        """The keys."""
        self.push_screen(TextDialog("keys", help_text(KEYS)))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that a key does, by name."""
        yield from (one for one in super().get_system_commands(screen) if one.title in ("Quit", "Theme"))
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and binding.action not in ("command_palette", "quit"):
                action = binding.action
                help = f"key {binding.key.split(',')[0]}"
                yield SystemCommand(
                    binding.description, help, lambda action=action: self.run_worker(self.run_action(action))
                )
