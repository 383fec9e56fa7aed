"""A log as it stood at an earlier head: what did we believe when the paper was submitted?"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from asd.core.errors import UsageError
from asd.core.event import Event
from asd.core.log import START, Cursor, EventLog, Record
from asd.store.catalogue import Catalogue, Sealing
from asd.store.files import FileLog
from asd.store.layout import Sealed, chain, sealed_files, stream_folders
from asd.store.segments import Segment

MAIN = "main"
REPORTS = "reports"
"""The stream of reports that were handed out: no part of what reports are made from."""


class AsOf:
    """The events of `log` up to and with the sequence numbers `heads`; streams that are not in it are left out.

    With `heads` None, everything but the stream of reports.
    """

    def __init__(self, log: EventLog, heads: Mapping[str, int] | None) -> None:
        """Reading is all that it does."""
        self._log, self._heads = log, heads

    def _holds(self, stream: str, seq: int) -> bool:
        if self._heads is None:
            return stream != REPORTS
        return seq <= self._heads.get(stream, -1)

    @property
    def run(self) -> str:
        """The run's id."""
        return self._log.run

    def append(self, stream: str, events: Sequence[Event]) -> int:
        """Refused: the past cannot be added to."""
        raise UsageError("a log as of an earlier head cannot be written")

    def read(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        """What follows `after`, up to the heads."""
        for record in self._log.read(after, only):
            if self._holds(record.stream, record.seq):
                yield record

    def follow(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        """The same as `read`: nothing more will come."""
        return self.read(after, only)


class SealedAsOf(AsOf):
    """The same over a log with sealed files, of which those are used that lie before the heads as a whole."""

    def __init__(self, log: Sealing, heads: Mapping[str, int] | None) -> None:
        """Reading is all that it does."""
        super().__init__(log, heads)
        self._sealing = log

    @property
    def cache(self) -> Path:
        """The log's folder for what is derived."""
        return self._sealing.cache

    def segments(self) -> Sequence[Segment]:
        """The sealed files that hold nothing after the heads."""
        return [one for one in self._sealing.segments() if self._holds(one.stream, one.last)]


def as_of(log: EventLog, heads: Mapping[str, int] | None) -> AsOf:
    """`log` as it stood at `heads` (None: now), without the stream of reports."""
    return SealedAsOf(log, heads) if isinstance(log, Sealing) else AsOf(log, heads)


def notes_of(log: FileLog, heads: Mapping[str, int] | None = None) -> dict[str, str]:
    """The signed heads of the streams whose last sealed event is their last of all (or is that of `heads`)."""
    found = {}
    for folder in stream_folders(log.path):
        if heads is None and hot_is_ahead(folder):
            continue
        sealed = sealed_files(folder)
        ends = [one for one in sealed if heads is None or one.last == heads.get(folder.name)]
        note = ends[-1].note.read_text("utf-8") if ends and ends[-1].note.is_file() else ""
        if note:
            found[folder.name] = note
    return found


def hot_is_ahead(folder: Path) -> bool:
    """Whether the stream in `folder` has lines that are not sealed yet."""
    return any(not isinstance(one, Sealed) for one in chain(folder))


def heads_at(log: EventLog, told: str) -> dict[str, int]:
    """The heads of all streams at `told`: a sequence number of the stream "main", or a time (RFC 3339).

    Raises `UsageError` for text that is neither, and where the log holds nothing by then.
    """
    catalogue = Catalogue([log])
    try:
        when = _time(catalogue, told)
        query = "SELECT stream, max(seq)::BIGINT AS seq FROM events WHERE time <= $when GROUP BY stream ORDER BY stream"
        heads = {row["stream"]: row["seq"] for row in catalogue.sql(query, {"when": when}).to_pylist()}
    finally:
        catalogue.close()
    if told.isdigit():
        heads[MAIN] = int(told)
    if not heads:
        raise UsageError(f"--as-of {told}: the run had logged nothing by then")
    return heads


def _time(catalogue: Catalogue, told: str) -> datetime:
    if told.isdigit():
        query = "SELECT time FROM events WHERE stream = $stream AND seq = $seq"
        rows = catalogue.sql(query, {"stream": MAIN, "seq": int(told)}).to_pylist()
        if not rows:
            raise UsageError(f"--as-of {told}: the stream {MAIN} has no event of that number")
        return datetime.fromisoformat(str(rows[0]["time"]))
    try:
        when = datetime.fromisoformat(told)
    except ValueError as error:
        raise UsageError(f"--as-of {told}: give a sequence number or a time such as 2026-01-31T12:00:00Z") from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)
