"""One sample, and a pinned one beside it."""

from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll

from asd.views.tui.bars import Line
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.librarian import Answer
from asd.views.tui.model.story import Story, story
from asd.views.tui.model.tables import Cursor
from asd.views.tui.paint import story as paint
from asd.views.tui.panels.base import TextPanel


def _story(name: str, tables: Cursor) -> Story:
    return story(tables, name)


class SamplePanel(TextPanel):
    """Prompt, each stage's answer with log-probabilities, decisions, grades, causes."""

    HINT = "esc|back  p|pin beside  /|search  y|copy"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.sample = ""
        self.pinned = Line(classes="text")
        self.beside = VerticalScroll(self.pinned, can_focus=True, id="pinned")
        self._of: tuple[object, ...] = ()
        self._told: dict[str, Story] = {}

    def compose(self) -> ComposeResult:
        """The sample, and room for another."""
        yield Horizontal(self.scroll, self.beside)

    def show_frame(self, frame: Frame) -> None:
        """Say what to do where no sample is chosen."""
        pinned = self.terminal.pinned_sample
        self.beside.display = bool(pinned) and pinned != self.sample
        if not self.sample:
            self.line.show(Text("no sample is open: choose one among the samples (3) with enter", "dim"))

    def ask(self, frame: Frame) -> None:
        """Read the sample anew where the log has grown."""
        pinned = self.terminal.pinned_sample
        of = (frame.state.run, frame.state.as_of_us, frame.state.events, self.sample, pinned)
        if of == self._of or not self.sample:
            return
        self._of = of
        for key, name in {"story": self.sample, "pinned": pinned}.items():
            if name:
                self.question(key, partial(_story, name))

    def told(self, answer: Answer) -> None:
        """Show the story."""
        if answer.trouble:
            self.line.show(Text(answer.trouble, "yellow"))
        elif isinstance(answer.value, Story):
            self._told[answer.key.rpartition(":")[2]] = answer.value
            self._paint()

    def on_resize(self) -> None:
        """Text is wrapped anew."""
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        for key, place, around in (("story", self.line, self.scroll), ("pinned", self.pinned, self.beside)):
            if key in self._told:
                place.show(paint.sample(self._told[key], max(40, around.size.width - 3)))

    def open_sample(self, sample: str) -> None:
        """Show another sample, from its beginning."""
        self.sample = sample
        self.scroll.scroll_home(animate=False)
