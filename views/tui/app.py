"""The app: eight screens over one run's frames, and the keys."""

from textual.app import ComposeResult
from textual.widgets import ContentSwitcher

from asd.core.errors import AsdError
from asd.views.tui.bars import Line, Nav, Prompt, TimeBar, Top
from asd.views.tui.desk import Desk
from asd.views.tui.dialogs import TextDialog, event_text
from asd.views.tui.keys import SCREENS, Keys
from asd.views.tui.messages import Shown, Surveyed, Told, Written
from asd.views.tui.model.source import Source
from asd.views.tui.model.story import event_text as event_of
from asd.views.tui.model.surveyor import Surveyor
from asd.views.tui.paint import header
from asd.views.tui.panels.base import Panel
from asd.views.tui.panels.events import EventsPanel
from asd.views.tui.panels.projected import EnvironmentPanel, FiguresPanel, ProblemsPanel
from asd.views.tui.panels.run import RunPanel
from asd.views.tui.panels.runs import RunsPanel
from asd.views.tui.panels.sample import SamplePanel
from asd.views.tui.panels.samples import SamplesPanel
from asd.views.tui.theme import PALETTE, THEME

PANELS: tuple[type[Panel], ...] = (
    *(RunsPanel, RunPanel, SamplesPanel, SamplePanel, EventsPanel),
    *(EnvironmentPanel, FiguresPanel, ProblemsPanel),
)
"""The screens, in the order of `SCREENS`."""


class Terminal(Keys):
    """Shows the runs of `source`; the threads of its desk read, this only draws."""

    TITLE = "asd"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  (the base class gives it its type)
        (0, "-narrow"),
        (110, "-middle"),
        (200, "-wide"),
    ]

    def __init__(self, source: Source, run: str | None = None) -> None:
        super().__init__(source)
        self.desk = Desk(source, lambda frame: self.post(Shown(frame)), lambda answer: self.post(Told(answer)))
        self.surveyor = Surveyor(source, lambda runs, exists: self.post(Surveyed(runs, exists)))
        self._wished = run

    def compose(self) -> ComposeResult:
        """Two lines of state, the screens' names, the screen, the time, what can be typed."""
        self.panels = {name: kind(id=name) for name, kind in zip(SCREENS, PANELS, strict=True)}
        self.panel = self.panels["runs"]
        self._top, self._nav, self._time, self._hint = (
            Top(id="top"),
            Nav(SCREENS),
            TimeBar(id="time", classes="still"),
            Line("hint", "still"),
        )
        yield self._top
        yield self._nav
        with ContentSwitcher(initial="runs", id="panels"):
            yield from self.panels.values()
        yield self._time
        yield Prompt(id="prompt")
        yield self._hint

    def on_mount(self) -> None:
        """Start looking; open the run that was asked for."""
        if self.console.color_system in (None, "standard"):
            self.theme = "ansi-dark"
        else:
            self.ansi_theme_dark = PALETTE
            self.register_theme(THEME)
            self.theme = THEME.name
        self.show_screen("runs")
        self.surveyor.start()
        self.set_interval(1.0, self._tick)
        if self._wished:
            self.open_run(self._wished)

    def on_unmount(self) -> None:
        """End the threads."""
        self.surveyor.stop()
        self.desk.close(wait_s=5.0)
        self.surveyor.join(5.0)

    # what the threads say

    def on_shown(self, message: Shown) -> None:
        """A newer frame: everything that is on the screen is drawn from it."""
        frame = message.frame
        if frame.state.run != self.desk.run or not self.panel.is_attached:
            return
        self.frame = frame
        new = self.desk.arrived()
        self.desk.follow(frame)
        self._bars()
        self.panel.show_frame(frame)
        if new:
            self.panel.ask(frame)

    def on_told(self, message: Told) -> None:
        """An answer goes to the screen that asked."""
        name, _, _ = message.answer.key.partition(":")
        if not self.panel.is_attached:
            return
        if name in self.panels:
            self.panels[name].told(message.answer)
        elif name == "event" and isinstance(message.answer.value, tuple):
            self.push_screen(TextDialog("event", event_text(*message.answer.value)))
        elif message.answer.trouble:
            self.notify(message.answer.trouble, severity="warning", markup=False)

    def on_surveyed(self, message: Surveyed) -> None:
        """The list of runs; a run that was asked for may have appeared."""
        if not self.the(RunsPanel).is_attached:
            return
        self.the(RunsPanel).show_runs(message.runs, message.exists)
        if self._wished and not self.desk.run and self._wished in {one.state.run for one in message.runs}:
            self.open_run(self._wished)

    def on_written(self, message: Written) -> None:
        """A text that was asked for."""
        self.push_screen(TextDialog(message.title, message.text))

    def _tick(self) -> None:
        """Ages grow, and questions for SQL are asked again."""
        self._bars()
        self.desk.keep_up()
        if self.frame is not None:
            self.panel.show_frame(self.frame)
            if self.desk.ready:
                self.panel.ask(self.frame)

    def _bars(self) -> None:
        self._top.show_frame(self.frame, str(self.source.path))
        self._time.show_frame(self.frame)
        self._hint.show(header.hints(self.panel.HINT, self._hint.content_size.width or 78))

    # screens

    def show_screen(self, name: str) -> None:
        """Show a screen, filled at once with what is known."""
        self.panel = self.panels[name]
        self.query_one("#panels", ContentSwitcher).current = name
        self._nav.choose(SCREENS.index(name) + 1)
        self.surveyor.look(name == "runs")
        if self.panel.scroller is not None:
            self.panel.scroller.focus()
        if self.frame is not None:
            self.panel.show_frame(self.frame)
            if self.desk.ready:
                self.panel.ask(self.frame)
        self._bars()

    def open_run(self, run: str) -> None:
        """Open a run and show its screen; where there is none of this name, say so and wait for it."""
        self._wished = run
        try:
            if run != self.desk.run:
                self.frame = None
                self.desk.open(run)
            self.show_screen("run")
        except AsdError as error:
            self.notify(str(error), severity="warning", timeout=10, markup=False)

    def open_sample(self, sample: str) -> None:
        """Show one sample."""
        self.the(SamplePanel).open_sample(sample)
        self.came_from.append(self.panel.id or "samples")
        self.show_screen("sample")

    def open_event(self, stream: str, seq: int) -> None:
        """Show one event as written."""
        self.desk.ask("event", lambda tables: event_of(tables, stream, seq))
