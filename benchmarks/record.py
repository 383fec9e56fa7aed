"""How long the record of a paper-scale run takes, from its log alone; writes docs/benchmarks-record.md.

    python benchmarks/record.py [--samples 4085] [--store FOLDER]

The run is made up: 16,340 samples, 4 stages, 6 λ, 5 seeds, about a million events. Each figure is the median of
rounds in processes of their own; seconds of the clock and, in brackets, of the processors, since a machine may be busy.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from synthetic_run import Made

from asd.store.files import FileLog

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks-record.md"
ROUNDS = 5
TABLES = """
import json, sys, time
from pathlib import Path
from asd.store.store import Store
from asd.views import projections
from asd.views.rendering import open_session, report
began = time.time(), time.process_time()
session = open_session(Store(Path(sys.argv[1])), None)
for name in projections.names():
    session.table(name)
if sys.argv[2] != "tables":
    report(session, sys.argv[2], "en")
print(json.dumps([time.time() - began[0], time.process_time() - began[1]]))
"""
COMMAND = "import sys; sys.argv = ['asd', *sys.argv[1:]]; from asd.views.commands import main; main()"


def make(folder: Path, samples: int) -> int:
    """Write the run; return how many events it has."""
    batch, count = [], 0
    with FileLog(folder) as log:
        for event in Made(samples, tasks=4, lambdas=6, seeds=5).events():
            batch.append(event)
            if len(batch) == 1000:
                log.append("main", batch)
                count, batch = count + len(batch), []
        log.append("main", batch)
    return count + len(batch)


def tables(store: Path, what: str) -> tuple[float, float]:
    """Seconds of clock and processors to make every table and, unless `what` is "tables", the report in that format."""
    done = subprocess.run([sys.executable, "-c", TABLES, str(store), what], capture_output=True, text=True, check=True)
    wall, busy = json.loads(done.stdout)
    return wall, busy


def command(*words: str) -> tuple[float, float]:
    """The same for a command from its start to its end."""
    began, before = time.time(), os.times()
    subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, check=True)
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return time.time() - began, busy


def median(rounds: list[tuple[float, float]]) -> str:
    """Both medians as text."""
    wall, busy = (statistics.median(column) for column in zip(*rounds, strict=True))
    return f"{wall:.2f} s ({busy:.2f} s)"


def measured(store: Path, cache: Path) -> list[tuple[str, str, str]]:
    """The rows of the table."""

    def cold(form: str) -> tuple[float, float]:
        shutil.rmtree(cache, ignore_errors=True)
        return tables(store, form)

    return [
        ("every table and the report, nothing cached", median([cold("md") for _ in range(ROUNDS)]), "≤ 15 s"),
        ("the same as HTML with its figures", median([cold("html") for _ in range(ROUNDS)]), "≤ 15 s"),
        ("every table, typed tables cached", median([tables(store, "tables") for _ in range(ROUNDS)]), "≤ 2 s"),
        ("`asd --help`", median([command("--help") for _ in range(ROUNDS)]), "≤ 0.3 s"),
        ("`asd runs`", median([command("runs", "--store", str(store)) for _ in range(ROUNDS)]), "≤ 0.3 s"),
    ]


def main() -> None:
    """Measure, print, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=4085, help="samples a task, of four tasks")
    parser.add_argument("--store", type=Path, help="keep the made-up run here, and use it where it is there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = given.store or Path(folder)
        run = store / "made-up"
        events = None if run.exists() else make(run, given.samples)
        rows = measured(store, run / "cache")
    told = f"{events:,} events" if events else "the run that was there"
    lines = [f"| {what} | {reached} | {target} |" for what, reached, target in rows]
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    page = (
        "# Benchmarks of the record\n\n"
        "Written by `python benchmarks/record.py`: seconds of the clock, median of "
        f"{ROUNDS} rounds in processes of their own; in brackets seconds of the processors.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d} · {platform.machine()}, {os.cpu_count()} cores · Python "
        f"{platform.python_version()} · {told} · load of the machine at the end (1, 5, 15 minutes): {load}\n\n"
        "| measure | reached | target |\n|---|---|---|\n" + "\n".join(lines) + "\n"
    )
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
