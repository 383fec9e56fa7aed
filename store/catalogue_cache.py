"""Typed tables of sealed segments, kept as Parquet beside the log; deleting them only costs making them again.

<cache>/<build>/<segment>/<kind>-<hash>.parquet    the rows of one kind, in the log's order
<cache>/<build>/<segment>/raw-segment.parquet      the segment itself

The writer makes a segment's folder after sealing a full file, so that a long run opens at once; a reader makes what is
missing. What another build has made in the same way is linked, not made again. So is the segment, so that a query under
way survives its being joined into a larger one.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

from asd.core.errors import DamageError
from asd.core.event import Event
from asd.store.catalogue_decode import connect, known_kinds, write
from asd.store.catalogue_types import literal, table_file
from asd.store.disk import DISK
from asd.store.segments import MAKING, Segment, typed_places

RAW = "raw-segment.parquet"
"""The name under which the segment itself is in its folder; behind the hyphen of a table is a hash."""
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
        _remove(place for place in set(root.iterdir()).difference(places) if _is_old(place) and _is_left(place))
        _remove(place for place in _outlived(root) if _is_old(place))
    return places


def _remove(places: Iterable[Path]) -> None:
    for place in places:
        shutil.rmtree(place, ignore_errors=True)


def _is_old(place: Path) -> bool:
    """Whether nothing was added to it for so long that no reader can just have opened it."""
    with suppress(FileNotFoundError):
        return time.time() - place.stat().st_mtime > KEPT_S
    return False


def _is_left(place: Path) -> bool:
    """Whether making it was interrupted, or all links to its segment are in folders such as this."""
    links = len(list(place.parent.parent.glob(f"*/{place.name}/{RAW}")))
    with suppress(FileNotFoundError):
        return place.name.startswith(MAKING) or (place / RAW).stat().st_nlink <= links
    return False


def _outlived(root: Path) -> list[Path]:
    """The folders of other builds but the one that was last added to: programs may be running that read that one."""
    others = [one for one in root.parent.glob("?" * len(root.name)) if one != root]
    return sorted(others, key=lambda one: one.stat().st_mtime)[:-1]


def _make(segment: Segment, place: Path, kinds: dict[str, type[Event]], mark: str) -> None:
    """Write the folder beside its place and rename it there, so that a reader sees all of it or none."""
    _check(segment)
    making = Path(tempfile.mkdtemp(prefix=MAKING + mark, dir=place.parent))
    try:
        _link(segment.path, making / RAW)
        _write(making, kinds, list(place.parent.parent.glob(f"*/{place.name}")))
        _sync(making)
        _move(making, place)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Wait until the folder's files are on the disk: after a power cut nothing else would tell torn ones from whole."""
    for file in folder.iterdir():
        if file.name != RAW:
            fd = DISK.open(file)
            try:
                DISK.sync(fd)
            finally:
                DISK.close(fd)
    DISK.sync_folder(folder)


def _move(making: Path, place: Path) -> None:
    try:
        making.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _write(making: Path, kinds: dict[str, type[Event]], others: Sequence[Path]) -> None:
    """One thread a segment: rows keep their order, so the same segment always gives the same bytes. `others` are the
    folders that other builds have made of it."""
    with connect() as db:
        db.execute(f"SET threads = 1; CREATE VIEW raw AS SELECT * FROM {scan([making / RAW])}")
        for kind, oldest in known_kinds(db, "raw", kinds).items():
            target = making / table_file(kinds[kind])
            if not _taken(target, others):
                write(db, "raw", target, kinds[kind], oldest)


def _taken(target: Path, others: Sequence[Path]) -> bool:
    """Whether one of the folders `others` has the same file; it is linked then."""
    for folder in others:
        with suppress(FileNotFoundError):
            _link(folder / target.name, target)
            return True
    return False


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
