"""SQL that is safe to give to an auditor: one SELECT, over the log's tables, with every door to the outside shut."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import duckdb
import orjson
import pyarrow as pa

from asd.core.errors import LimitError, UsageError
from asd.core.log import EventLog
from asd.store.catalogue import Catalogue
from asd.store.catalogue_types import quoted

MEMORY_BYTES = 4 << 30
"""How much memory a query may use where nothing else is said."""
LOCKS = (
    "SET allow_community_extensions = false",
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET temp_directory = ''",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
"""What is switched off, in this order; after the last nothing can be switched on again."""
TABLES = """
SELECT view_name AS name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal AND NOT temporary ORDER BY name
"""
"""What SHOW TABLES answers: the tables of the logs, without what lies below them."""
_TABLES = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)


class LockedSql:
    """The catalogue of `logs` behind those locks: reads tables, and neither files, network nor settings.

    Sealed files are read by Arrow on DuckDB's behalf. Allowing DuckDB their folder instead would let
    `WITH x AS (COPY … TO 'a sealed file') SELECT …` overwrite them, which DuckDB counts as a SELECT. So are hot events:
    there is no table to delete from, for `json_execute_serialized_sql` runs what it is told to outside the transaction.
    """

    def __init__(
        self, logs: Sequence[EventLog], memory_bytes: int = MEMORY_BYTES, locks: Sequence[str] = LOCKS
    ) -> None:
        """Open the logs at their present heads and shut the doors; errors as for `Catalogue`.

        A query may use `memory_bytes`, its rows not counted; raises `LimitError` where that is too little to begin.
        """
        self._catalogue = Catalogue(logs, sealed_by_arrow=True)
        _freeze(self._catalogue.db)
        with _refusals():
            for lock in (f"SET memory_limit = '{memory_bytes}B'", *locks):
                self._catalogue.db.execute(lock)

    def select(self, query: str) -> pa.Table:
        """The rows of one SELECT as an Arrow table, read in a read-only transaction.

        Raises `UsageError` for anything else, and for what DuckDB refuses; `LimitError` where memory does not suffice.
        """
        db = self._catalogue.db
        with _refusals():
            statement = TABLES if _TABLES.fullmatch(query) else _single(db, query)
            db.execute("BEGIN TRANSACTION READ ONLY")
            try:
                return _interruptibly(db, statement)
            finally:
                db.execute("ROLLBACK")

    def unreadable(self) -> dict[str, int]:
        """See `Catalogue.unreadable`."""
        with _refusals():
            return self._catalogue.unreadable()

    def close(self) -> None:
        """Give the memory back."""
        self._catalogue.close()


@contextmanager
def _refusals() -> Iterator[None]:
    """What DuckDB refuses, as errors of asd."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise LimitError(
            "the query needs more memory than it may use; ask for less, or allow more with --memory"
        ) from error
    except duckdb.Error as error:
        raise UsageError(f"SQL: {_first_line(error)}") from error


def _interruptibly(db: duckdb.DuckDBPyConnection, statement: str) -> pa.Table:
    """The rows of `statement`, computed in a thread: DuckDB does not look for signals, and this thread does."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        rows = pool.submit(lambda: db.sql(statement).to_arrow_table())
        try:
            return rows.result()
        except BaseException:
            db.interrupt()
            raise


def _freeze(db: duckdb.DuckDBPyConnection) -> None:
    """Turn every table into a view of an Arrow table, which nothing can be written to."""
    tables = db.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()
    for number, (schema, name) in enumerate(tables):
        place, rows = f"{quoted(schema)}.{quoted(name)}", f"frozen_{number}"
        columns = db.execute(f"DESCRIBE {place}").fetchall()
        typed = ", ".join(f"{quoted(column)}::{kind} AS {quoted(column)}" for column, kind, *_ in columns)
        db.register(rows, db.sql(f"FROM {place}").to_arrow_table())
        db.execute(f"DROP TABLE {place}; CREATE VIEW {place} AS SELECT {typed} FROM {rows}")


def _single(db: duckdb.DuckDBPyConnection, query: str) -> str:
    """`query` if it is one SELECT that changes nothing, else `UsageError`."""
    try:
        statements = db.extract_statements(query)
        selects = [one for one in statements if one.type == duckdb.StatementType.SELECT]
    except (ValueError, TypeError):  # a type of statement that this DuckDB has no name for; text that is no Unicode
        statements = selects = []
    if len(statements) != 1 or len(selects) != 1:
        raise UsageError("SQL: one SELECT at a time; nothing else is allowed here")
    tree = db.execute("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", [statements[0].query]).fetchone()
    if tree is not None and any(name not in _READING for name in _nodes(orjson.loads(tree[0]))):
        raise UsageError("SQL: a SELECT that writes (INSERT, UPDATE, DELETE, COPY inside WITH) is not allowed here")
    return str(statements[0].query)


_READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}


def _nodes(tree: object) -> Iterator[str]:
    """The types of all query nodes in a serialized statement."""
    if isinstance(tree, dict):
        kind = tree.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE"):
            yield kind
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _first_line(error: Exception) -> str:
    """DuckDB's message without its drawing of the place."""
    return " ".join(line.strip() for line in str(error).split("\n\n")[0].splitlines())
