"""Typed tables of sealed segments, kept as Parquet beside the log; deleting them only costs making them again.

Each segment has a folder of its own, named after its hash, with one Parquet file per event kind, in the log's order.
The writer makes it after sealing a full file, so that a long run opens at once; a reader makes what is missing. The
segment itself is linked into it, so that a query under way survives its being joined into a larger one.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

import duckdb

from asd.core.errors import DamageError
from asd.core.event import Event
from asd.store.catalogue_decode import connect, fill, known_kinds, typed
from asd.store.catalogue_types import literal, quoted, table_name
from asd.store.segments import MAKING, Segment, typed_places

RAW = "raw-segment.parquet"
"""The name under which the segment itself is in its folder; no table has a hyphen in its name."""
KEPT_S = 600.0
"""A folder is not removed before this age in seconds, since another process may be reading it."""


def typed_folders(
    cache: Path, segments: Sequence[Segment], kinds: dict[str, type[Event]], mark: str = ""
) -> list[Path]:
    """The folder of typed Parquet files of each segment, made where it is missing; `mark` is in its name until then.

    Raises `DamageError` where a segment is not the file that its manifest names.
    """
    places = typed_places(cache, segments, kinds)
    missing = [(one, place) for one, place in zip(segments, places, strict=True) if not place.is_dir()]
    if missing:
        root = missing[0][1].parent
        root.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(min(len(missing), os.cpu_count() or 1)) as pool:
            list(pool.map(lambda one: _make(one[0], one[1], kinds, mark), missing))
        _sweep(root, places)
    return places


def _sweep(root: Path, kept: Collection[Path]) -> None:
    """Remove what is left of segments that are no more, unless a reader may just have opened it."""
    for place in set(root.iterdir()).difference(kept):
        with suppress(FileNotFoundError):
            if time.time() - place.stat().st_mtime > KEPT_S and _is_left(place):
                shutil.rmtree(place, ignore_errors=True)


def _is_left(place: Path) -> bool:
    """Whether making it was interrupted, or it has the only link to its segment."""
    return place.name.startswith(MAKING) or (place / RAW).stat().st_nlink == 1


def _make(segment: Segment, place: Path, kinds: dict[str, type[Event]], mark: str) -> None:
    """Write the folder beside its place and rename it there, so that a reader sees all of it or none."""
    _check(segment)
    making = Path(tempfile.mkdtemp(prefix=MAKING + mark, dir=place.parent))
    try:
        _link(segment.path, making / RAW)
        _write(making, kinds)
        _move(making, place)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _move(making: Path, place: Path) -> None:
    try:
        making.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _write(making: Path, kinds: dict[str, type[Event]]) -> None:
    """One thread a segment: rows keep their order, so the same segment always gives the same bytes."""
    with connect() as db:
        db.execute(f"SET threads = 1; CREATE VIEW raw AS SELECT * FROM {scan([making / RAW])}")
        for kind, oldest in known_kinds(db, "raw", kinds).items():
            target = literal(str(making / f"{table_name(kind)}.parquet"))
            rows = _rows(db, kinds[kind], oldest)
            db.execute(f"COPY ({rows}) TO {target} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)")


def _rows(db: duckdb.DuckDBPyConnection, cls: type[Event], oldest: int) -> str:
    """The SQL that gives the typed rows of `cls`; where older versions have to be lifted, out of a table."""
    if oldest >= cls.v:
        return typed(cls, "raw", f"kind = {literal(cls.kind)} AND v = {cls.v}")
    name = quoted(table_name(cls.kind))
    fill(db, "raw", name, cls, oldest)
    return f"SELECT * FROM {name} ORDER BY run, stream, seq"


def _link(path: Path, place: Path) -> None:
    try:
        place.hardlink_to(path)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(path, place)


def scan(paths: Collection[Path]) -> str:
    """The SQL that reads Parquet files as one table."""
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}])"


def _check(segment: Segment) -> None:
    digest = sha256()
    with segment.path.open("rb") as file:
        for block in iter(partial(file.read, 1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != segment.sha256:
        raise DamageError(
            f"{segment.path} is not the file that its manifest names; run `asd verify` to see what is wrong"
        )
