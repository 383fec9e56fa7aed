"""From Python: `asd.open("asd-store").run().table("results").df()`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from asd.store.catalogue import Catalogue
from asd.store.files import FileLog
from asd.store.store import Store
from asd.views.rendering import open_session
from asd.views.session import Session

if TYPE_CHECKING:
    import pandas
    import polars


class Table:
    """Rows with typed columns, in Arrow; `df()` and `pl()` need pandas and polars."""

    def __init__(self, rows: pa.Table) -> None:
        """`rows` is an Arrow table."""
        self._rows = rows

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table."""
        return self._rows

    def df(self) -> "pandas.DataFrame":
        """The rows as a pandas data frame."""
        return self._rows.to_pandas()

    def pl(self) -> "polars.DataFrame":
        """The rows as a polars data frame."""
        import polars

        frame = polars.from_arrow(self._rows)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def rows(self) -> list[dict[str, object]]:
        """The rows as plain values."""
        from asd.views.formats import rows_of

        return rows_of(self._rows)

    def __len__(self) -> int:
        """How many rows there are."""
        return int(self._rows.num_rows)

    def __repr__(self) -> str:
        from asd.views.formats import render

        return render(self._rows.slice(0, 20), "table")


class Run:
    """One run, read at its head of the moment in which the first table is asked for."""

    def __init__(self, store: Store, run: str) -> None:
        """Open nothing yet."""
        self.id = run
        self._store = store
        self._session: Session | None = None

    @property
    def log(self) -> FileLog:
        """The run's log: `read` and `follow` its records."""
        return self._store.run(self.id)

    def table(self, name: str) -> Table:
        """The projection `name`. Raises `UnknownPluginError` for a name that nothing provides."""
        return Table(self._open().table(name))

    def sql(self, query: str) -> Table:
        """The rows of `query` over this run's event tables. Raises `duckdb.Error` for what DuckDB refuses.

        It runs in your own process and can do what that can: a stranger's query belongs to `asd sql`.
        """
        return Table(self._open().catalogue.sql(query))

    def close(self) -> None:
        """Give the memory back; the next table reads the log anew."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _open(self) -> Session:
        if self._session is None:
            self._session = open_session(self._store, self.id)
        return self._session


class OpenStore:
    """The runs of one store."""

    def __init__(self, path: Path) -> None:
        """`path` is the store's folder."""
        self.path = path
        self._store = Store(path)

    def runs(self) -> tuple[str, ...]:
        """The ids of all runs, oldest first."""
        return self._store.runs()

    def run(self, run: str | None = None) -> Run:
        """A run by its id, None for the latest. Raises `UnknownRunError` where it is not there."""
        return Run(self._store, self._store.run(run).run)

    def sql(self, query: str) -> Table:
        """The rows of `query` over the event tables of all runs; confined as little as `Run.sql` is, same errors."""
        with self._catalogue() as catalogue:
            return Table(catalogue.sql(query))

    @contextmanager
    def _catalogue(self) -> Iterator[Catalogue]:
        catalogue = Catalogue([self._store.run(run) for run in self.runs()])
        try:
            yield catalogue
        finally:
            catalogue.close()


def open(store: str | Path | None = None) -> OpenStore:
    """The store in the folder `store`; None is $ASD_STORE, else ./asd-store."""
    return OpenStore(Path(store or os.environ.get("ASD_STORE") or "asd-store"))
