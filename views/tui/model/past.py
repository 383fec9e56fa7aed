"""The run as of any moment: a jump is counted by SQL, a small step forward is folded."""

import time

from asd.views.tui.model.fold import Fold
from asd.views.tui.model.rows import COLUMNS, record_of
from asd.views.tui.model.seed import seeded
from asd.views.tui.model.state import MICRO, RunState
from asd.views.tui.model.tables import Tables

STEP = 4000
"""More events than this in one step forward are counted by SQL."""
_BETWEEN = f"""
SELECT {COLUMNS}
FROM events WHERE time > make_timestamptz($after::BIGINT) AND time <= make_timestamptz($until::BIGINT)
ORDER BY time, stream, seq LIMIT $most
"""


class Past:
    """One run's states by time; it remembers the one that it gave last."""

    def __init__(self, run: str, tables: Tables) -> None:
        self._run = run
        self._tables = tables
        self._cursor = tables.cursor()
        self._fold = Fold(run)
        self._at_us = 0
        self._looked = time.monotonic()

    def at(self, wanted_us: int, speed: int, end_us: int) -> tuple[int, RunState]:
        """The state at `wanted_us`, or where a replay at `speed` has got to since the last look, and that moment."""
        now = time.monotonic()
        passed = int((now - self._looked) * speed * MICRO)
        self._looked = now
        moment = min(wanted_us + passed, end_us)
        if moment != self._at_us:
            self._go(moment)
        return moment, self._fold.state(moment)

    def _go(self, moment: int) -> None:
        self._tables.sync()
        if moment < self._at_us or not self._step(moment):
            self._cursor.look(moment)
            self._fold = seeded(self._run, self._cursor)
        self._at_us = moment

    def _step(self, moment: int) -> bool:
        """Fold what lies between, unless it is too much."""
        if not self._at_us:
            return False
        self._cursor.look(moment)
        between = {"after": self._at_us, "until": moment, "most": STEP + 1}
        rows = self._cursor.db.execute(_BETWEEN, between).fetchall()
        if len(rows) > STEP:
            return False
        for row in rows:
            self._fold.apply(record_of(row))
        return True
