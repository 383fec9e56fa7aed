"""From the events' JSON text to typed columns, in DuckDB; Python is asked only for data of an older version.

When this file changes, every typed table is made again: its text is part of their names.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa

from asd.core.event import Event, decode
from asd.core.log import Record
from asd.store.catalogue_types import ENVELOPE, columns, literal, quoted, table_name

_ENVELOPE = ", ".join(ENVELOPE)
RAW = pa.schema(
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
    ]
)
"""A log's records as a table: the envelope and the event's JSON, verbatim."""


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that speaks UTC, installs nothing, and writes nothing to standard output (as its bar of
    progress is, once a query takes two seconds)."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false; SET enable_progress_bar_print = false")
    return db


def raw_table(records: Iterable[Record]) -> pa.Table:
    """`records` as an Arrow table of the schema `RAW`."""
    rows = [
        (one.run, one.stream, one.seq, one.time, one.id, one.kind, one.v, one.subject, one.cause, one.data.decode())
        for one in records
    ]
    if not rows:
        return RAW.empty_table()
    return pa.table(
        [pa.array(column, kind.type) for column, kind in zip(zip(*rows, strict=True), RAW, strict=True)], RAW
    )


def known_kinds(db: duckdb.DuckDBPyConnection, raw: str, kinds: dict[str, type[Event]]) -> dict[str, int]:
    """The kinds that occur in the table `raw` and are of `kinds`, sorted, each with its oldest version there."""
    found = db.execute(f"SELECT kind, min(v)::BIGINT FROM {raw} GROUP BY kind ORDER BY kind").fetchall()
    return {kind: oldest for kind, oldest in found if kind in kinds}


def fill(db: duckdb.DuckDBPyConnection, raw: str, place: str, cls: type[Event], oldest: int) -> None:
    """Make the typed table `place` of the events of class `cls` in `raw`, whose oldest version is `oldest`.

    Newer versions than `cls.v` are left out. Raises `EventError` where an older one cannot be lifted.
    """
    where = f"kind = {literal(cls.kind)}"
    db.execute(f"CREATE TABLE {place} AS {typed(cls, raw, f'{where} AND v = {cls.v}')} ORDER BY run, stream, seq")
    if oldest < cls.v:
        older = db.sql(f"SELECT * FROM {raw} WHERE {where} AND v < {cls.v}").to_arrow_table()
        db.register("lifted", lift(older))
        db.execute(f"INSERT INTO {place} {typed(cls, 'lifted', 'true')}")
        db.unregister("lifted")


def typed(cls: type[Event], raw: str, where: str) -> str:
    """The SQL that reads events of `cls` at its current version out of `raw` as typed columns."""
    structure = orjson.dumps(columns(cls)).decode()
    fields = f", unnest(from_json(data, {literal(structure)}))" if columns(cls) else ""
    return f"SELECT {_ENVELOPE}{fields} FROM {raw} WHERE {where}"


def write(db: duckdb.DuckDBPyConnection, raw: str, target: Path, cls: type[Event], oldest: int) -> None:
    """Write the typed rows of `cls` in `raw`, whose oldest version is `oldest`, as Parquet; errors as for `fill`.

    LZ4 takes twice the room of zstd here and is read in two thirds of the time; delta encodings (v2) keep it at twice.
    """
    rows = typed(cls, raw, f"kind = {literal(cls.kind)} AND v = {cls.v}")
    if oldest < cls.v:
        place = quoted(table_name(cls.kind))
        fill(db, raw, place, cls, oldest)
        rows = f"SELECT * FROM {place} ORDER BY run, stream, seq"
    form = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION lz4_raw, ROW_GROUP_SIZE 65536"
    db.execute(f"COPY ({rows}) TO {literal(str(target))} ({form})")


def lift(older: pa.Table) -> pa.Table:
    """The rows of `older` with their data lifted to the current version, step by step.

    Raises `EventError` where a step is missing or the data breaks its schema.
    """
    text = [
        decode(kind, v, orjson.loads(data)).model_dump_json()
        for kind, v, data in zip(*(older[name].to_pylist() for name in ("kind", "v", "data")), strict=True)
    ]
    return older.set_column(older.schema.get_field_index("data"), "data", pa.array(text, pa.string()))


def empty(cls: type[Event]) -> str:
    """The query whose rows are those of the typed table of a kind without events: none, but of the right types."""
    named = {**ENVELOPE, **columns(cls)}
    return f"SELECT {', '.join(f'NULL::{kind} AS {quoted(name)}' for name, kind in named.items())} WHERE false"
