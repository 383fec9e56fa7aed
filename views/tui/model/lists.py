"""Long lists by pages: an index of what passes the filter, in order, kept in SQL; only shown rows are ever fetched."""

from collections.abc import Sequence
from typing import Any, Protocol

from asd.views.tui.model.filters import Where, events_where, samples_where
from asd.views.tui.model.tables import Cursor

PAGE = 100
"""Rows that are fetched together."""
Row = tuple[Any, ...]


class Listing(Protocol):
    """A list that is too long to hold: how many rows, any hundred of them, the next that a search finds."""

    def refresh(self, tables: Cursor, filter: str, sort: str) -> int:
        """Bring the index up to date; return the number of rows."""
        ...

    def page(self, tables: Cursor, offset: int) -> Sequence[Row]:
        """At most `PAGE` rows from `offset` on."""
        ...

    def find(self, tables: Cursor, text: str, start: int, backwards: bool) -> int | None:
        """The nearest row after (before) `start` that matches `text`, going round at the end."""
        ...


_SAMPLES = """
CREATE OR REPLACE TEMP TABLE sample_list AS
WITH graded AS (
    SELECT sample, min(correct::INT) AS least_right, max(correct::INT) AS most_right,
        coalesce(bool_and(correct) FILTER (stage = (SELECT max(stage) FROM sample_graded)), false) AS last_right
    FROM sample_graded GROUP BY sample
), generated AS (
    SELECT sample, count(DISTINCT stage) AS answers, sum(busy_s) AS busy_s, sum(output_tokens) AS tokens
    FROM sample_generated GROUP BY sample
), failed AS (
    SELECT sample, count(*) AS failed FROM sample_failed GROUP BY sample
), stopped AS (
    SELECT sample, bool_and(early) AS early, avg(stage) AS stop FROM sample_answered GROUP BY sample
), named AS (
    SELECT p.sample, p.task, p.role, coalesce(p.cluster, '') AS cluster, p.prompt, p.stream, p.seq,
        (SELECT max(len(stages)) FROM run_planned) AS stages,
        coalesce(g.least_right, 0) AS least_right, coalesce(g.most_right, 0) AS most_right,
        coalesce(g.last_right, false) AS last_right, coalesce(a.answers, 0) AS answers, a.busy_s, a.tokens,
        coalesce(f.failed, 0) AS failed, coalesce(s.early, false) AS early, s.early IS NOT NULL AS decided, s.stop
    FROM sample_planned p LEFT JOIN graded g USING (sample) LEFT JOIN generated a USING (sample)
    LEFT JOIN failed f USING (sample) LEFT JOIN stopped s USING (sample)
)
SELECT row_number() OVER (ORDER BY {order}) - 1 AS n, sample FROM named WHERE {where}
"""
SAMPLE_SORTS = {
    "log": "stream, seq",
    "name": "sample",
    "wrong first": "last_right, most_right, stream, seq",
    "most stages": "stop DESC NULLS LAST, stream, seq",
    "slowest": "busy_s DESC NULLS LAST, stream, seq",
    "longest": "tokens DESC NULLS LAST, stream, seq",
}
"""The orders of the samples, by name; `s` goes from one to the next."""
_SAMPLE_PAGE = """
WITH page AS (
    SELECT n, sample FROM temp.sample_list WHERE n >= $offset AND n < $offset + $rows
), marks AS (
    SELECT sample, stage, bool_and(correct) AS correct FROM sample_graded
    WHERE sample IN (SELECT sample FROM page) GROUP BY sample, stage
), grades AS (
    SELECT sample, list(stage ORDER BY stage) AS graded, list(correct ORDER BY stage) AS correct
    FROM marks GROUP BY sample
), stops AS (
    SELECT sample, min(stage) AS first_stop, max(stage) AS last_stop, avg(q) AS q, avg(correct::INT) AS kept,
        avg(cost) AS cost
    FROM sample_answered WHERE sample IN (SELECT sample FROM page)
        AND ($lam IS NULL OR lam = $lam) GROUP BY sample
), answers AS (
    SELECT sample, sum(busy_s) AS busy_s, sum(output_tokens)::BIGINT AS tokens FROM sample_generated
    WHERE sample IN (SELECT sample FROM page) GROUP BY sample
)
SELECT page.sample, task, graded, correct, first_stop, last_stop, q, kept, cost, busy_s, tokens, prompt
FROM page LEFT JOIN sample_planned USING (sample) LEFT JOIN grades USING (sample)
LEFT JOIN stops USING (sample) LEFT JOIN answers USING (sample)
ORDER BY page.n
"""
_FIND = """
SELECT n FROM temp.{index} l JOIN ({rows}) r ON {join}
ORDER BY {near} LIMIT 1
"""


