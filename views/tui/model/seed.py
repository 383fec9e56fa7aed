"""The fold's counters by SQL: what opening a run of a million events takes instead of reading each of them."""

from collections import deque
from typing import Any

from asd.core.event import kinds
from asd.views.tui import sql
from asd.views.tui.model.counters import READINGS, RECENT, STALL_US, WINDOW_S
from asd.views.tui.model.fold import RARE, Fold
from asd.views.tui.model.rows import micros, record_of
from asd.views.tui.model.state import MICRO, Answers, Cell, Pace, Reading, Recent
from asd.views.tui.model.tables import Cursor


def seeded(run: str, tables: Cursor) -> Fold:
    """The fold after everything that `tables` sees."""
    fold = Fold(run)
    fold.tasks = dict(_rows(tables, "planned"))
    for task in fold.tasks.values():
        fold.planned[task] = fold.planned.get(task, 0) + 1
    for row in _rows(tables, "rare", kinds=list(RARE)):
        record = record_of(row)
        fold.told(record, micros(record.time))
    _places(fold, tables)
    _answers(fold, tables)
    _decisions(fold, tables)
    _devices(fold, tables)
    _times(fold, tables)
    return fold


def _rows(tables: Cursor, name: str, **parameters: object) -> list[Any]:
    return tables.db.execute(sql.text(name), parameters).fetchall()


def _places(fold: Fold, tables: Cursor) -> None:
    for row in _rows(tables, "places"):
        fold.counted(*row)
    for fold.last_kind, fold.last_subject in _rows(tables, "latest"):
        pass
    versions = {kind: cls.v for kind, cls in kinds().items()}
    ((fold.unreadable,),) = _rows(tables, "unreadable", kinds=list(versions), versions=list(versions.values()))


def _answers(fold: Fold, tables: Cursor) -> None:
    for stage, task, *counts in _rows(tables, "generated"):
        fold.answers[stage, task] = Answers(*counts)
    for stage, task, graded, correct in _rows(tables, "graded"):
        old = fold.answers.get((stage, task), Answers())
        fold.answers[stage, task] = old._replace(graded=graded, correct=correct)
    for stage, first, busy, tokens in _rows(tables, "recent", rows=RECENT):
        fold.recent.append(Recent(stage, first, busy, tokens))


def _decisions(fold: Fold, tables: Cursor) -> None:
    for policy, lam, task, seed, *counts in _rows(tables, "decided"):
        fold.cells[policy, lam, task, seed] = Cell(*counts)
    for policy, lam, stage, stopped in _rows(tables, "stops"):
        fold.stops[policy, lam, stage] = stopped


def _devices(fold: Fold, tables: Cursor) -> None:
    for device, *reading, reasons in _rows(tables, "readings", rows=READINGS):
        readings = fold.devices.setdefault(device, deque(maxlen=READINGS))
        readings.append(Reading._make((*reading, tuple(reasons or ()))))


def _times(fold: Fold, tables: Cursor) -> None:
    oldest = fold.last_us // MICRO - WINDOW_S
    for second, *counts in _rows(tables, "pace", window=WINDOW_S):
        if second >= oldest:
            fold.pace[second] = Pace(*counts)
    ((fold.stalls, fold.longest_stall_us),) = _rows(tables, "stalls", stall=STALL_US)
