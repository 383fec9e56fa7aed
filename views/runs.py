"""What a store holds, told from manifests and hot tails alone: quick, whatever the runs' size."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from asd.core.errors import DamageError
from asd.core.log import Record
from asd.store.layout import LOCK, Sealed, listing, run_folders, steadily, stream_folders
from asd.store.line import time_text
from asd.store.manifest import read_manifest
from asd.store.reader import StreamReader

Summary = dict[str, object]


def summaries(store: Path) -> list[Summary]:
    """One row a run, oldest first: run, started, last_event, events, streams, state."""
    found = [steadily(partial(summary, folder)) for folder in run_folders(store)]
    return sorted(found, key=lambda row: (str(row["started"] or "9"), str(row["run"])))


def summary(folder: Path) -> Summary:
    """The row of the run in `folder`; of a damaged log, what can be told up to the damage."""
    streams = stream_folders(folder)
    kinds: Counter[str] = Counter()
    times: list[str] = []
    damaged = False
    for stream in streams:
        try:
            _count(stream, kinds, times)
        except DamageError:
            damaged = True
    return {
        "run": folder.name,
        "started": min(times, default=None),
        "last_event": max(times, default=None),
        "events": kinds.total(),
        "streams": len(streams),
        "state": "damaged" if damaged else _state(kinds, any(_is_written(stream) for stream in streams)),
    }


def _count(stream: Path, kinds: Counter[str], times: list[str]) -> None:
    """Add a stream's events by kind, and times among which its first and last are. Raises `DamageError`."""
    end = -1
    for one in listing(stream).chain:
        if isinstance(one, Sealed):
            manifest = read_manifest(one)
            kinds.update(manifest.kinds)
            times += [manifest.first_time, manifest.last_time]
            end = one.last
    for record in _hot(stream, end):
        kinds[record.kind] += 1
        times.append(time_text(record.time))


def near_end(folder: Path, events: int) -> dict[str, int]:
    """A cursor after which each stream of the run in `folder` has at least its last `events` events, if it has them."""
    return {stream.name: max(-1, _last(stream) - events) for stream in stream_folders(folder)}


def _last(stream: Path) -> int:
    """The number of the stream's last event, -1 where it has none."""
    end = max((one.last for one in listing(stream).chain if isinstance(one, Sealed)), default=-1)
    return max((record.seq for record in _hot(stream, end)), default=end)


def _hot(stream: Path, after: int) -> Iterator[Record]:
    with closing(StreamReader(stream, after)) as reader:
        yield from reader.poll()


def _state(kinds: Counter[str], written: bool) -> str:
    if kinds["run.finished"]:
        return "finished"
    if written:
        return "running"
    attempts = kinds["run.started"] + kinds["run.resumed"]
    if not attempts:
        return "not started"
    return "failed" if kinds["run.failed"] == attempts else "interrupted"


def _is_written(stream: Path) -> bool:
    """Whether the process named in the stream's lock is there and holds it."""
    lock = stream / LOCK
    try:
        held = f":{lock.stat().st_ino} "
        return any("FLOCK" in line and held in line for line in Path("/proc/locks").read_text().splitlines())
    except FileNotFoundError:
        return _is_alive(lock)


def _is_alive(lock: Path) -> bool:
    try:
        os.kill(int(lock.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True
