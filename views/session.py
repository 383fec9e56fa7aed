"""One run's tables, opened once: projections run over them, each at most one time."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from asd.core.errors import UsageError
from asd.core.log import EventLog
from asd.store.catalogue import Catalogue
from asd.store.catalogue_types import quoted
from asd.views import projections


class Session:
    """The catalogue of one run, with the run that it varies (if any) in the schema `parent`, and those that measure its
    ablations in the schema `children`."""

    def __init__(
        self,
        log: EventLog,
        parent: EventLog | None = None,
        notes: Mapping[str, str] | None = None,
        children: Sequence[EventLog] = (),
    ) -> None:
        """Open the logs at their present heads; `notes` are the signed heads, by stream. Errors as for `Catalogue`."""
        self.run = log.run
        self.notes = dict(notes or {})
        self.children = tuple(child.run for child in children)
        self.catalogue = Catalogue([log], [parent] if parent is not None else [], children)
        self._made: set[str] = set()
        self._rows: dict[str, list[dict[str, object]]] = {}
        self._asked: dict[str, list[dict[str, object]]] = {}

    def table(self, name: str) -> pa.Table:
        """The rows of the projection `name`. Raises `UnknownPluginError`, and `UsageError` for SQL that fails."""
        self.make(name)
        return self.catalogue.sql(f"SELECT * FROM {quoted(name)}")

    def rows(self, name: str) -> list[dict[str, object]]:
        """The rows of the projection `name` as plain values; they are shared, so leave them as they are."""
        if name not in self._rows:
            self._rows[name] = self.table(name).to_pylist()
        return self._rows[name]

    @property
    def signed(self) -> dict[str, str]:
        """The signed heads of the streams that the session reads, by stream in order."""
        streams = {row["stream"] for row in self.rows("streams")}
        return {stream: note for stream, note in sorted(self.notes.items()) if stream in streams}

    def ask(self, query: str) -> list[dict[str, object]]:
        """The rows of `query`; the same query is asked of the catalogue once. Leave them as they are."""
        if query not in self._asked:
            self._asked[query] = self.catalogue.sql(query).to_pylist()
        return self._asked[query]

    def make(self, name: str, path: tuple[str, ...] = ()) -> None:
        """Compute the projection `name`, after those it uses, as a table of the same name."""
        if name in self._made:
            return
        if name in path:
            raise UsageError(f"projections use each other in a circle: {' > '.join((*path, name))}")
        projection = projections.get(name)
        for used in projection.uses:
            self.make(used, (*path, name))
        try:
            self.catalogue.db.execute(f"CREATE TEMP TABLE {quoted(name)} AS {projection.sql}")
        except duckdb.Error as error:
            raise UsageError(f"projection {name!r}: {str(error).splitlines()[0]}") from error
        self._made.add(name)

    def close(self) -> None:
        """Give the memory back."""
        self.catalogue.close()
