"""Joining copies of a run, and writing one out as plain lines."""

import heapq
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from asd.core.errors import ConflictError, DamageError, UsageError
from asd.store.hot import HotReader
from asd.store.layout import FILES, SIGNERS, Hot, Sealed, chain, checked_run, checked_stream, steadily, stream_folders
from asd.store.line import record_in, time_text
from asd.store.reader import LineReader
from asd.store.verify import verify


def merge(first: Path, second: Path, target: Path) -> Path:
    """Join two copies of one run, or parts of it, into `target/<run>`: of each stream the longer copy.

    The order of the two does not matter, and joining the result again with either gives the same bytes. Raises
    `UsageError` for copies of different runs and for a target that exists, `ConflictError` where a stream or a file
    went on differently in the two, `DamageError` for a damaged copy.
    """
    run = checked_run(first.name)
    for copy in (first, second):
        if not copy.is_dir() or copy.is_symlink():
            raise UsageError(f"{copy}: no folder of a run; name two copies of one run")
    if second.name != run:
        raise UsageError(f"{first.name} and {second.name} are different runs; only copies of one run can be joined")
    place, making = target / run, target / f".{run}.joining"
    if place.exists():
        raise UsageError(f"{place}: is there already; choose another folder for the joined run")
    streams, files = _streams(first, second), _files(first, second)
    shutil.rmtree(making, ignore_errors=True)
    try:
        making.mkdir(parents=True)
        for folder in streams:
            steadily(partial(_copy_stream, folder, making / folder.name))
        for name, path in files.items():
            (making / FILES / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, making / FILES / name)
        making.rename(place)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return place


def export_lines(run: Path) -> Iterator[bytes]:
    """Every event's line, byte for byte as it was logged, in order of time, then stream, then sequence number.

    Raises `DamageError` for a damaged log.
    """
    streams = [stream_lines(folder) for folder in stream_folders(run)]
    yield from heapq.merge(*streams, key=_order)


def stream_lines(folder: Path) -> Iterator[bytes]:
    """The lines of one stream, byte for byte as they were logged. Raises `DamageError` for a damaged one."""
    with closing(LineReader(folder)) as reader:
        yield from reader.poll()


def _order(line: bytes) -> tuple[str, str, int]:
    record = record_in(line)
    if record is None:
        raise DamageError("a line holds no event; run `asd verify`")
    return time_text(record.time), record.stream, record.seq


def _streams(first: Path, second: Path) -> list[Path]:
    """The folder to take of each stream."""
    for run in (first, second):
        problems = verify(run).problems
        if problems:
            raise DamageError(f"{problems[0].file}: {problems[0].what}; a damaged copy is not joined")
    names = sorted({folder.name for run in (first, second) for folder in stream_folders(run)})
    return [steadily(partial(_longer, first / name, second / name)) for name in names]


def _longer(one: Path, other: Path) -> Path:
    if not one.is_dir() or not other.is_dir():
        return one if one.is_dir() else other
    lengths = [0, 0]
    for seq, pair in enumerate(zip_longest(stream_lines(one), stream_lines(other))):
        if None not in pair and pair[0] != pair[1]:
            raise ConflictError(f"stream {checked_stream(one.name)!r}: the copies differ from event {seq} on: a fork")
        for side in (0, 1):
            lengths[side] += pair[side] is not None
    return max((lengths[0], *_layout(one), one), (lengths[1], *_layout(other), other))[-1]


def _layout(folder: Path) -> tuple[int, str]:
    """Of two copies with the same events, the more sealed one is taken, then the one with the larger hash."""
    parts = [*sorted(path for one in chain(folder) for path in _parts(one)), folder / SIGNERS]
    whole = sha256(b"".join(path.name.encode() + path.read_bytes() for path in parts if path.exists())).hexdigest()
    return sum(path.suffix == ".parquet" for path in parts), whole


def _parts(one: Hot | Sealed) -> list[Path]:
    return [path for path in one.parts if path.exists()] if isinstance(one, Sealed) else [one.path]


def _copy_stream(folder: Path, place: Path) -> None:
    """Copy what is committed."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for one in chain(folder):
        for path in _parts(one):
            shutil.copyfile(path, place / path.name)
        if not isinstance(one, Sealed):
            _cut_after_last_commit(Hot(place / one.path.name, one.first))
    if (folder / SIGNERS).exists():
        shutil.copyfile(folder / SIGNERS, place / SIGNERS)


def _cut_after_last_commit(copy: Hot) -> None:
    """Of the copy, since the file that it was made of may have grown."""
    with HotReader(copy.path, copy.first) as reader:
        for _ in reader.groups():
            pass
        os.truncate(copy.path, reader.end)


def _files(first: Path, second: Path) -> dict[Path, Path]:
    """The files of either run's folder for what is too large for an event, by name."""
    found: dict[Path, Path] = {}
    for folder in (first / FILES, second / FILES):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if not path.is_file() or path.is_symlink():
                continue
            if name in found and found[name].read_bytes() != path.read_bytes():
                raise ConflictError(f"{path}: the other copy has a different file of this name")
            found[name] = path
    return found