class Samples:
    """The samples of the run. `lam` is the λ whose decisions the rows show, None for all of them."""

    def __init__(self) -> None:
        self.lam: float | None = None

    def refresh(self, tables: Cursor, filter: str, sort: str) -> int:
        """Number the samples that pass the filter anew; see `SAMPLE_SORTS`."""
        where = samples_where(filter)
        made = _SAMPLES.format(order=SAMPLE_SORTS[sort], where=where.sql)
        tables.db.execute(made, where.parameters)
        return _count(tables, "sample_list")

    def page(self, tables: Cursor, offset: int) -> Sequence[Row]:
        """See `Listing`. Columns as in `_SAMPLE_PAGE`."""
        asked = {"offset": offset, "rows": PAGE, "lam": self.lam}
        found: list[Row] = tables.db.execute(_SAMPLE_PAGE, asked).fetchall()
        return found

    def find(self, tables: Cursor, text: str, start: int, backwards: bool) -> int | None:
        """See `Listing`; the words are those of the filter's that are looked for in texts."""
        where = _anywhere(text)
        rows = f"SELECT sample FROM sample_planned WHERE {where.sql}"
        return _found(tables, "sample_list", rows, "l.sample = r.sample", where, start, backwards)


class Events:
    """The events of all streams, in the log's order; the index grows with the log."""

    def __init__(self) -> None:
        self._made_for: str | None = None

    def forget(self) -> None:
        """Number the events anew next time: another moment is looked at."""
        self._made_for = None

    def refresh(self, tables: Cursor, filter: str, sort: str) -> int:
        """Number the events that pass the filter; those that are numbered already keep their numbers."""
        if self._made_for != filter:
            tables.db.execute("CREATE OR REPLACE TEMP TABLE event_list (n BIGINT, stream VARCHAR, seq BIGINT)")
            tables.db.execute("CREATE OR REPLACE TEMP TABLE event_heads (stream VARCHAR, head BIGINT)")
            self._made_for = filter
        where = events_where(filter)
        tables.db.execute(_EVENTS_GROW.format(where=where.sql), where.parameters)
        tables.db.execute(_HEADS)
        return _count(tables, "event_list")

    def page(self, tables: Cursor, offset: int) -> Sequence[Row]:
        """See `Listing`. Columns: stream, sequence number, microseconds, kind, subject, cause, data."""
        found: list[Row] = []
        for stream, first, last in tables.db.execute(_EVENT_RANGES, {"offset": offset, "rows": PAGE}).fetchall():
            asked = {"offset": offset, "rows": PAGE, "stream": stream, "first": first, "last": last}
            found += tables.db.execute(_EVENT_PAGE, asked).fetchall()
        return [row[1:] for row in sorted(found)]

    def find(self, tables: Cursor, text: str, start: int, backwards: bool) -> int | None:
        """See `Listing`."""
        where = events_where(text)
        rows = f"SELECT stream, seq FROM events WHERE {where.sql}"
        return _found(tables, "event_list", rows, "l.stream = r.stream AND l.seq = r.seq", where, start, backwards)


_EVENTS_GROW = """
INSERT INTO temp.event_list
SELECT (SELECT count(*) FROM temp.event_list) + row_number() OVER (ORDER BY e.time, e.stream, e.seq) - 1,
    e.stream, e.seq
FROM events e LEFT JOIN temp.event_heads h ON h.stream = e.stream
WHERE e.seq > coalesce(h.head, -1) AND {where}
"""
_HEADS = """
CREATE OR REPLACE TEMP TABLE event_heads AS SELECT stream, max(seq) AS head FROM events GROUP BY stream
"""
_EVENT_RANGES = """
SELECT stream, min(seq), max(seq) FROM temp.event_list WHERE n >= $offset AND n < $offset + $rows GROUP BY stream
"""
_EVENT_PAGE = """
SELECT l.n, e.stream, e.seq, epoch_us(e.time)::BIGINT, e.kind, e.subject, e.cause, left(e.data, 400)
FROM events e JOIN temp.event_list l ON l.stream = e.stream AND l.seq = e.seq
WHERE e.stream = $stream AND e.seq BETWEEN $first AND $last AND l.n >= $offset AND l.n < $offset + $rows
"""


def _count(tables: Cursor, index: str) -> int:
    ((rows,),) = tables.db.execute(f"SELECT count(*)::BIGINT FROM temp.{index}").fetchall()
    return int(rows)


def _anywhere(text: str) -> Where:
    """The text as one condition: every word of it is looked for in name, prompt and answers."""
    return samples_where(" ".join(word.replace("=", " ") for word in text.split()))


def _found(tables: Cursor, index: str, rows: str, join: str, where: Where, start: int, backwards: bool) -> int | None:
    ahead = f"l.n {'<' if backwards else '>'} {int(start)}"
    near = f"({ahead}) DESC, l.n {'DESC' if backwards else 'ASC'}"
    query = _FIND.format(index=index, rows=rows, join=join, near=near)
    found = tables.db.execute(query, where.parameters).fetchone()
    return None if found is None else int(found[0])
