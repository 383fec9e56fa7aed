"""The list of runs: a little of each, read once and then only as each one changes."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from asd.store.catalogue_cache import scan
from asd.store.catalogue_decode import connect
from asd.store.files import FileLog
from asd.views.tui.model.fold import Fold
from asd.views.tui.model.rows import COLUMNS, micros, record_of
from asd.views.tui.model.source import TROUBLE, Signature, Source, Tail, signature, writer_alive
from asd.views.tui.model.state import RunState

LIFE = ("run.started", "run.resumed", "run.planned", "run.finished", "run.failed", "lambda.chosen", "sample.failed")
"""The kinds that the list of runs is made of, beside the counts."""
_COUNTS = """
SELECT stream, kind, count(*)::BIGINT, max(seq)::BIGINT, min(epoch_us(time))::BIGINT, max(epoch_us(time))::BIGINT
FROM {source} GROUP BY stream, kind
"""
_LIFE = f"""
SELECT {COLUMNS} FROM {{source}} WHERE kind IN (SELECT unnest($kinds)) ORDER BY time, stream, seq
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """One run in the list. `verified` is None where nobody looked; `trouble` says why it cannot be read."""

    state: RunState
    writer: bool | None = None
    verified: bool | None = None
    trouble: str = ""


class Survey:
    """What the list of runs knows, kept between looks."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._runs: dict[str, Glance] = {}

    def look(self) -> list[Listed]:
        """Every run of the store, the one with the latest event first."""
        names = self._source.runs()
        self._runs = {name: self._runs.get(name) or Glance(self._source.path / name) for name in names}
        listed = [run.look() for run in self._runs.values()]
        return sorted(listed, key=lambda one: (-one.state.last_us, one.state.run))

    def verified(self, run: str, right: bool | None) -> None:
        """Remember what checking `run` came to; it is forgotten when the run's files change."""
        if run in self._runs:
            self._runs[run].verified = right


class Glance:
    """A little of one run, kept between two looks."""

    def __init__(self, path: Path) -> None:
        """The run in the folder `path`."""
        self.verified: bool | None = None
        self._path = path
        self._fold = Fold(path.name)
        self._tail: Tail | None = None
        self._seen: Signature = ()
        self._trouble = ""
        self._again = 0.0

    def look(self) -> Listed:
        """The run as it is now; files that have not changed are not read again."""
        now = signature(self._path)
        if (now != self._seen and not self._trouble) or (self._trouble and time.monotonic() > self._again):
            self._seen, self._trouble, self.verified = now, "", None
            self._read()
        state = self._fold.state()
        alive = None if state.life.finished_us else writer_alive(self._path)
        return Listed(state, alive, self.verified, self._trouble)

    def _read(self) -> None:
        try:
            if self._tail is None:
                self._open()
            assert self._tail is not None
            while records := self._tail.poll():
                for record in records:
                    now = micros(record.time)
                    self._fold.place(record, now)
                    if record.kind in LIFE:
                        self._fold.told(record, now)
        except TROUBLE as error:
            self._trouble, self._again = " ".join(str(error).split()), time.monotonic() + 10.0
            self._tail, self._fold = None, replace(Fold(self._fold.run), life=self._fold.life)

    def _open(self) -> None:
        log = FileLog(self._path)
        ends: dict[str, int] = {}
        paths = [one.path for one in log.segments()]
        if paths:
            with connect() as db:
                ends = self._sealed(db, scan(paths))
        self._tail = Tail(log, ends)

    def _sealed(self, db: duckdb.DuckDBPyConnection, source: str) -> dict[str, int]:
        for row in db.execute(_LIFE.format(source=source), {"kinds": list(LIFE)}).fetchall():
            self._fold.told(record_of(row), row[3])
        for row in db.execute(_COUNTS.format(source=source)).fetchall():
            self._fold.counted(*row)
        return dict(self._fold.streams)
