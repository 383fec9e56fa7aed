"""One run's tables for SQL, growing as the log grows, and seen as of any moment.

The catalogue is opened once; what follows is added to tables of its own beside it. Every query goes through views in
the schema `seen` that end at the variable `as_of`, so that the projections of the report run unchanged on the past.
"""

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import Self

import duckdb
import pyarrow as pa

from asd.core.event import Event, kinds
from asd.core.log import EventLog, Record
from asd.store.catalogue import Catalogue
from asd.store.catalogue_decode import RAW, empty, lift, raw_table, typed
from asd.store.catalogue_types import literal, quoted, table_name
from asd.views import projections

END_US = 253_402_300_799_000_000
"""The moment that stands for 'now': the last second of the year 9999."""
Row = dict[str, object]


class Tables:
    """SQL over one run. Any thread may `queue` and `sync`; for queries each thread takes a `cursor` of its own."""

    def __init__(self, log: EventLog, parent: EventLog | None = None) -> None:
        """Open the log at its present head; errors as for `Catalogue`."""
        self._catalogue = Catalogue([log], [parent] if parent is not None else [])
        self._adding, self._queueing = Lock(), Lock()
        self._waiting: list[Record] = []
        self.db = self._catalogue.db
        self._known = kinds()
        self.db.execute("CREATE SCHEMA live; CREATE SCHEMA seen")
        self.db.register("raw_none", RAW.empty_table())
        self.db.execute("CREATE TABLE live.events AS SELECT * FROM raw_none")
        self.db.unregister("raw_none")
        self.db.execute("; ".join(self._made()))
        self.grown = 0
        look(self.db, END_US)
        self.heads: dict[str, int] = dict(
            self.db.execute("SELECT stream, max(seq)::BIGINT FROM events GROUP BY stream").fetchall()
        )

    def cursor(self) -> "Cursor":
        """A connection to the same tables for another thread."""
        return Cursor(self.db.cursor())

    def _add(self, records: Sequence[Record]) -> None:
        """Kinds and versions that this build cannot read are in `events` alone."""
        if not records:
            return
        raw = raw_table(records)
        self.db.register("raw_grown", raw)
        self.db.execute(f"INSERT INTO live.events SELECT {', '.join(RAW.names)} FROM raw_grown")
        for kind in {one.kind for one in records} & self._known.keys():
            self._insert(self._known[kind], raw)
        self.db.unregister("raw_grown")
        self.grown += len(records)

    def queue(self, records: Sequence[Record]) -> None:
        """Remember what was appended, to be added by the next `sync`. It never waits for one that is under way."""
        with self._queueing:
            self._waiting += records

    @property
    def waiting(self) -> int:
        """How many events wait to be added."""
        return len(self._waiting)

    def sync(self) -> None:
        """Add what waits."""
        with self._adding:
            with self._queueing:
                waiting, self._waiting = self._waiting, []
            self._add(waiting)

    def close(self) -> None:
        """Give the memory back."""
        self._catalogue.close()

    def _insert(self, cls: type[Event], raw: pa.Table) -> None:
        place, where = f"live.{quoted(table_name(cls.kind))}", f"kind = {literal(cls.kind)}"
        self.db.execute(f"INSERT INTO {place} {typed(cls, 'raw_grown', f'{where} AND v = {cls.v}')}")
        older = (
            raw.filter((pa.compute.field("kind") == cls.kind) & (pa.compute.field("v") < cls.v)) if cls.v > 1 else ()
        )
        if len(older):
            self.db.register("raw_lifted", lift(older))
            self.db.execute(f"INSERT INTO {place} {typed(cls, 'raw_lifted', 'true')}")
            self.db.unregister("raw_lifted")

    def _made(self) -> list[str]:
        """The SQL that makes the tables that grow and the views over old and new."""
        made = []
        for kind, cls in self._known.items():
            name = quoted(table_name(kind))
            made += [f"CREATE TABLE live.{name} AS {empty(cls)}", _view(name, "*")]
        return [*made, _view("events", ", ".join(RAW.names))]


class Cursor:
    """A connection of its own: it runs queries, and the report's projections by name."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self.db = db
        self.look(END_US)

    def look(self, as_of_us: int) -> None:
        """See what had been logged up to `as_of_us`."""
        look(self.db, as_of_us)

    def rows(self, query: str, parameters: dict[str, object] | None = None) -> list[Row]:
        """The rows of `query`. Raises `duckdb.Error`."""
        found: list[Row] = self.table(query, parameters).to_pylist()
        return found

    def table(self, query: str, parameters: dict[str, object] | None = None) -> pa.Table:
        """The same as an Arrow table."""
        return self.db.sql(query, params=parameters or {}).to_arrow_table()

    def projection(self, name: str) -> pa.Table:
        """The rows of the report's projection `name` as of now. Raises `UnknownPluginError` and `duckdb.Error`."""
        self._make(name, set())
        return self.table(f"SELECT * FROM temp.{quoted(name)}")

    def interrupt(self) -> None:
        """Stop the query that is running in another thread."""
        with suppress(duckdb.Error):
            self.db.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.db.close()

    def _make(self, name: str, made: set[str]) -> None:
        projection = projections.get(name)
        for used in projection.uses:
            if used not in made:
                self._make(used, made)
        self.db.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {projection.sql}")
        made.add(name)


def look(db: duckdb.DuckDBPyConnection, as_of_us: int) -> None:
    """Let the connection `db` see what had been logged up to `as_of_us`."""
    db.execute("SET search_path = 'seen,main'")
    db.execute(f"SET VARIABLE as_of = make_timestamptz({as_of_us}::BIGINT)")


def _view(name: str, columns: str) -> str:
    parts = " UNION ALL ".join(f"SELECT {columns} FROM {schema}.{name}" for schema in ("main", "live"))
    return f"CREATE VIEW seen.{name} AS SELECT * FROM ({parts}) WHERE time <= getvariable('as_of')"
