"""The thread behind the list of runs: it looks every two seconds, and has logs verified in a process of their own."""

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread

from asd.views.tui.model.source import Source
from asd.views.tui.model.survey import Listed, Survey

EVERY_S = 2.0
UNASKED = 50_000
"""Finished runs of at most this many events are verified without being asked."""
_CHECK = """
import os, sys
from pathlib import Path
from asd.store.verify import verify
os.nice(10)
sys.exit(0 if verify(Path(sys.argv[1])).ok else 3)
"""


class Surveyor(Thread):
    """Tells `tell` about the runs of the store as long as `looking` is set."""

    def __init__(self, source: Source, tell: Callable[[Sequence[Listed], bool], None]) -> None:
        super().__init__(name="surveyor", daemon=True)
        self.looking = Event()
        self._source, self._tell = source, tell
        self._survey = Survey(source)
        self._stopped = False
        self._soon = Event()
        self._waiting: deque[str] = deque()
        self._checking: tuple[str, subprocess.Popen[bytes]] | None = None

    def verify(self, run: str) -> None:
        """Have the log of `run` verified, before those that wait."""
        self._waiting.appendleft(run)
        self._soon.set()

    def look(self, on: bool) -> None:
        """Begin or pause looking."""
        if on:
            self.looking.set()
        else:
            self.looking.clear()
        self._soon.set()

    def stop(self) -> None:
        """End soon."""
        self._stopped = True
        self.looking.set()
        self._soon.set()

    def run(self) -> None:
        """Look, tell, wait."""
        while not self._stopped:
            self._checked()
            if self.looking.is_set():
                runs = self._survey.look()
                self._choose(runs)
                self._tell(runs, self._source.exists)
            self._soon.wait(0.3 if self._checking else EVERY_S)
            self._soon.clear()
        if self._checking is not None:
            self._checking[1].kill()
            self._checking[1].wait()

    def _choose(self, runs: Sequence[Listed]) -> None:
        """Start the next check: first what was asked for, then small finished runs that nobody looked at."""
        if self._checking is not None or self._stopped:
            return
        small = (
            one.state.run
            for one in runs
            if one.verified is None and not one.trouble and one.state.life.finished_us and one.state.events <= UNASKED
        )
        run = self._waiting.popleft() if self._waiting else next(small, None)
        if run is not None:
            self._checking = run, _check(self._source.path / run)

    def _checked(self) -> None:
        """Take in the check that has ended."""
        if self._checking is None or (code := self._checking[1].poll()) is None:
            return
        if code in (0, 3):
            self._survey.verified(self._checking[0], code == 0)
        self._checking = None


def _check(path: Path) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", _CHECK, str(path)], stdin=quiet, stdout=quiet, stderr=quiet)
