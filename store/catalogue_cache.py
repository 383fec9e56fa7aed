"""Typed tables of sealed segments, kept as Parquet beside the log; deleting them only costs making them again.

A batch is a folder with one Parquet file per event kind, made from some sealed segments and named after their hashes
and the tables' columns. A reader uses the batches whose segments are all still there and makes one more of the rest.
The segments themselves are linked into it, so that a query under way survives their being joined into larger ones.
"""

import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import orjson

from asd.core.errors import DamageError
from asd.core.event import Event
from asd.store.catalogue_decode import connect, fill, known_kinds
from asd.store.catalogue_types import fingerprint, literal, quoted, table_name

MANY = 6
"""More batches than this are made again as one: each file costs a query about a millisecond."""
RAW_PREFIX = "raw-"
KEPT_S = 600.0
"""A batch is not removed before this age in seconds, since another process may be reading it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed Parquet file: its hash from the signed manifest and the last sequence number it holds of its stream."""

    path: Path
    sha256: str
    stream: str
    last: int


def batches(folder: Path, segments: Sequence[Segment], kinds: dict[str, type[Event]]) -> list[Path]:
    """Folders of typed Parquet files that together hold exactly `segments`, made where they are missing.

    Raises `DamageError` where a segment is not the file that its manifest names.
    """
    if not segments:
        return []
    root = folder / fingerprint(kinds)
    found, missing = _usable(root, segments)
    if missing and len(found) >= MANY:
        found, missing = [], list(segments)
    if missing:
        found.append(_make(root, missing, kinds))
        _sweep(root, found)
    return found


def raw_files(batch: Path) -> list[Path]:
    """The sealed segments that a batch was made from."""
    return sorted(batch.glob(f"{RAW_PREFIX}*.parquet"))


def _sweep(root: Path, kept: Collection[Path]) -> None:
    """Remove batches that are in use no more, unless a reader may just have opened them."""
    for batch in root.iterdir():
        if batch not in kept and time.time() - batch.stat().st_mtime > KEPT_S:
            shutil.rmtree(batch, ignore_errors=True)


def _usable(root: Path, segments: Sequence[Segment]) -> tuple[list[Path], list[Segment]]:
    """The largest batches first that overlap nowhere, and the segments that none of them holds."""
    missing = {one.sha256: one for one in segments}
    found = []
    for batch, holds in sorted(_listed(root), key=lambda one: (-len(one[1]), one[0])):
        if holds and holds <= missing.keys():
            found.append(batch)
            for key in holds:
                del missing[key]
    return found, list(missing.values())


def _listed(root: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    for contents in root.glob("*/segments.json"):
        yield contents.parent, frozenset(orjson.loads(contents.read_bytes()))


def _make(root: Path, segments: Sequence[Segment], kinds: dict[str, type[Event]]) -> Path:
    """Write one batch beside its place and rename it there, so that a reader sees all of it or none."""
    for one in segments:
        _check(one)
    hashes = sorted(one.sha256 for one in segments)
    place = root / sha256("\n".join(hashes).encode()).hexdigest()[:32]
    root.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=root))
    try:
        _write(making, [one.path for one in segments], kinds)
        (making / "segments.json").write_bytes(orjson.dumps(hashes))
        _move(making, place)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return place


def _move(making: Path, place: Path) -> None:
    try:
        making.rename(place)
    except OSError:
        if not (place / "segments.json").exists():
            raise


def _write(making: Path, paths: Sequence[Path], kinds: dict[str, type[Event]]) -> None:
    for place, path in enumerate(paths):
        _link(path, making / f"{RAW_PREFIX}{place:06d}.parquet")
    with connect() as db:
        db.execute(f"CREATE VIEW raw AS SELECT * FROM {scan(paths)}")
        for kind, oldest in known_kinds(db, "raw", kinds).items():
            name = table_name(kind)
            fill(db, "raw", quoted(name), kinds[kind], oldest)
            target = literal(str(making / f"{name}.parquet"))
            db.execute(f"COPY {quoted(name)} TO {target} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)")
            db.execute(f"DROP TABLE {quoted(name)}")


def _link(path: Path, place: Path) -> None:
    try:
        place.hardlink_to(path)
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
