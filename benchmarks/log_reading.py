"""Sealing, reading back, and following."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from log_common import Bench, Row, left, opened, percentile, timed
from log_events import finished, generated

from asd.store.commit import commit_in
from asd.store.files import FileLog
from asd.store.merkle import Tree
from asd.store.options import Options
from asd.store.sealed import encode

POLL_S = 0.25


def sealing(bench: Bench) -> Iterator[Row]:
    """What sealing costs in time and space, and reading back."""
    run = bench.run()
    log = opened(run)
    log.append("main", bench.events)
    log.flush()
    lines = [line for line in (run / "main" / "00000000.jsonl").open("rb") if commit_in(line) is None]
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


def following(bench: Bench) -> Iterator[Row]:
    """From a writer to a follower in another process."""
    run = bench.run()
    run.mkdir()
    writer = get_context("spawn").Process(target=_write_steadily, args=(run, 3_000))
    writer.start()
    lags: list[float] = []
    for record in FileLog(run, poll_s=POLL_S).follow():
        lags.append(1e3 * (datetime.now(UTC) - record.time).total_seconds())
        if record.kind == "phase.finished":
            break
    writer.join()
    reached = f"{percentile(lags, 50):.1f} ms, {percentile(lags, 99):.1f} ms"
    p = round(1e3 * POLL_S)
    yield Row(f"writer to follower, 1,000 events/s, p = {p} ms, p50, p99", reached, f"≤ {p + 3} ms, ≤ {p + 10} ms")


def _write_steadily(run: Path, count: int) -> None:
    """A thousand events a second, then an end."""
    events = [generated(number) for number in range(count)]
    with FileLog(run, Options(signer=None)) as log:
        log.append("main", [])
        began = time.monotonic()
        for number, event in enumerate(events):
            time.sleep(max(0.0, began + number / 1_000 - time.monotonic()))
            log.append("main", (event,))
        log.append("main", [finished()])
