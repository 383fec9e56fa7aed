"""Joining copies of a run, and writing one out as plain lines."""

import fcntl
import filecmp
import heapq
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from asd.core.errors import BusyError, ConflictError, DamageError, DiskError, UsageError
from asd.store.disk import DISK, Disk
from asd.store.hot import HotReader
from asd.store.layout import FILES, SIGNERS, Hot, Sealed, chain, checked_run, checked_stream, steadily, stream_folders
from asd.store.line import record_in, time_text
from asd.store.reader import LineReader
from asd.store.verify import verify

_PIECE = 1 << 20


def merge(first: Path, second: Path, target: Path, disk: Disk = DISK) -> Path:
    """Join two copies of one run, or parts of it, into `target/<run>`: of each stream the longer copy.

    The joined run is there whole or not at all, after a power cut too, and on the disk when this returns. The order of
    the two does not matter, and joining the result again with either gives the same bytes. Raises `UsageError` for
    copies of different runs and for a target that exists, `ConflictError` where a stream or a file went on differently
    in the two, `DamageError` for a damaged copy, `DiskError` where the disk refuses, `BusyError` where another process
    joins copies in `target`.
    """
    place = target / _run_of(first, second, target)
    first, second = first.resolve(), second.resolve()
    streams, files = _streams(first, second), _files(first, second)
    try:
        disk.make_folders(target)
        with _alone_in(target):
            _join(streams, files, place, disk)
    except OSError as error:
        where = error.filename or place
        raise DiskError(f"{where}: {error.strerror}; mend that, or choose another store with --store") from error
    return place


def _run_of(first: Path, second: Path, target: Path) -> str:
    """The run that the two are copies of; `UsageError` where they are none, or the joined run cannot be put."""
    for copy in (first, second):
        if not copy.is_dir() or copy.is_symlink():
            raise UsageError(f"{copy}: no folder of a run; name two copies of one run")
        runs = [one for one in stream_folders(copy) if any(path.is_dir() for path in one.iterdir())]
        if runs:
            raise UsageError(f"{copy}: is a store, and runs are joined one by one; name a run of it, such as {runs[0]}")
        if target.resolve().is_relative_to(copy.resolve()):
            raise UsageError(f"{target}: lies in {copy}, a copy to join; choose another store with --store")
    run, other = checked_run(first.resolve().name), second.resolve().name
    if other != run:
        raise UsageError(f"{run} and {other} are different runs; only copies of one run can be joined")
    if os.path.lexists(target / run):
        raise UsageError(f"{target / run}: is there already; choose another store with --store")
    return run


@contextmanager
def _alone_in(target: Path) -> Iterator[None]:
    """Two that made the same run at once would make one run of both. (Some network file systems lock no folder.)"""
    fd = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise BusyError(f"{target}: another process is joining copies here; wait until it ends") from None
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(fd)


def _join(streams: list[Path], files: dict[Path, Path], place: Path, disk: Disk) -> None:
    making = place.with_name(f".{place.name}.joining")
    if making.exists():
        shutil.rmtree(making)
    try:
        disk.make_folder(making)
        for folder in streams:
            steadily(partial(_copy_stream, folder, making / folder.name, disk))
        for name, path in files.items():
            disk.make_folders((making / FILES / name).parent)
            disk.fill(making / FILES / name, _pieces(path))
        for folder in (making, *(path for path in making.rglob("*") if path.is_dir())):
            disk.sync_folder(folder)
        disk.rename(making, place)
        disk.sync_folder(place.parent)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _pieces(path: Path, length: int = sys.maxsize) -> Iterator[bytes]:
    """The first `length` bytes of a file, of whatever size it is, bit by bit."""
    with path.open("rb") as file:
        while piece := file.read(min(_PIECE, length)):
            length -= len(piece)
            yield piece


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
            raise DamageError(f"{problems[0].file}: {problems[0].what}; a damaged copy is not joined, restore it first")
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
    whole = sha256()
    for path in parts:
        if path.exists():
            for piece in (path.name.encode(), *_pieces(path)):
                whole.update(piece)
    return sum(path.suffix == ".parquet" for path in parts), whole.hexdigest()


def _parts(one: Hot | Sealed) -> list[Path]:
    return [path for path in one.parts if path.exists()] if isinstance(one, Sealed) else [one.path]


def _copy_stream(folder: Path, place: Path, disk: Disk) -> None:
    """Copy what is committed, anew where an earlier attempt was overtaken."""
    disk.make_folder(place)
    for path in list(place.iterdir()):
        disk.remove(path)
    for one in chain(folder):
        length = sys.maxsize if isinstance(one, Sealed) else _committed(one)
        for path in _parts(one):
            disk.fill(place / path.name, _pieces(path, length))
    if (folder / SIGNERS).exists():
        disk.fill(place / SIGNERS, _pieces(folder / SIGNERS))


def _committed(hot: Hot) -> int:
    """How many bytes of a hot file are committed; it may grow."""
    with HotReader(hot.path, hot.first) as reader:
        for _ in reader.groups():
            pass
        return reader.end


def _files(first: Path, second: Path) -> dict[Path, Path]:
    """The files of either run's folder for what is too large for an event, by name."""
    found: dict[Path, Path] = {}
    for folder in (first / FILES, second / FILES):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if not path.is_file() or path.is_symlink():
                continue
            if name in found and not filecmp.cmp(found[name], path, shallow=False):
                raise ConflictError(f"{path}: the other copy has a different file of this name")
            found[name] = path
    return found
