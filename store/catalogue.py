"""The SQL catalogue: a typed table per event kind, and `events` with everything, over one or several runs' logs."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.dataset as pads

import asd.core.facts  # noqa: F401  (registers the built-in events)
from asd.core.event import Event, kinds
from asd.core.log import EventLog
from asd.core.plugins import load_events
from asd.store.catalogue_cache import RAW, scan, typed_folders
from asd.store.catalogue_decode import connect, empty, fill, known_kinds, raw_table
from asd.store.catalogue_types import literal, quoted, table_file, table_name
from asd.store.segments import Segment

MACROS = """
CREATE OR REPLACE MACRO exact_sum(x) AS sum(CAST(x AS DECIMAL(38, 12)))::DOUBLE;
CREATE OR REPLACE MACRO exact_mean(x) AS sum(CAST(x AS DECIMAL(38, 12)))::DOUBLE / count(x);
"""
"""Sums that do not depend on the order in which rows arrive: the same events give the same digits on every machine."""


@runtime_checkable
class Sealing(EventLog, Protocol):
    """What a log may offer besides `EventLog`: its sealed segments, and a folder for what is derived from them."""

    def segments(self) -> Sequence[Segment]:
        """The sealed files that together hold the beginning of each stream, in order."""
        ...

    @property
    def cache(self) -> Path:
        """A folder whose contents can be deleted at any time."""
        ...


RELISTINGS = 3
"""How often segments are listed again that vanish while they are read."""


def prepare(cache: Path, segment: Segment) -> None:
    """Make the typed tables of a segment before anyone asks for them. Raises what opening a `Catalogue` would."""
    load_events()
    typed_folders(cache, [segment], kinds())


class Catalogue:
    """A DuckDB connection in memory with the tables of `logs`; the tables of `parents` are in the schema `parent`,
    those of `children` in the schema `children`.

    With `sealed_by_arrow` the sealed files are read by Arrow, so that DuckDB itself needs no access to any file.
    """

    def __init__(
        self,
        logs: Sequence[EventLog],
        parents: Sequence[EventLog] = (),
        children: Sequence[EventLog] = (),
        *,
        sealed_by_arrow: bool = False,
    ) -> None:
        """Open the logs at their present heads. Raises `DamageError` for a damaged segment, `EventError` for events
        that cannot be lifted to this build's version."""
        load_events()
        self.db = connect()
        self._temporary: TemporaryDirectory[str] | None = None
        self._arrow = sealed_by_arrow
        self._names = 0
        self.db.execute(f"SET parquet_metadata_cache = true; {MACROS}")
        self.db.execute("CREATE SCHEMA parent; CREATE SCHEMA children; CREATE SCHEMA hot")
        self._add("parent", parents)
        self._add("children", children)
        self._add("main", logs)

    def sql(self, query: str, parameters: dict[str, object] | None = None) -> pa.Table:
        """The rows of `query` as an Arrow table. Raises `duckdb.Error` for what DuckDB refuses."""
        return self.db.sql(query, params=parameters or {}).to_arrow_table()

    def unreadable(self) -> dict[str, int]:
        """How many events of each kind this build cannot put into a typed table: unknown kinds and newer versions."""
        readable = " OR ".join(f"(kind = {literal(kind)} AND v <= {cls.v})" for kind, cls in kinds().items())
        query = f"SELECT kind, count(*)::BIGINT FROM events WHERE NOT ({readable}) GROUP BY kind ORDER BY kind"
        return dict(self.db.execute(query).fetchall())

    def close(self) -> None:
        """Give the memory back."""
        self.db.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _sealed(self, log: Sealing, known: dict[str, type[Event]]) -> tuple[tuple[Segment, ...], list[Path]]:
        """The log's segments and their folders; listed again where some were joined while they were read."""
        for _ in range(RELISTINGS):
            with suppress(FileNotFoundError):
                segments = tuple(log.segments())
                return segments, typed_folders(self._cache(log), segments, known)
        segments = tuple(log.segments())
        return segments, typed_folders(self._cache(log), segments, known)

    def _cache(self, log: Sealing) -> Path:
        """The log's folder for what is derived, or one of our own where that cannot be written."""
        try:
            log.cache.mkdir(parents=True, exist_ok=True)
            if os.access(log.cache, os.W_OK):
                return log.cache
        except OSError:
            pass
        if self._temporary is None:
            self._temporary = TemporaryDirectory(prefix="asd-cache-")
        return Path(self._temporary.name) / log.run

    def _add(self, schema: str, logs: Sequence[EventLog]) -> None:
        known = kinds()
        typed: list[Path] = []
        hot: list[pa.Table] = []
        for log in logs:
            segments, made = self._sealed(log, known) if isinstance(log, Sealing) else ((), [])
            typed += made
            hot.append(raw_table(log.read(after=_ends(segments))))
        self.db.register("raw_hot", pa.concat_tables(hot) if hot else raw_table(()))
        self._events(schema, [folder / RAW for folder in typed])
        self._typed(schema, typed, known)
        self.db.unregister("raw_hot")

    def _events(self, schema: str, sealed: Sequence[Path]) -> None:
        columns = "run, stream, seq, time, id, kind, v, subject, cause, data"
        self.db.execute(f"CREATE TABLE hot.{schema}_events AS SELECT {columns} FROM raw_hot ORDER BY run, stream, seq")
        parts = [f"SELECT {columns} FROM {source}" for source in self._files(sealed)]
        parts.append(f"SELECT {columns} FROM hot.{schema}_events")
        self.db.execute(f"CREATE VIEW {schema}.events AS {' UNION ALL '.join(parts)}")

    def _typed(self, schema: str, typed: Sequence[Path], known: dict[str, type[Event]]) -> None:
        filled = known_kinds(self.db, "raw_hot", known)
        made = []
        for kind, cls in known.items():
            name = table_name(kind)
            file = table_file(cls)
            parts = list(self._files([folder / file for folder in typed if (folder / file).exists()]))
            if kind in filled:
                parts.append(f"hot.{quoted(f'{schema}_{name}')}")
                fill(self.db, "raw_hot", parts[-1], cls, filled[kind])
            made.append(_made(f"{schema}.{quoted(name)}", parts, cls))
        self.db.execute("; ".join(made))

    def _files(self, paths: Sequence[Path]) -> Iterable[str]:
        """The SQL sources that read `paths`: none where there are none."""
        if not paths:
            return ()
        if not self._arrow:
            return (scan(paths),)
        self._names += 1
        self.db.register(f"sealed_{self._names}", pads.dataset([str(path) for path in paths]))
        return (f"sealed_{self._names}",)


def _made(place: str, parts: Sequence[str], cls: type[Event]) -> str:
    """The SQL that makes the table `place` out of `parts`: empty, but of the right types, where there are none."""
    selects = [f"SELECT * FROM {part}" for part in parts] or [empty(cls)]
    return f"CREATE VIEW {place} AS {' UNION ALL '.join(selects)}"


def _ends(segments: Iterable[Segment]) -> dict[str, int]:
    """The last sequence number that is sealed, by stream."""
    ends: dict[str, int] = {}
    for one in segments:
        ends[one.stream] = max(one.last, ends.get(one.stream, -1))
    return ends
