"""The log's speed, each figure a ratio of two things measured in turn in one run; writes docs/benchmarks.md.

    python benchmarks/log.py [--quick] [--without-peers]

Every round measures both sides, one after the other; the table has the median of the rounds' ratios. Peers run in
environments of their own under build/peers, made on first use from PyPI.
"""

import argparse
import gc
import os
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from log_events import finished, generated
from log_peers import PEERS, Peer, measured

from asd.core.event import JsonObject
from asd.core.facts.sample import SampleGenerated
from asd.store.catalogue import Catalogue
from asd.store.files import FileLog
from asd.store.line import data_of
from asd.store.merkle import Tree
from asd.store.options import Options
from asd.store.sealed import encode
from asd.store.signing import Signer

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
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
        random = Random(1)
        words = ["".join(random.choices("etaoinshrdlucmfw", k=random.randint(2, 9))) for _ in range(3_000)]
        texts = (" ".join(random.choices(words, k=110)) for _ in range(self.count))
        self.events = [generated(number, text) for number, text in enumerate(texts)]
        self.dicts: list[JsonObject] = [orjson.loads(data_of(event)) for event in self.events]
        self._runs = 0
        gc.collect()
        gc.freeze()  # the events that wait here are the benchmark's, and nobody's to walk through again and again

    def run(self) -> Path:
        """The folder of a new run."""
        self._runs += 1
        return self.folder / f"run-{self._runs}"

    def ratios(self, reference: Callable[[], float], ours: Callable[[], float]) -> str:
        """The median of reference / ours over the rounds: how many times as fast as the reference ours is."""
        found = [reference() / ours() for _ in range(self.rounds)]
        return f"{statistics.median(found):.2f}×"


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def opened(run: Path, durability: str = "group") -> FileLog:
    """A log that keeps its lines hot, with its stream open."""
    log = FileLog(run, Options(durability=durability, seal_events=ONE_FILE, signer=Signer()))
    log.append("main", [])
    log._writer("main")
    return log


def left(log: FileLog) -> None:
    """Close without sealing, and delete what was written."""
    for writer in log._writers.values():
        writer.close(seal=False)
    log._writers.clear()
    shutil.rmtree(log.path)


def appending(bench: Bench) -> Iterator[Row]:
    """Appending, against what cannot be avoided."""

    def bare() -> float:
        return timed(lambda: [sha256(orjson.dumps(one)).digest() for one in bench.dicts])

    def validated() -> float:
        log = opened(bench.run())
        seconds = timed(lambda: ([log.append("main", (SampleGenerated(**one),)) for one in bench.dicts], log.flush()))
        left(log)
        return seconds

    def ready(size: int) -> float:
        log = opened(bench.run())
        parts = [bench.events[at : at + size] for at in range(0, bench.count, size)]
        seconds = timed(lambda: ([log.append("main", part) for part in parts], log.flush()))
        left(log)
        return seconds

    def disk() -> float:
        group = b"x" * 1_900 * BATCH
        fd = os.open(bench.folder / "raw", os.O_RDWR | os.O_CREAT | os.O_TRUNC)

        def write() -> None:
            for at in range(0, bench.count, 2 * BATCH):
                os.pwrite(fd, 2 * group, at * 1_900)
                os.fdatasync(fd)

        seconds = timed(write)
        os.close(fd)
        return seconds

    against = "against 'orjson + sha256 of a ready dict, no I/O'"
    yield Row(f"group append, one by one, validation included, {against}", bench.ratios(bare, validated), "≥ 0.33×")
    yield Row(f"group append, one by one, ready events, {against}", bench.ratios(bare, lambda: ready(1)), "≥ 0.60×")
    yield Row(f"the same in batches of {BATCH}", bench.ratios(bare, lambda: ready(BATCH)), "≥ 0.60×")
    what = f"for comparison: this disk alone, as many bytes in groups of 1 MB with fdatasync, {against}"
    yield Row(what, bench.ratios(bare, disk), "")


