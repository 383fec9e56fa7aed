"""Sealed files: Parquet with typed envelope columns and the event's JSON as it was, so that every line comes back.

A line that these columns do not give back byte for byte (members that this build does not know) is kept whole in the
column `line`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from asd.core.errors import DamageError
from asd.core.log import Record
from asd.store.damage import DamagedFileError
from asd.store.layout import Sealed
from asd.store.line import HASH_LENGTH, body_of, leaf_of, record_in, sealed_with, time_text
from asd.store.manifest import FORMAT, Manifest, checked_bytes
from asd.store.merkle import Tree

ROW_GROUP = 16_384
PAGE_BYTES = 4 << 20
"""Each page is compressed by itself: with these, a file is 7 % smaller than with Parquet's usual pages of 1 MiB."""
SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("stream", pa.string()),
        ("seq", pa.int64()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("id", pa.string()),
        ("kind", pa.string()),
        ("v", pa.int64()),
        ("subject", pa.string()),
        ("cause", pa.string()),
        ("data", pa.string()),
        ("line", pa.string()),
    ]
)


def encode(lines: Sequence[bytes], first: int, before: Tree) -> tuple[bytes, Manifest]:
    """The bytes of the sealed file that holds `lines`, and its manifest; `before` is the tree before the first.

    Raises `DamageError` for a line that is no event's.
    """
    records = [_record(line, seq) for seq, line in enumerate(lines, first)]
    leaves = [leaf_of(line[:-HASH_LENGTH] + b"}") for line in lines]
    kept = [_kept(*one) for one in zip(records, lines, leaves, strict=True)]
    data = _parquet(records, kept)
    tree = before.copy()
    tree.extend(leaves)
    return data, Manifest(
        format=FORMAT,
        run=records[0].run,
        stream=records[0].stream,
        first=first,
        last=first + len(lines) - 1,
        first_time=time_text(records[0].time),
        last_time=time_text(records[-1].time),
        kinds=dict(sorted(Counter(one.kind for one in records).items())),
        file_bytes=len(data),
        file_sha256=sha256(data).hexdigest(),
        root=tree.root().hex(),
        peaks=tuple(peak.hex() for peak in tree.peaks),
    )


def _record(line: bytes, seq: int) -> Record:
    record = record_in(line)
    if record is None or record.seq != seq:
        raise DamageError(f"event {seq}: its line holds no event; run `asd verify`")
    return record


def _kept(record: Record, line: bytes, leaf: bytes) -> str | None:
    return None if line == sealed_with(body_of(record), leaf) else line.decode()


def _parquet(records: Sequence[Record], lines: Sequence[str | None]) -> bytes:
    columns = [[getattr(one, name) for one in records] for name in SCHEMA.names[:-1]]
    table = pa.table(
        [_column(values, field.type) for values, field in zip((*columns, lines), SCHEMA, strict=True)], SCHEMA
    )
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=ROW_GROUP,
        data_page_size=PAGE_BYTES,
        compression="zstd",
        compression_level=3,
        write_page_checksum=True,
        use_dictionary=["run", "stream", "kind", "v"],
        column_encoding={"seq": "DELTA_BINARY_PACKED", "time": "DELTA_BINARY_PACKED"},
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _column(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    if values and isinstance(values[0], bytes):
        return pa.array(values, pa.binary()).cast(kind)
    return pa.array(values, kind)


def records_in(sealed: Sealed, manifest: Manifest, after: int = -1) -> Iterator[Record]:
    """The records of a sealed file that follow `after`. Raises `DamageError` where the file is not what was written."""
    for batch in _batches(sealed, manifest, after, SCHEMA.names[:-1]):
        yield from (record for record in _records(batch) if record.seq > after)


def lines_in(sealed: Sealed, manifest: Manifest, after: int = -1) -> Iterator[bytes]:
    """The lines of a sealed file that follow `after`, byte for byte as they were written; errors as for records."""
    for batch in _batches(sealed, manifest, after, SCHEMA.names):
        for record, line in zip(_records(batch), batch.column("line").to_pylist(), strict=True):
            if record.seq <= after:
                continue
            if line is not None:
                yield line.encode()
            else:
                body = body_of(record)
                yield sealed_with(body, leaf_of(body))


def _records(batch: pa.RecordBatch) -> Iterator[Record]:
    columns = [batch.column(name).to_pylist() for name in SCHEMA.names[:9]]
    return map(Record, *columns, batch.column("data").cast(pa.binary()).to_pylist())


def ids_in(sealed: Sealed, manifest: Manifest) -> Iterator[tuple[int, str]]:
    """Sequence number and id of each event of a sealed file."""
    for batch in _batches(sealed, manifest, -1, ["seq", "id"]):
        yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


def _batches(sealed: Sealed, manifest: Manifest, after: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The row groups that hold something after `after`; together, all groups hold each event once and in order."""
    data = checked_bytes(sealed, manifest)
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        if not file.schema_arrow.equals(SCHEMA):
            raise DamagedFileError(sealed.path, sealed.first, 0, "its columns are not those of a sealed file")
        for first in range(sealed.first, sealed.last + 1, ROW_GROUP):
            end = min(first + ROW_GROUP, sealed.last + 1)
            if end > after:
                place = (first - sealed.first) // ROW_GROUP
                # Without Arrow's pool of threads, which is no quicker here and can abort a process that ends at once.
                group = file.read_row_group(place, columns=list(columns), use_threads=False)
                if group.column("seq").to_pylist() != list(range(first, end)):
                    raise DamagedFileError(sealed.path, first, 0, "an event is missing in it, or not in its place")
                yield from group.to_batches()
    except (pa.ArrowException, IndexError) as error:
        raise DamagedFileError(sealed.path, sealed.first, 0, f"it cannot be read ({error})") from error
