"""The terminal view: append to screen, opening a run of a million events, and what it takes while nothing happens.

    python benchmarks/tui.py [live RATE] [open STORE RUN] [idle]

Without words: live at 200 and at 5,000 events a second, then idle. The app runs without a terminal at 120×40; an event
is on the screen when the frame that counts it has been drawn. `tests/synthetic_run.py STORE/RUN --rate 0 --samples 4086
--tasks 4 --lambdas 6 --seeds 5` writes a run of a million events; the first opening ever makes its typed tables too.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from synthetic_run import Made  # noqa: E402  (a module of the tests)

from asd.store.files import FileLog  # noqa: E402
from asd.views.tui.app import Terminal  # noqa: E402
from asd.views.tui.messages import Shown  # noqa: E402
from asd.views.tui.model.rows import micros  # noqa: E402
from asd.views.tui.model.source import Source  # noqa: E402

SECONDS = 8
SIZE = (120, 40)
BEFORE = 16_100
"""Events that are there before the clock starts."""


class Measured(Terminal):
    """Remembers when each frame had been drawn, and how many events it counted."""

    CSS_PATH = str(ROOT / "views" / "tui" / "app.tcss")

    def __init__(self, source: Source, run: str) -> None:
        super().__init__(source, run)
        self.drawn: list[tuple[float, int, bool]] = []

    def on_shown(self, message: Shown) -> None:
        """Note when it has been drawn; Textual calls the base class's handler too, which draws."""
        frame = message.frame
        self.call_after_refresh(lambda: self.drawn.append((time.time(), frame.state.events, frame.whole)))


def said(text: str) -> None:
    """A line of the outcome, with the machine's load, which explains much."""
    sys.stdout.write(f"{text}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    sys.stdout.flush()


def writes(path: Path, rate: float) -> None:
    """The other process: all events are made first, then appended at `rate` a second, in fifty groups a second."""
    events = list(islice(Made(4000, 4).events(), BEFORE + int(rate * (SECONDS + 3))))
    group = max(1, int(rate / 50))
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLog(path) as log:
        log.append("main", events[:BEFORE])
        log.flush()
        while not (path.parent / "go").exists():
            time.sleep(0.02)
        began = time.monotonic()
        for done in range(0, len(events) - BEFORE, group):
            log.append("main", events[BEFORE + done : BEFORE + done + group])
            time.sleep(max(0.0, began + (done + group) / rate - time.monotonic()))


async def live(store: Path, rate: float) -> None:
    """Latency from an event's time in the log to the screen, over `SECONDS` seconds."""
    command = [sys.executable, __file__, "writes", str(store / "live"), str(rate)]
    with subprocess.Popen(command) as writer:
        try:
            app = Measured(Source(store), "live")
            async with app.run_test(size=SIZE):
                while not app.desk.ready:
                    await asyncio.sleep(0.05)
                (store / "go").touch()
                await asyncio.sleep(1)
                start, busy = time.time(), time.process_time()
                await asyncio.sleep(SECONDS)
                end, busy = time.time(), time.process_time() - busy
                await asyncio.sleep(2)
                drawn = [(at, events) for at, events, whole in app.drawn if whole]
        finally:
            writer.kill()
    found = latencies(store / "live", drawn, start, end)
    came = len(found) / (end - start)
    at = ", ".join(f"{name} {found[int((len(found) - 1) * share)] * 1000:.0f}" for name, share in SHARES.items())
    said(f"{rate:,.0f}/s: {came:,.0f}/s came; ms to the screen {at}; {busy / SECONDS:.0%} of a core")


SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def latencies(path: Path, drawn: Sequence[tuple[float, int]], start: float, end: float) -> list[float]:
    """Seconds from append to screen of each event between `start` and `end`, sorted."""
    counts = [events for _, events in drawn]
    times = ((record.seq, micros(record.time) / 1e6) for record in FileLog(path).read())
    shown = [(drawn[bisect_left(counts, seq + 1)][0] - at) for seq, at in times
             if start <= at <= end and seq < counts[-1]]  # fmt: skip
    return sorted(shown)


async def opening(store: Path, run: str) -> None:
    """From the app's start to the first figures of the run, and to all of them."""
    began, busy = time.time(), time.process_time()
    app = Measured(Source(store), run)
    async with app.run_test(size=SIZE):
        while not any(whole for _, _, whole in app.drawn):
            await asyncio.sleep(0.01)
        first = next(at for at, events, _ in app.drawn if events) - began
        all_of_them = next(at for at, _, whole in app.drawn if whole) - began
        busy = time.process_time() - busy
    said(f"opening {run}: first figures after {first:.2f} s, all after {all_of_them:.2f} s; {busy:.2f} s of a core")


async def idle(store: Path) -> None:
    """The share of a core that an open, silent run takes."""
    with FileLog(store / "idle") as log:
        log.append("main", list(Made(20).events())[:-1])
        log.flush()
        app = Measured(Source(store), "idle")
        async with app.run_test(size=SIZE):
            while not app.desk.ready:
                await asyncio.sleep(0.05)
            for name in ("run", "events", "runs"):
                app.show_screen(name)
                await asyncio.sleep(3)
                busy = time.process_time()
                await asyncio.sleep(SECONDS)
                said(f"idle, screen {name}: {(time.process_time() - busy) / SECONDS:.1%} of a core")


def main(words: Sequence[str]) -> None:
    """Measure what the words say."""
    match words:
        case ["writes", path, rate]:
            writes(Path(path), float(rate))
        case ["open", store, run]:
            asyncio.run(opening(Path(store), run))
        case _:
            rates = [float(words[1])] if words[:1] == ["live"] else [] if words == ["idle"] else [200, 5000]
            for rate in rates:
                with tempfile.TemporaryDirectory() as place:
                    asyncio.run(live(Path(place), rate))
            if words[:1] != ["live"]:
                with tempfile.TemporaryDirectory() as place:
                    asyncio.run(idle(Path(place)))


if __name__ == "__main__":
    main(sys.argv[1:])
