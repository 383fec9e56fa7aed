"""Screens made of the report's projections: environment and models, figures, problems."""

import time
from collections.abc import Callable, Sequence
from textwrap import wrap

import pyarrow as pa
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Container, ScrollableContainer

from asd.views import projections
from asd.views.tui.bars import Line
from asd.views.tui.model import figures
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.librarian import Answer
from asd.views.tui.model.state import MICRO, RunState
from asd.views.tui.model.tables import Cursor
from asd.views.tui.paint import tables as paint
from asd.views.tui.paint.run import beside_errors
from asd.views.tui.paint.words import INTERIM, cut, lines, number, ruled, seconds, title
from asd.views.tui.panels.base import TextPanel

Tables = dict[str, pa.Table]
FIRST: tuple[str, ...] = ("results", "lambdas", "cells", "stages", "policies", "certificates", "ablations", "phases")
"""The figures that come before the others, which are in the order of their names."""


def read(names: Sequence[str]) -> Callable[[Cursor], Tables]:
    """The question for the rows of some projections."""
    return lambda tables: {name: tables.projection(name) for name in names}


class ProjectedPanel(TextPanel):
    """Projections below each other, computed anew as the log grows, at most once a second and an eighth of the time."""

    NAMES: tuple[str, ...] = ()

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.line = Line(classes="wide-text")
        self.scroll = ScrollableContainer(self.line, can_focus=True)
        self._of: tuple[object, ...] = ()
        self._asked = self._cost = 0.0
        self.tables: Tables = {}

    def ask(self, frame: Frame) -> None:
        """Compute again where the log has grown."""
        of = (frame.state.run, frame.state.as_of_us, frame.state.events, self.names())
        if of == self._of or time.monotonic() - self._asked < max(1.0, 8 * self._cost):
            return
        self._of, self._asked = of, time.monotonic()
        self.question("tables", read(self.names()))

    def show_frame(self, frame: Frame) -> None:
        """Until there are rows, say that they are on their way."""
        if not self.tables:
            self.paint()

    def told(self, answer: Answer) -> None:
        """Show the rows."""
        self._cost = time.monotonic() - self._asked
        if answer.trouble:
            self.line.show(Text(answer.trouble, "yellow"))
        elif isinstance(answer.value, dict):
            self.tables = answer.value
            self.paint()

    def names(self) -> tuple[str, ...]:
        """The projections that are shown."""
        return self.NAMES

    def paint(self) -> None:
        """Draw what is there."""
        frame = self.terminal.frame
        note = INTERIM if frame is not None and figures.interim(frame.state) else ""
        parts = [self.block(name, rows, note) for name, rows in self.tables.items()]
        waiting = "cannot be read" if frame is not None and frame.trouble else "being computed …"
        self.line.show(lines(parts or [Text(waiting, "dim")]))

    def block(self, name: str, rows: pa.Table, note: str) -> Text:
        """One projection with its heading."""
        width = self.room
        told = [Text(line, "dim") for line in wrap(projections.get(name).answers, width)]
        return lines([ruled(title(name, note), width), *told, paint.table(rows, width), ""])

    @property
    def room(self) -> int:
        """The width that text has."""
        return max(40, self.scroll.size.width - 3)

    def on_resize(self) -> None:
        """More or less room for the tables."""
        if self.tables:
            self.call_after_refresh(self.paint)


class EnvironmentPanel(ProjectedPanel):
    """The machine, the software, the models, the data."""

    HINT = "j k|scroll  /|search  y|copy"
    NAMES = ("models", "environment", "datasets", "attempts", "streams", "packages")


class FiguresPanel(ProjectedPanel):
    """The report's tables, one at a time."""

    HINT = "s|next table  f|a table by name  /|search  y|copy"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.head = Line(id="figure-names")
        known = projections.names()
        first = [name for name in FIRST if name in known]
        self.all = (*first, *(name for name in known if name not in first))
        self.chosen: str = self.all[0]

    def names(self) -> tuple[str, ...]:
        """The one that is chosen."""
        return (self.chosen,)

    def paint(self) -> None:
        """The names of all above the chosen one's rows."""
        super().paint()
        names, apart = Text(), "\n" if self.beside else " "
        here = 0 if self.beside else self.all.index(self.chosen)
        for name in (*self.all[here:], *self.all[:here]):
            chosen = name == self.chosen
            names.append(f"{'▸' if chosen else ' '}{name} ", "bold reverse" if chosen else "dim").append(apart)
        self.head.show(names)

    @property
    def beside(self) -> bool:
        """Whether there is room for the names at the left of the rows."""
        return self.size.width >= 110

    def on_click(self, event: events.Click) -> None:
        """A click on a name shows that table."""
        if self.beside and event.widget is self.head and 0 <= event.y < len(self.all):
            self._choose(self.all[event.y])

    def compose(self) -> ComposeResult:
        """Names, rows."""
        yield Container(self.head, self.scroll, id="figures-body")

    def sorted_next(self) -> None:
        """The next table."""
        self._choose(self.all[(self.all.index(self.chosen) + 1) % len(self.all)])

    def filtered(self, text: str) -> None:
        """The first table whose name holds `text`."""
        found = [name for name in self.all if text.strip() in name]
        if found:
            self._choose(found[0])
        else:
            self.notify(f"no table is called so: {text}", markup=False)

    def _choose(self, name: str) -> None:
        self.chosen, self._asked = name, 0.0
        self.tables = {}
        self.paint()
        if self.terminal.frame is not None and self.terminal.desk.ready:
            self.ask(self.terminal.frame)


class ProblemsPanel(ProjectedPanel):
    """Errors by kind, stalls, drift, missing work."""

    HINT = "j k|scroll  /|search  y|copy"
    NAMES = ("completeness", "attempts")

    def show_frame(self, frame: Frame) -> None:
        """Errors come with the frames."""
        self.paint()

    def paint(self) -> None:
        """What the state knows, then what only SQL knows."""
        frame = self.terminal.frame
        if frame is None:
            return
        parts = [*self._errors(frame.state), *self._silence(frame)]
        parts += [self.block(name, rows, "") for name, rows in self.tables.items()]
        self.line.show(lines(parts))

    def _errors(self, state: RunState) -> list[Text | str]:
        parts: list[Text | str] = [
            ruled(title("Problems", "errors and drift by kind, the latest one's words"), self.room)
        ]
        for one in sorted(state.problems, key=lambda one: -one.last_us):
            parts.append(Text(f"{number(one.times):>5} × {cut(one.group, 20)}: {cut(one.what, 80)}", "yellow"))
            parts.append(Text(f"        {cut(one.message, 400)}", "dim"))
        parts += [Text(cut(one, 200), "yellow") for one in beside_errors(state)]
        return [*(parts if len(parts) > 1 else [*parts, Text("✓ none", "green")]), ""]

    def _silence(self, frame: Frame) -> list[Text | str]:
        state = frame.state
        longest = f", the longest {seconds(state.longest_stall_us / MICRO)}" if state.stalls else ""
        heading = title("Stalls", "silent for more than 10 s within an attempt")
        said = Text(f"{state.stalls:,}{longest}", "yellow") if state.stalls else Text("✓ none", "green")
        return [ruled(heading, self.room), said, ""]
