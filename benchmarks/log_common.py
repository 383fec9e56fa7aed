"""What the benchmarks of the log share: the events, the rounds, and a log whose lines stay hot."""

import gc
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import orjson
from log_events import generated

from asd.core.event import JsonObject
from asd.store.files import FileLog
from asd.store.line import data_of
from asd.store.options import Options
from asd.store.signing import Signer

ONE_FILE = 10**9
BATCH = 256


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, what was reached (as text), and the target."""

    what: str
    reached: str
    target: str


@dataclass
class Bench:
    """The events that all measures use, and a folder to write in."""

    folder: Path
    count: int
    rounds: int

    def __post_init__(self) -> None:
        self.events = [generated(number, text) for number, text in enumerate(texts(self.count))]
        self.dicts: list[JsonObject] = [orjson.loads(data_of(event)) for event in self.events]
        self._runs = 0
        gc.collect()
        gc.freeze()  # the events that wait here are the benchmark's, and nobody's to walk through again and again

    def run(self) -> Path:
        """The folder of a new run."""
        self._runs += 1
        return self.folder / f"run-{self._runs}"

    def ratio(self, reference: Callable[[], float], ours: Callable[[], float]) -> float:
        """The median of reference / ours over the rounds: how many times as fast as the reference ours is."""
        return statistics.median(reference() / ours() for _ in range(self.rounds))

    def ratios(self, reference: Callable[[], float], ours: Callable[[], float]) -> str:
        """The same as text."""
        return f"{self.ratio(reference, ours):.2f}×"


def texts(count: int) -> Iterator[str]:
    """Answers of about 600 letters, none like another."""
    random = Random(1)
    words = ["".join(random.choices("etaoinshrdlucmfw", k=random.randint(2, 9))) for _ in range(3_000)]
    return (" ".join(random.choices(words, k=110)) for _ in range(count))


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def percentile(values: list[float], share: int) -> float:
    """The value that `share` percent of `values` are at or below."""
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


def opened(run: Path, durability: str = "group") -> FileLog:
    """A log that keeps its lines hot, with its stream open."""
    log = FileLog(run, Options(durability=durability, seal_events=ONE_FILE, signer=Signer()))
    log._writer("main")
    return log


def left(log: FileLog) -> None:
    """Close without sealing, and delete what was written."""
    for writer in log._writers.values():
        writer.close(seal=False)
    log._writers.clear()
    shutil.rmtree(log.path)


def appended(bench: Bench, count: int, batch: int) -> float:
    """Seconds to append `count` ready events in batches, all of it durable at the end."""
    log = opened(bench.run())
    parts = [bench.events[at : at + batch] for at in range(0, count, batch)]
    seconds = timed(lambda: ([log.append("main", part) for part in parts], log.flush()))
    left(log)
    return seconds
