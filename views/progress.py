"""How far a run has come: a bar with rate and remaining time on a terminal, plain lines where there is none."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from asd.core.event import Event
from asd.core.facts.run import PhaseStarted, RunPlanned
from asd.views.digits import duration

Watch = Callable[[Event], None]
STEP = 0.1
"""A plain line is printed each time that this share more is done."""


class Counting:
    """Units done against units planned. A unit is an event kind by its last word: "generated" is sample.generated."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self.planned: dict[str, int] = {}
        self.done: dict[str, int] = {}
        self._began: dict[str, float] = {}

    def see(self, event: Event) -> str | None:
        """Count the event in; return the unit that it belongs to, if any."""
        if isinstance(event, RunPlanned):
            self.planned = {unit: count for unit, count in event.units.items() if unit != "graded"}
        unit = event.kind.rpartition(".")[2]
        if unit not in self.planned:
            return None
        self._began.setdefault(unit, self._clock())
        self.done[unit] = self.done.get(unit, 0) + 1
        return unit

    def share(self, unit: str) -> float:
        """Done over planned, at most 1."""
        return min(1.0, self.done.get(unit, 0) / max(1, self.planned[unit]))

    def told(self, unit: str) -> str:
        """Done of planned, rate, remaining time."""
        done, planned = self.done.get(unit, 0), self.planned[unit]
        passed = self._clock() - self._began.get(unit, self._clock())
        rate = done / passed if passed > 0 else 0.0
        remaining = f", {duration(max(0, planned - done) / rate)} remaining" if rate else ""
        return f"{unit} {done:,} of {planned:,} ({self.share(unit):.0%}), {rate:,.1f}/s{remaining}"


class Plain:
    """Lines: each phase as it begins, each tenth of the units."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Print to `out`."""
        self._out = out
        self._counting = Counting(clock)
        self._next: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Print what is new."""
        if isinstance(event, PhaseStarted):
            self._print(_phase(event))
        unit = self._counting.see(event)
        if unit is not None and self._counting.share(unit) >= self._next.get(unit, STEP):
            self._next[unit] = self._counting.share(unit) + STEP
            self._print(self._counting.told(unit))

    def _print(self, line: str) -> None:
        from asd.views.sanitize import sanitize

        self._out.write(sanitize(line) + "\n")
        self._out.flush()


def _phase(event: PhaseStarted) -> str:
    """The phase, and of which stage it is."""
    return event.phase if event.stage is None else f"{event.phase}: stage {event.stage}, {event.model}"


@contextmanager
def watching(out: TextIO) -> Iterator[Watch]:
    """A callback that shows each event's part of the work on `out`, as long as the context lasts."""
    if not out.isatty():
        yield Plain(out)
        return
    with _bars(out) as watch:
        yield watch


@contextmanager
def _bars(out: TextIO) -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
    from rich.text import Text

    from asd.views.sanitize import sanitize

    counting, bars = Counting(), dict[str, TaskID]()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    rate = TextColumn("{task.fields[rate]}", markup=False)
    console = Console(file=out)
    with Progress(*columns, rate, TimeRemainingColumn(), console=console) as progress:

        def watch(event: Event) -> None:
            if isinstance(event, PhaseStarted):
                progress.console.print(Text(sanitize(_phase(event)), style="dim"))
            unit = counting.see(event)
            if unit is None:
                return
            if unit not in bars:
                bars[unit] = progress.add_task(unit, total=counting.planned[unit], rate="")
            done = counting.done[unit]
            speed = progress.tasks[progress.task_ids.index(bars[unit])].speed
            progress.update(bars[unit], completed=done, rate=f"{speed:,.1f}/s" if speed else "")

        yield watch
