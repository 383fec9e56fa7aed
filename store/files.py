"""One run's log as plain files: a folder a stream, hot lines and sealed Parquet; see `layout` for what lies where."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from asd.core.errors import DiskError, UsageError
from asd.core.event import Event
from asd.core.log import START, Cursor, Record
from asd.store.layout import CACHE, FILES, checked_run, checked_stream, sealed_files, steadily, stream_folders
from asd.store.options import DURABILITIES, Options
from asd.store.reader import StreamReader
from asd.store.wakeup import Wakeup
from asd.store.writer import StreamWriter

if TYPE_CHECKING:
    from asd.store.segments import Segment


class FileLog:
    """The `EventLog` of the run in the folder `path`. Reading never needs permission to write.

    A stream is locked when it is first appended to, until `close`. As a context manager it closes itself.
    """

    def __init__(self, path: Path, options: Options | None = None, *, poll_s: float = 0.25) -> None:
        """Open the run in `path`, which need not exist yet; `poll_s` is how long a follower sleeps at the head.

        Raises `UsageError` for a name that no run may have, and for a folder that is a link.
        """
        self.path = path
        self.options = options or Options()
        self._run = checked_run(path.name)
        if path.is_symlink():
            raise UsageError(f"{path}: a run must be a folder of its own, not a link")
        if self.options.durability not in DURABILITIES:
            raise UsageError(f"durability {self.options.durability!r}: choose one of {', '.join(DURABILITIES)}")
        self._poll_s = poll_s
        self._writers: dict[str, StreamWriter] = {}
        self._lock = Lock()

    @property
    def run(self) -> str:
        """The run's id."""
        return self._run

    @property
    def files(self) -> Path:
        """The folder for what is too large for an event."""
        return self.path / FILES

    @property
    def cache(self) -> Path:
        """The folder for what is derived from the log and can be deleted at any time."""
        return self.path / CACHE

    def streams(self) -> tuple[str, ...]:
        """The names of the run's streams, sorted."""
        return tuple(folder.name for folder in stream_folders(self.path))

    def append(self, stream: str, events: Sequence[Event]) -> int:
        """Store all of `events` or none; see `asd.core.log.EventLog.append`.

        With durability "group" it returns before they are on the disk; `durable` and `flush` wait for that.
        """
        writer = self._writers.get(stream)
        if writer is None or writer.failed:
            if not events:
                return self._last(checked_stream(stream))
            writer = self._writer(stream)
        return writer.append(events)

    def durable(self, stream: str, seq: int) -> None:
        """Wait until event `seq` of `stream`, appended here, is on the disk. Raises `DiskError` where that fails."""
        self._writer(stream).durable(seq)

    def flush(self) -> None:
        """Wait until everything appended here is on the disk. Raises `DiskError` where that fails."""
        for writer in list(self._writers.values()):
            if not writer.failed:
                writer.flush()

    def read(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        """Yield what is committed and follows `after`, in order of time (then stream, then sequence).

        What this object appended is flushed first. Raises `DamageError` for lines that are not what was written.
        """
        self.flush()
        kinds = {cls.kind for cls in only}
        readers = [StreamReader(folder, after.get(folder.name, -1)) for folder in stream_folders(self.path)]
        return _merged(readers, kinds, close=True)

    def follow(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        """Like `read`, then wait for more without end; streams that begin later are followed too."""
        kinds = {cls.kind for cls in only}
        readers: dict[str, StreamReader] = {}
        try:
            with Wakeup(self.path, self._poll_s) as wakeup:
                while True:
                    self.flush()
                    wakeup.clear()
                    for folder in stream_folders(self.path):
                        if folder.name not in readers:
                            readers[folder.name] = StreamReader(folder, after.get(folder.name, -1))
                    yield from _merged(list(readers.values()), kinds, close=False)
                    wakeup.wait()
        finally:
            for reader in readers.values():
                reader.close()

    def segments(self) -> "list[Segment]":
        """The sealed files that together hold the beginning of each stream, in order, with their manifests' hashes."""
        return steadily(self._segments)

    def _segments(self) -> "list[Segment]":
        from asd.store.segments import segment_of

        return [segment_of(folder.name, one) for folder in stream_folders(self.path) for one in sealed_files(folder)]

    def close(self) -> None:
        """Commit what waits, seal it, and let the streams go. Raises `DiskError` if something was lost."""
        failures: list[DiskError] = []
        while self._writers:
            _, writer = self._writers.popitem()
            try:
                writer.close()
            except DiskError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _writer(self, stream: str) -> StreamWriter:
        writer = self._writers.get(stream)
        if writer is not None and not writer.failed:
            return writer
        with self._lock:
            writer = self._writers.get(stream)
            if writer is not None and writer.failed and not writer.poisoned:
                self._let_go(stream, writer)
                writer = None
            if writer is None:
                writer = self._writers[stream] = self._opened(checked_stream(stream))
            return writer

    def _let_go(self, stream: str, writer: StreamWriter) -> None:
        """A writer whose group the disk refused was rolled back; its successor starts after the last commit."""
        del self._writers[stream]
        with suppress(DiskError):
            writer.close()

    def _opened(self, stream: str) -> StreamWriter:
        disk, signer = self.options.disk, self.options.signer
        if signer is not None:
            signer.verifier  # noqa: B018  (a key that must not be used is refused before anything is written)
        if (self.path / stream).is_symlink():
            raise UsageError(f"{self.path / stream}: a stream must be a folder of its own, not a link")
        try:
            disk.make_folders(self.path.parent)
            for folder in (self.path, self.path / stream):
                disk.make_folder(folder)
                disk.sync_folder(folder.parent)
        except OSError as error:
            raise DiskError(f"{self.path / stream}: {error.strerror}; choose another store with --store") from error
        return StreamWriter(self.path / stream, self.options)

    def _last(self, stream: str) -> int:
        writer = self._writers.get(stream)
        if writer is not None:
            return writer.next_seq - 1
        return max((one.seq for one in StreamReader(self.path / stream).poll()), default=-1)


def _merged(readers: Sequence[StreamReader], kinds: Collection[str], *, close: bool) -> Iterator[Record]:
    """What the readers have now, in order of time."""
    try:
        parts = [reader.poll() for reader in readers]
        merged = heapq.merge(*parts, key=lambda one: (one.time, one.stream, one.seq)) if len(parts) > 1 else None
        for one in merged or (parts[0] if parts else ()):
            if not kinds or one.kind in kinds:
                yield one
    finally:
        if close:
            for reader in readers:
                reader.close()
