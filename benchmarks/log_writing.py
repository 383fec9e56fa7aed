"""Appending and durability, against what cannot be avoided, against SQLite, and by several processes."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import orjson
from log_common import BATCH, ONE_FILE, Bench, Row, appended, left, opened, percentile, timed
from log_events import generated

from asd.core.facts.sample import SampleGenerated
from asd.store.files import FileLog
from asd.store.options import Options

LINE = b"x" * 1_900


def appending(bench: Bench) -> Iterator[Row]:
    """Appending, against encoding and hashing alone."""

    def bare() -> float:
        return timed(lambda: [sha256(orjson.dumps(one)).digest() for one in bench.dicts])

    def validated() -> float:
        log, valid = opened(bench.run()), SampleGenerated.model_validate
        seconds = timed(lambda: ([log.append("main", (valid(one),)) for one in bench.dicts], log.flush()))
        left(log)
        return seconds

    def validation() -> float:
        return timed(lambda: sum(SampleGenerated.model_validate(one).stage for one in bench.dicts))

    against = "against 'orjson + sha256 of a ready dict, no I/O'"
    ready = "events that were validated before"
    yield Row(
        f"group append, one by one, pydantic validation included, {against}", bench.ratios(bare, validated), "≥ 0.33×"
    )
    yield Row(
        f"group append, one by one, {ready}, {against}",
        bench.ratios(bare, lambda: appended(bench, bench.count, 1)),
        "≥ 0.60×",
    )
    yield Row(
        f"the same in batches of {BATCH}", bench.ratios(bare, lambda: appended(bench, bench.count, BATCH)), "≥ 0.60×"
    )
    yield Row(f"for comparison: the pydantic validation alone, {against}", bench.ratios(bare, validation), "")
    what = f"for comparison: this disk alone, as many bytes in groups of 1 MB with fdatasync, {against}"
    yield Row(what, bench.ratios(bare, lambda: raw_writes(bench, bench.count // (2 * BATCH), 2 * BATCH)), "")


def raw_writes(bench: Bench, writes: int, lines: int) -> float:
    """Seconds for so many writes of so many lines each, every one followed by fdatasync."""
    fd = os.open(bench.folder / "raw", os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def write() -> None:
        for at in range(writes):
            os.pwrite(fd, lines * LINE, at * lines * len(LINE))
            os.fdatasync(fd)

    seconds = timed(write)
    os.close(fd)
    return seconds


def syncing(bench: Bench) -> Iterator[Row]:
    """Durability, against the system's own calls."""
    some = bench.events[:300]

    def each() -> float:
        log = opened(bench.run(), "each")
        seconds = timed(lambda: [log.append("main", (one,)) for one in some])
        left(log)
        return seconds

    ratio = bench.ratios(lambda: raw_writes(bench, len(some), 1), each)
    yield Row("durability `each` against raw write + fdatasync", ratio, "≥ 0.85×")
    log = opened(bench.run())
    paid = [1e6 * timed(lambda one=one: log.append("main", (one,))) for one in bench.events]  # type: ignore[misc]
    left(log)
    reached = f"{percentile(paid, 50):.0f} µs, {percentile(paid, 99):.0f} µs"
    yield Row("what the caller pays per append at full speed, p50, p99", reached, "≤ 10 µs, ≤ 50 µs")
    raw, ours = _paced(bench)
    reached = f"raw {percentile(raw, 50):.2f} ms, ours {percentile(ours, 50):.2f} ms"
    yield Row("append to durable, group, 200 events/s, each beside a raw one, p50", reached, "raw fdatasync + 2 ms")


def _paced(bench: Bench) -> tuple[list[float], list[float]]:
    """Milliseconds of a raw write and of an append until they are durable, in turn, 5 ms after the one before."""
    log, raw, ours = opened(bench.run()), [], []
    fd = os.open(bench.folder / "raw", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for at, one in enumerate(bench.events[: 100 * bench.rounds]):
        time.sleep(0.005)
        raw.append(1e3 * timed(lambda at=at: (os.pwrite(fd, LINE, at * len(LINE)), os.fdatasync(fd))))  # type: ignore[misc]
        time.sleep(0.005)
        ours.append(1e3 * timed(lambda one=one: log.durable("main", log.append("main", (one,)))))  # type: ignore[misc]
    os.close(fd)
    left(log)
    return raw, ours


def sqlite(bench: Bench) -> Iterator[Row]:
    """SQLite as a log: WAL, synchronous=FULL, the same JSON, in batches."""

    def theirs() -> float:
        path = bench.run()
        path.mkdir()
        db = sqlite3.connect(path / "log.db")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, data BLOB)")

        def write() -> None:
            for at in range(0, bench.count, BATCH):
                part = bench.dicts[at : at + BATCH]
                rows = [(at + n, f"sample.generated:{one['sample']}", orjson.dumps(one)) for n, one in enumerate(part)]
                with db:
                    db.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)

        seconds = timed(write)
        db.close()
        shutil.rmtree(path)
        return seconds

    what = f"group append against SQLite WAL, synchronous=FULL, batches of {BATCH}"
    yield Row(what, bench.ratios(theirs, lambda: appended(bench, bench.count, BATCH)), "≥ 2×")


def together(bench: Bench) -> Iterator[Row]:
    """What several writers reach together."""

    def writers(count: int) -> float:
        run = bench.run()
        run.mkdir()
        spawn = get_context("spawn")
        gate = spawn.Barrier(count + 1)
        args = [(run, f"stream-{number}", bench.count // count, gate) for number in range(count)]
        processes = [spawn.Process(target=_write_behind, args=one) for one in args]
        for one in processes:
            one.start()
        gate.wait()
        seconds = timed(lambda: gate.wait())
        for one in processes:
            one.join()
        shutil.rmtree(run)
        return seconds

    ratio = bench.ratios(lambda: writers(1), lambda: writers(4))
    yield Row("four writers in four processes against one, the same events in all", ratio, "≥ 0.9×")


def _write_behind(run: Path, stream: str, count: int, gate: Barrier) -> None:
    """Append `count` events between two waits at the gate."""
    events = [generated(number) for number in range(count)]
    log = FileLog(run, Options(seal_events=ONE_FILE, signer=None))
    log._writer(stream)
    gate.wait()
    for event in events:
        log.append(stream, (event,))
    log.flush()
    gate.wait()
