"""The thread that keeps one run's state: it opens the run by SQL, folds what is appended, or goes through its past."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock, Thread

from asd.core.log import Record
from asd.store.files import FileLog
from asd.store.wakeup import Wakeup
from asd.views.tui.model.fold import Fold
from asd.views.tui.model.frames import SPEEDS, Frame
from asd.views.tui.model.past import Past
from asd.views.tui.model.rows import micros
from asd.views.tui.model.seed import seeded
from asd.views.tui.model.source import TROUBLE, Tail, gone, writer_alive
from asd.views.tui.model.state import MICRO, RunState
from asd.views.tui.model.survey import Glance
from asd.views.tui.model.tables import Tables

POLL_S = 0.25
"""How often the log is looked at without a hint."""
FRAME_S = 0.1
"""The least time between two frames."""
MOST_GROWN = 300_000
"""After this many new events the run is opened anew: sealed files hold them better than tables in memory."""
AGAIN_S = 3.0
"""How long after trouble the run is opened again."""


class _Hints(Wakeup):
    """A wake-up that the screen can cause too."""

    def hint(self) -> None:
        """There may be something to see."""
        self._signal.set()


class Watcher(Thread):
    """Follows `log` and hands frames to `show`, at most ten a second. `tables` is there once the run is open."""

    def __init__(self, log: FileLog, show: Callable[[Frame], None], poll_s: float = POLL_S) -> None:
        super().__init__(name=f"watch {log.run}", daemon=True)
        self.log = log
        self.tables: Tables | None = None
        self._show, self._poll_s = show, poll_s
        self._stopped = False
        self._lock = Lock()
        self._past: Past | None = None
        self._wanted_us: int | None = None
        self._frame = Frame(RunState(log.run), opening=True, whole=False)
        self._shown_at = self._turned_at = 0.0
        self._wakeup: _Hints | None = None

    def run(self) -> None:
        """Open, follow, and after trouble begin again, until `stop`."""
        while not self._stopped:
            if not (self._frame.trouble or self._frame.whole):
                self._put(replace(self._frame, opening=True))
            try:
                self._follow()
            except TROUBLE as error:
                self._put(replace(self._frame, trouble=_one_line(error), opening=False))
                self._sleep(AGAIN_S)

    def stop(self) -> None:
        """End soon; may be called from any thread."""
        self._stopped = True
        self.wake()

    def wake(self) -> None:
        """Look now."""
        if self._wakeup is not None:
            self._wakeup.hint()

    @property
    def wanted_us(self) -> int | None:
        """The moment that was asked for last, also where no frame shows it yet; None: live."""
        with self._lock:
            return self._wanted_us

    def look(self, as_of_us: int | None) -> None:
        """Show the run as of a moment, None: as it is now and will be."""
        with self._lock:
            self._frame = replace(self._frame, playing=self._frame.playing and as_of_us is not None)
            self._wanted_us = as_of_us
        self.wake()

    def play(self, on: bool, speed: int) -> None:
        """Let the past go by at `speed` seconds a second, or hold it."""
        with self._lock:
            self._frame = replace(self._frame, playing=on and self._wanted_us is not None, speed=speed)
        self.wake()

    def _follow(self) -> None:
        seen = Glance(self.log.path).look()
        if not self.log.path.is_dir() or (self._frame.state.events and not seen.state.events):
            raise gone(self.log.path)
        if seen.state.events and not self._frame.whole and not self._frame.trouble:
            self._put(Frame(seen.state, seen.writer, end_us=seen.state.last_us, opening=True, whole=False))
        tables = Tables(self.log)
        tail = Tail(self.log, tables.heads)
        try:
            with tables.cursor() as cursor:
                fold = seeded(self.log.run, cursor)
            self.tables, self._past = tables, Past(self.log.run, tables)
            self._frame = replace(self._frame, trouble="", opening=False, whole=True)
            with _Hints(self.log.path, self._poll_s) as self._wakeup:
                while not self._stopped and tables.grown < MOST_GROWN:
                    self._wakeup.clear()
                    self._turn(fold, tail, tables)
                    self._pause(self._wakeup)
        finally:
            tail.close()

    def _turn(self, fold: Fold, tail: Tail, tables: Tables) -> None:
        self._turned_at = time.monotonic()
        records = tail.poll()
        for record in records:
            fold.apply(record)
        tables.queue(records)
        frame = self._now(fold, records)
        if records or frame != self._frame or frame.playing or time.monotonic() - self._shown_at >= 1.0:
            self._put(frame)

    def _now(self, fold: Fold, records: Sequence[Record]) -> Frame:
        lag = (time.time_ns() // 1000 - micros(records[-1].time)) / MICRO if records else self._frame.lag_s
        alive = self._frame.writer if fold.life.finished_us else writer_alive(self.log.path)
        with self._lock:
            wanted, playing, speed = self._wanted_us, self._frame.playing, self._frame.speed
        state = fold.state()
        if wanted is not None and self._past is not None:
            wanted, state = self._past.at(wanted, (speed if playing else 0), fold.last_us)
            playing = playing and wanted < fold.last_us
            with self._lock:
                self._wanted_us = wanted
        return Frame(state, alive, max(0.0, lag), fold.last_us, playing, speed)

    def _put(self, frame: Frame) -> None:
        self._frame = frame
        self._shown_at = time.monotonic()
        self._show(frame)

    def _pause(self, wakeup: Wakeup) -> None:
        """Until there is news, but never so short that more than ten frames a second would go out.

        What a turn takes counts as part of its pause, so that many events do not make frames rarer.
        """
        rest = FRAME_S - (time.monotonic() - self._turned_at)
        if rest > 0:
            time.sleep(rest)
        if not self._frame.playing:
            wakeup.wait()

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopped and time.monotonic() < end:
            time.sleep(0.1)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def faster(speed: int, steps: int) -> int:
    """The speed `steps` places up or down from `speed`."""
    return SPEEDS[max(0, min(len(SPEEDS) - 1, SPEEDS.index(speed) + steps))]
