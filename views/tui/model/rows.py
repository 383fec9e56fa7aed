"""Records as rows of SQL, and times as whole microseconds."""

from datetime import UTC, datetime, timedelta

from asd.core.log import Record
from asd.views.tui.model.state import MICRO

COLUMNS = "run, stream, seq, epoch_us(time)::BIGINT AS us, id, kind, v, subject, cause, data"
"""What a query selects to get whole records, by `record_of`."""
Row = tuple[str, str, int, int, str, str, int, str | None, str | None, str]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(time: datetime) -> int:
    """Whole microseconds since 1970."""
    passed = time - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * MICRO + passed.microseconds


def moment(us: int) -> datetime:
    """The time `us` microseconds after 1970, UTC."""
    return _EPOCH + timedelta(microseconds=us)


def record_of(row: Row) -> Record:
    """The record that a row of `COLUMNS` holds."""
    run, stream, seq, us, id, kind, v, subject, cause, data = row
    return Record(run, stream, seq, moment(us), id, kind, v, subject, cause, data.encode())
