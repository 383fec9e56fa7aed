"""The run that is open: the threads that read it, started and stopped together."""

from collections.abc import Callable
from threading import Thread

from asd.views.tui.model.frames import Frame
from asd.views.tui.model.librarian import Answer, Librarian, Question
from asd.views.tui.model.source import Source
from asd.views.tui.model.tables import Tables
from asd.views.tui.model.watcher import Watcher, faster

STEPS = 50
"""Steps of `[` and `]` from a run's start to its end."""

MANY = 5000
"""So many events at once cost the tables a third of what they cost one by one, and still only a tenth of a second."""


class Desk:
    """One run at a time. Frames and answers come from the threads through `show` and `tell`."""

    def __init__(self, source: Source, show: Callable[[Frame], None], tell: Callable[[Answer], None]) -> None:
        self._source, self._show, self._tell = source, show, tell
        self._watcher: Watcher | None = None
        self._librarian: Librarian | None = None
        self._tables: Tables | None = None
        self.run = ""
        self.as_of_us: int | None = None
        self.speed = 1

    def open(self, run: str) -> None:
        """Read `run` from now on. Raises `UnknownRunError` where the store does not hold it."""
        log = self._source.open(run)
        self.close()
        self.run, self.as_of_us, self.speed = log.run, None, 1
        self._watcher = Watcher(log, self._show)
        self._watcher.start()

    def close(self, *, wait_s: float = 0.0) -> None:
        """Let the run go; its threads end by themselves, within `wait_s` seconds where they are waited for."""
        threads: list[Thread | None] = [self._watcher, self._librarian]
        if self._watcher is not None:
            self._watcher.stop()
        self._end_librarian()
        for thread in threads:
            if thread is not None and wait_s:
                thread.join(wait_s)
        self._watcher = self._tables = None
        self.run = ""

    @property
    def ready(self) -> bool:
        """Whether questions can be asked."""
        return self._librarian is not None

    def arrived(self) -> bool:
        """Whether the run's tables have just come, or come anew after trouble; called with each frame."""
        tables = self._watcher.tables if self._watcher is not None else None
        if tables is not None and tables is not self._tables:
            self._end_librarian()
            self._tables = tables
            self._librarian = Librarian(tables, self._tell)
            self._librarian.look(self.as_of_us)
            self._librarian.start()
            return True
        return False

    def ask(self, key: str, question: Question) -> None:
        """Have a question answered, if the run is open by now; who asks asks again."""
        if self._librarian is not None:
            self._librarian.ask(key, question)

    def keep_up(self) -> None:
        """Have what was appended added to the tables before it is too much, also where nobody asks them anything."""
        if self._tables is not None and self._tables.waiting >= MANY:
            self.ask(":keep up", lambda tables: None)

    def step(self, steps: int, frame: Frame) -> None:
        """Go `steps` fiftieths of the run's time back or on, from the moment asked for last; past the end is live."""
        now = (self._watcher.wanted_us if self._watcher is not None else None) or frame.end_us
        self.seek(now + steps * max(1, (frame.end_us - frame.state.first_us) // STEPS), frame)

    def seek(self, moment_us: int, frame: Frame) -> None:
        """Look at the run as of a moment."""
        first = frame.state.first_us
        self._look(None if moment_us >= frame.end_us else max(first, moment_us))

    def hold(self, frame: Frame) -> None:
        """Hold the time where it is, or let it go on from there."""
        if frame.state.as_of_us is None:
            self._look(frame.end_us)
        elif self._watcher is not None:
            self._watcher.play(not frame.playing, self.speed)

    def change_speed(self, steps: int, frame: Frame) -> None:
        """Let the past go by faster or slower."""
        self.speed = faster(self.speed, steps)
        if self._watcher is not None:
            self._watcher.play(frame.playing, self.speed)

    def follow(self, frame: Frame) -> None:
        """While a replay goes on, answers are as of its moment."""
        if self._librarian is not None and frame.state.as_of_us != self.as_of_us:
            self.as_of_us = frame.state.as_of_us
            self._librarian.look(self.as_of_us)

    def _look(self, moment_us: int | None) -> None:
        if self._watcher is not None:
            self._watcher.look(moment_us)

    def _end_librarian(self) -> None:
        if self._librarian is not None:
            self._librarian.stop()
            self._librarian = None
