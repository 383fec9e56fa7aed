"""Where runs come from: a store's folder, which may not exist yet, may vanish, and is never written to."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from heapq import merge
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from asd.core.errors import AsdError, UnknownRunError
from asd.core.log import START, Cursor, EventLog, Record
from asd.store.files import FileLog
from asd.store.layout import LOCK, run_folders, stream_folders
from asd.store.reader import StreamReader
from asd.store.store import Store

LOCKS = Path("/proc/locks")
AT_ONCE = 20_000
"""Events that one look at the log takes at most, so that the screen is never without news for long."""
Signature = tuple[tuple[str, int, int], ...]


TROUBLE = (AsdError, OSError, duckdb.Error, pa.ArrowException, ValueError, LookupError, TypeError)
"""What reading a log can raise that is damaged, vanishes, or was written by something else."""


class GoneError(AsdError):
    """The run's folder is no longer there."""


class Source:
    """The runs of the store in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether the store's folder is there."""
        return self.path.is_dir()

    def runs(self) -> list[str]:
        """The ids of the runs that can be listed, sorted by name; none where the store is not there."""
        with suppress(OSError):
            return [folder.name for folder in run_folders(self.path)]
        return []

    def open(self, run: str | None) -> FileLog:
        """The log of `run`, None for the one that began last. Raises `UnknownRunError` where there is none."""
        try:
            return Store(self.path).run(run)
        except OSError as error:
            raise UnknownRunError(f"{self.path}: {error.strerror}") from error


def signature(folder: Path) -> Signature:
    """What the run's files look like from outside: it changes whenever something was appended."""
    found = []
    with suppress(OSError):
        for stream in stream_folders(folder):
            for path in stream.iterdir():
                status = path.stat()
                found.append((f"{stream.name}/{path.name}", status.st_size, status.st_mtime_ns))
    return tuple(sorted(found))


def writer_alive(folder: Path) -> bool | None:
    """Whether a process of this machine holds one of the run's streams; None where the system cannot tell.

    The kernel's list of locks is read instead of trying the lock, which could get in a writer's way.
    """
    try:
        held = {line.split()[5].rsplit(":", 1)[1] for line in LOCKS.read_text().splitlines() if "FLOCK" in line}
        locks = [stream / LOCK for stream in stream_folders(folder)]
        return any(str(path.stat().st_ino) in held for path in locks if path.exists()) if locks else None
    except (OSError, IndexError):
        return None


def gone(folder: Path) -> GoneError:
    """The error for a run that was there."""
    return GoneError(f"{folder} is gone; what is on the screen is the last that was read")


class Tail:
    """Takes what is new in a log, again and again, without waiting for more."""

    def __init__(self, log: EventLog, after: Cursor = START) -> None:
        """Stand after the cursor `after`."""
        self._log = log
        self._cursor = dict(after)
        self._readers: dict[str, StreamReader] = {}
        self._rest: Iterator[Record] = iter(())

    def poll(self, most: int = AT_ONCE) -> list[Record]:
        """What was committed since, at most `most` events, in order of time. Raises `GoneError`, `DamageError`."""
        found = list(islice(self._rest, most))
        if len(found) < most:
            self._rest = self._fresh()
            found += islice(self._rest, most - len(found))
        for one in found:
            self._cursor[one.stream] = one.seq
        return found

    def close(self) -> None:
        """Give open files back."""
        self._rest = iter(())
        for reader in self._readers.values():
            reader.close()

    def _fresh(self) -> Iterator[Record]:
        if not isinstance(self._log, FileLog):
            return self._log.read(self._cursor)
        folders = stream_folders(self._log.path)
        if not self._log.path.is_dir() or (self._cursor and not folders):
            raise gone(self._log.path)
        for folder in folders:
            if folder.name not in self._readers:
                self._readers[folder.name] = StreamReader(folder, self._cursor.get(folder.name, -1))
        return merged([reader.poll() for reader in self._readers.values()])


def merged(parts: Collection[Iterator[Record]]) -> Iterator[Record]:
    """Several streams as one, in order of time."""
    return (
        merge(*parts, key=lambda one: (one.time, one.stream, one.seq))
        if len(parts) > 1
        else next(iter(parts), iter(()))
    )