def syncing(bench: Bench) -> Iterator[Row]:
    """Durability, against the system's own calls."""
    some = bench.events[:300]

    def raw() -> float:
        fd = os.open(bench.folder / "raw", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        line = b"x" * 1900

        def write() -> None:
            for at in range(len(some)):
                os.pwrite(fd, line, at * len(line))
                os.fdatasync(fd)

        seconds = timed(write)
        os.close(fd)
        return seconds

    def each() -> float:
        log = opened(bench.run(), "each")
        seconds = timed(lambda: [log.append("main", (one,)) for one in some])
        left(log)
        return seconds

    yield Row("durability `each` against raw write + fdatasync", bench.ratios(raw, each), "≥ 0.85×")
    log = opened(bench.run())
    paid: list[float] = []
    for one in bench.events:
        begin = time.perf_counter()
        log.append("main", (one,))
        paid.append(1e6 * (time.perf_counter() - begin))
    left(log)
    reached = f"{percentile(paid, 50):.0f} µs, {percentile(paid, 99):.0f} µs"
    yield Row("what the caller pays per append at full speed, p50, p99", reached, "≤ 10 µs, ≤ 50 µs")
    log = opened(bench.run())
    waits: list[float] = []
    for one in some:
        time.sleep(0.005)
        begin = time.perf_counter()
        log.durable("main", log.append("main", (one,)))
        waits.append(1e3 * (time.perf_counter() - begin))
    left(log)
    plain = 1e3 * raw() / len(some)
    reached = f"raw {plain:.2f} ms, ours {percentile(waits, 50):.2f} ms"
    yield Row("append to durable, group, 200 events/s, p50", reached, "raw fdatasync + 2 ms")


def percentile(values: list[float], share: int) -> float:
    """The value that `share` percent of `values` are at or below."""
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


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

    def ours() -> float:
        log = opened(bench.run())

        def write() -> None:
            for at in range(0, bench.count, BATCH):
                log.append("main", bench.events[at : at + BATCH])
            log.flush()

        seconds = timed(write)
        left(log)
        return seconds

    what = f"group append against SQLite WAL, synchronous=FULL, batches of {BATCH}"
    yield Row(what, bench.ratios(theirs, ours), "≥ 2×")


def sealing(bench: Bench) -> Iterator[Row]:
    """What sealing costs in time and space."""
    run = bench.run()
    log = opened(run)
    log.append("main", bench.events)
    log.flush()
    lines = [line for line in (run / "main" / "00000000.jsonl").open("rb") if b'{"commit"' not in line[:600]]
    data, _ = encode(lines, 0, Tree())
    table = pq.read_table(pa.BufferReader(data))
    typed = pa.Table.from_pylist(bench.dicts)

    def plain(of: pa.Table) -> int:
        sink = pa.BufferOutputStream()
        pq.write_table(of, sink, compression="zstd", compression_level=3, row_group_size=16_384)
        return int(sink.getvalue().size)

    sizes = f"{len(data) / sum(map(len, lines)):.3f}×, {len(data) / plain(typed):.2f}×"
    yield Row("sealed size against the JSON lines, against fully typed Parquet", sizes, "≤ 0.22×, ≤ 1.35×")
    ratio = bench.ratios(lambda: timed(lambda: plain(table)), lambda: timed(lambda: encode(lines, 0, Tree())))
    yield Row("seal against `pq.write_table` of a ready table", ratio, "≥ 0.28×")
    loads = bench.ratios(
        lambda: timed(lambda: [orjson.loads(line) for line in lines]), lambda: timed(lambda: list(FileLog(run).read()))
    )
    yield Row("read back and check hot lines against bare `orjson.loads`", loads, "≥ 0.55×")
    left(log)


def querying(bench: Bench) -> Iterator[Row]:
    """An aggregate over sealed events, against DuckDB on ideal typed Parquet."""
    import duckdb

    run = bench.run()
    with FileLog(run) as log:
        log.append("main", bench.events)
    ideal = bench.folder / "ideal.parquet"
    pq.write_table(pa.Table.from_pylist(bench.dicts), ideal, compression="zstd", row_group_size=65_536)
    catalogue, db = Catalogue([FileLog(run)]), duckdb.connect()
    question = "SELECT stage, count(*), avg(latency_s), sum(output_tokens) FROM {} GROUP BY stage ORDER BY stage"

    def repeated(ask: Callable[[], object]) -> float:
        return timed(lambda: [ask() for _ in range(10)])

    def by_hand() -> float:
        return repeated(lambda: db.sql(question.format(f"'{ideal}'")).to_arrow_table())

    ratio = bench.ratios(lambda: repeated(lambda: catalogue.sql(question.format("sample_generated"))), by_hand)
    yield Row("time of an aggregate against hand-written DuckDB on ideal typed Parquet", ratio, "≤ 1.3×")
    catalogue.close()


def growing(bench: Bench) -> Iterator[Row]:
    """Whether a long log gets slower, and what several writers reach together."""
    log = FileLog(bench.run(), Options(seal_events=25_000, signer=Signer()))
    tenths: list[float] = []
    for tenth in range(10):
        begin = time.perf_counter()
        for number in range(bench.count):
            log.append("main", (bench.events[number].model_copy(update={"sample": f"{tenth}/{number}"}),))
        log.flush()
        tenths.append(time.perf_counter() - begin)
    log.close()
    reached = f"{tenths[-1] / tenths[0]:.2f}×"
    yield Row(f"last tenth of {10 * bench.count:,} appends against the first, sealing included", reached, "≤ 1.3×")

    def writers(count: int) -> float:
        run = bench.run()
        run.mkdir()
        spawn = get_context("spawn")
        gate = spawn.Barrier(count + 1)
        args = [(run, f"stream-{number}", bench.count // count, gate) for number in range(count)]
        processes = [spawn.Process(target=write_behind, args=one) for one in args]
        for one in processes:
            one.start()
        gate.wait()
        seconds = timed(lambda: gate.wait())
        for one in processes:
            one.join()
        return seconds

    ratio = bench.ratios(lambda: writers(1), lambda: writers(4))
    yield Row("four writers in four processes against one, the same events in all", ratio, "≥ 0.9×")


def write_behind(run: Path, stream: str, count: int, gate: Barrier) -> None:
    """Append `count` events between two waits at the gate."""
    events = [generated(number) for number in range(count)]
    log = FileLog(run, Options(seal_events=ONE_FILE, signer=None))
    log._writer(stream)
    gate.wait()
    for event in events:
        log.append(stream, (event,))
    log.flush()
    gate.wait()


def following(bench: Bench) -> Iterator[Row]:
    """From a writer to a follower in another process."""
    run, poll_s = bench.run(), 0.25
    run.mkdir()
    writer = get_context("spawn").Process(target=write_steadily, args=(run, 1_000))
    writer.start()
    lags: list[float] = []
    for record in FileLog(run, poll_s=poll_s).follow():
        lags.append(1e3 * (datetime.now(UTC) - record.time).total_seconds())
        if record.kind == "phase.finished":
            break
    writer.join()
    reached = f"{percentile(lags, 50):.1f} ms, {percentile(lags, 99):.1f} ms"
    yield Row("writer to follower, 1,000 events/s, poll 250 ms, p50, p99", reached, "≤ 253 ms, ≤ 260 ms")


def write_steadily(run: Path, count: int) -> None:
    """A thousand events a second, then an end."""
    events = [generated(number) for number in range(count)]
    with FileLog(run, Options(signer=None)) as log:
        for event in events:
            log.append("main", (event,))
            time.sleep(0.001)
        log.append("main", [finished()])


def peers(bench: Bench) -> Iterator[Row]:
    """Other tools that record runs or events, with the same data; theirs and ours in turn."""
    for peer in PEERS:
        found = measured(peer, bench.dicts, bench.folder)
        if isinstance(found, str):
            yield Row(peer.title, found, peer.target)
            continue
        ratios = [theirs / _per_event(bench, peer) for theirs in found]
        yield Row(peer.title, f"{statistics.median(ratios):.1f}×", peer.target)


def _per_event(bench: Bench, peer: Peer) -> float:
    """Seconds per event of our group append, in the peer's batches, all of it durable at the end."""
    log = opened(bench.run())
    parts = [bench.events[at : at + peer.batch] for at in range(0, peer.count, peer.batch)]
    seconds = timed(lambda: ([log.append("main", part) for part in parts], log.flush()))
    left(log)
    return seconds / peer.count


def page(rows: list[Row], bench: Bench) -> str:
    """The page: machine, date and table."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    head = (
        "# Benchmarks\n\nWritten by `make bench` (`benchmarks/log.py`). Each figure is a ratio of two things measured"
        f"\nin turn in one run, the median of {bench.rounds} rounds; an event is a JSON line of about 1.6 KB.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d} · {cpu}, {os.cpu_count()} cores · Python {platform.python_version()} ·"
        f" {bench.count:,} events a round · load of the machine at the end (1, 5, 15 minutes): {load}\n\n"
    )
    table = "".join(f"| {row.what} | {row.reached} | {row.target} |\n" for row in rows)
    return f"{head}## The log\n\n| measure | reached | target |\n|---|---|---|\n{table}"


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer events and rounds")
    parser.add_argument("--without-peers", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        bench = Bench(Path(folder), 4_000 if asked.quick else 20_000, 3 if asked.quick else 7)
        rows: list[Row] = []
        parts = [appending, syncing, sqlite, sealing, querying, growing, following]
        parts += [] if asked.without_peers else [peers]
        for part in parts:
            for row in part(bench):
                rows.append(row)
                print(f"{row.what}: {row.reached} (target {row.target})", flush=True)  # noqa: T201
        PAGE.write_text(page(rows, bench))


if __name__ == "__main__":
    main()
