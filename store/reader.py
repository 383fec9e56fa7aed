"""Reading one stream from wherever its lines are, while it may grow, be sealed and have files deleted."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from asd.core.log import Record
from asd.store.damage import DamagedFileError
from asd.store.hot import HotReader
from asd.store.layout import Hot, Sealed, chain
from asd.store.line import record_in
from asd.store.manifest import Manifest, read_manifest
from asd.store.torn import Flaw

T = TypeVar("T")


class _Reader(ABC, Generic[T]):
    """Where one reader stands in one stream. It only reads, and holds at most one file open."""

    def __init__(self, folder: Path, after: int = -1) -> None:
        """Stand after sequence number `after` of the stream in `folder`."""
        self._folder = folder
        self._next = after + 1
        self._hot: HotReader | None = None

    @abstractmethod
    def _in_line(self, line: bytes) -> T | None:
        """What is read of an event's line, None where it holds no event."""

    @abstractmethod
    def _in_sealed(self, sealed: Sealed, manifest: Manifest, after: int) -> Iterator[T]:
        """The same of every event of a sealed file that follows `after`."""

    def poll(self) -> Iterator[T]:
        """Yield what is committed and not yet seen. Raises `DamageError` where a committed line is not what was
        written or is missing, naming event, file and offset."""
        missed = -1
        while True:
            if self._hot is not None:
                yield from self._from_hot(self._hot)
            files = chain(self._folder)
            found = self._covering(files)
            if found is not None and (self._hot is None or found.path != self._hot.path):
                yield from self._turn_to(found)
            elif all(one.first <= self._next for one in files):
                return
            elif missed == self._next:
                raise DamagedFileError(self._folder, self._next, 0, "it is missing, and later events are there")
            else:
                missed = self._next  # It may have come, and the later file too, since the open one was read to its end.

    def close(self) -> None:
        """Give the open file back."""
        if self._hot is not None:
            self._hot.close()
            self._hot = None

    def _covering(self, files: Sequence[Hot | Sealed]) -> Hot | Sealed | None:
        """The file that holds, or will hold, the next event."""
        for one in files:
            if isinstance(one, Sealed) and one.first <= self._next <= one.last:
                return one
        hot = [one for one in files if isinstance(one, Hot) and one.first <= self._next]
        return hot[-1] if hot else None

    def _turn_to(self, found: Hot | Sealed) -> Iterator[T]:
        self.close()
        with suppress(FileNotFoundError):
            if isinstance(found, Sealed):
                yield from self._from_sealed(found)
            else:
                self._hot = HotReader(found.path, found.first)

    def _from_hot(self, hot: HotReader) -> Iterator[T]:
        for group in hot.groups(self._next - 1):
            for seq, line in enumerate(group.lines, group.commit.previous):
                if seq == self._next:
                    one = self._in_line(line)
                    if one is None:
                        raise hot.error(Flaw(hot.end, seq, "its line holds no event"))
                    self._next += 1
                    yield one

    def _from_sealed(self, sealed: Sealed) -> Iterator[T]:
        for one in self._in_sealed(sealed, read_manifest(sealed), self._next - 1):
            self._next += 1
            yield one


class StreamReader(_Reader[Record]):
    """Reads the records of a stream."""

    def _in_line(self, line: bytes) -> Record | None:
        return record_in(line)

    def _in_sealed(self, sealed: Sealed, manifest: Manifest, after: int) -> Iterator[Record]:
        from asd.store.sealed import records_in

        return records_in(sealed, manifest, after)


class LineReader(_Reader[bytes]):
    """Reads the lines of a stream, byte for byte as they were logged."""

    def _in_line(self, line: bytes) -> bytes:
        return line

    def _in_sealed(self, sealed: Sealed, manifest: Manifest, after: int) -> Iterator[bytes]:
        from asd.store.sealed import lines_in

        return lines_in(sealed, manifest, after)
