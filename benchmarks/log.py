"""The log's speed, each figure a ratio of two things measured in turn in one run; writes docs/benchmarks.md.

    python benchmarks/log.py [--quick] [--without-peers] [--only PART ...]

Every round measures both sides, one after the other; the table has the median of the rounds' ratios. Peers run in
environments of their own under build/peers, made on first use from PyPI. With --only nothing is written.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from log_aggregates import aggregates
from log_common import Bench, Row
from log_peers import peers
from log_reading import following, sealing
from log_writing import appending, sqlite, syncing, together

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PARTS: tuple[Callable[[Bench], Iterator[Row]], ...] = (
    appending,
    syncing,
    sqlite,
    together,
    sealing,
    following,
    aggregates,
    peers,
)


def page(rows: list[Row], bench: Bench, seconds: float) -> str:
    """The page: machine, date and table."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    machine = f"{cpu}, {os.cpu_count()} cores · Python {platform.python_version()}"
    took = f"{bench.count:,} events a round · {seconds / 60:.0f} minutes"
    head = (
        "# Benchmarks\n\nWritten by `make bench` (`benchmarks/log.py`). Each figure is a ratio of two things measured"
        f"\nin turn in one run, the median of {bench.rounds} rounds unless it says otherwise; an event is a JSON line\n"
        f"of about 1.9 KB.\n\n{datetime.now(UTC):%Y-%m-%d} · {machine} · {took} · load of the machine at the end"
        f" (1, 5, 15 minutes): {load}\n\n"
    )
    table = "".join(f"| {row.what} | {row.reached} | {row.target} |\n" for row in rows)
    return f"{head}## The log\n\n| measure | reached | target |\n|---|---|---|\n{table}"


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer events and rounds; writes nothing")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], choices=[part.__name__ for part in PARTS])
    asked = parser.parse_args()
    parts = [part for part in PARTS if not asked.only or part.__name__ in asked.only]
    if asked.without_peers:
        parts.remove(peers)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        bench = Bench(Path(folder), 4_000 if asked.quick else 100_000, 3 if asked.quick else 7)
        rows: list[Row] = []
        for part in parts:
            for row in part(bench):
                rows.append(row)
                print(f"{row.what}: {row.reached} (target {row.target or 'none'})", flush=True)  # noqa: T201
    if not asked.only and not asked.quick:
        PAGE.write_text(page(rows, bench, time.monotonic() - began))


if __name__ == "__main__":
    main()
