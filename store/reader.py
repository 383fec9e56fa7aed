"""Reading one stream from wherever its lines are, while it may grow, be sealed and have files deleted."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from asd.core.log import Record
from asd.store.damage import DamagedFileError
from asd.store.hot import HotReader
from asd.store.layout import Hot, Sealed, chain
from asd.store.line import record_in
from asd.store.manifest import read_manifest
from asd.store.torn import Flaw

RELISTINGS = 3
"""How often a folder is listed before what is missing counts as lost: files may be replaced during a listing."""


class StreamReader:
    """Where one reader stands in one stream. It only reads, and holds at most one file open."""

    def __init__(self, folder: Path, after: int = -1) -> None:
        """Stand after sequence number `after` of the stream in `folder`."""
        self._folder = folder
        self._next = after + 1
        self._hot: HotReader | None = None

    def poll(self) -> Iterator[Record]:
        """Yield what is committed and not yet seen. Raises `DamageError` where a committed line is not what was
        written or is missing, naming event, file and offset."""
        misses = 0
        while misses < RELISTINGS:
            if self._hot is not None:
                yield from self._from_hot(self._hot)
            files = chain(self._folder)
            found = self._covering(files)
            if found is None or (self._hot is not None and found.path == self._hot.path):
                if all(one.first <= self._next for one in files):
                    return
                misses += 1
            else:
                yield from self._turn_to(found)
        raise DamagedFileError(self._folder, self._next, 0, "it is missing, and later events are there")

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

    def _turn_to(self, found: Hot | Sealed) -> Iterator[Record]:
        self.close()
        with suppress(FileNotFoundError):
            if isinstance(found, Sealed):
                yield from self._from_sealed(found)
            else:
                self._hot = HotReader(found.path, found.first)

    def _from_hot(self, hot: HotReader) -> Iterator[Record]:
        for group in hot.groups(self._next - 1):
            for seq, line in enumerate(group.lines, group.commit.previous):
                if seq == self._next:
                    yield self._record(hot, line)

    def _record(self, hot: HotReader, line: bytes) -> Record:
        record = record_in(line)
        if record is None:
            raise hot.error(Flaw(hot.end, self._next, "its line holds no event"))
        self._next += 1
        return record

    def _from_sealed(self, sealed: Sealed) -> Iterator[Record]:
        from asd.store.sealed import records_in

        for record in records_in(sealed, read_manifest(sealed), self._next - 1):
            self._next = record.seq + 1
            yield record
