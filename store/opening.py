"""Opening a stream to append: check what is there, cut a torn tail, refuse what is damaged."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

from asd.core.facts.telemetry import LogRecovered
from asd.core.log import Record
from asd.store.damage import DamagedFileError
from asd.store.disk import Disk
from asd.store.hot import HotReader
from asd.store.layout import Hot, Sealed, listing
from asd.store.line import record_in
from asd.store.manifest import read_manifest
from asd.store.merkle import Tree
from asd.store.torn import Flaw


@dataclass(slots=True)
class Opened:
    """How a stream stands: its tree, its last time, its files, and what was cut from its end."""

    tree: Tree = field(default_factory=Tree)
    last_time: datetime | None = None
    sealed: list[Sealed] = field(default_factory=list)
    hot: list[Hot] = field(default_factory=list)
    hot_end: int = 0
    records: list[Record] = field(default_factory=list)
    recovered: LogRecovered | None = None


def open_stream(folder: Path, disk: Disk) -> Opened:
    """Check the stream in `folder` from its last sealed file on and make it ready for appending.

    `records` are those of the hot files. Only the holder of the stream's lock may call this. Raises `DamageError`.
    """
    listed = listing(folder)
    opened = Opened()
    torn = False
    for one in listed.chain:
        if isinstance(one, Sealed):
            _take_sealed(opened, one)
        else:
            torn = _take_hot(opened, one, last=one is listed.chain[-1])
    if torn:
        _cut_torn_tail(opened, disk)
    for path in listed.spare:
        disk.remove(path)
    return opened


def _take_sealed(opened: Opened, sealed: Sealed) -> None:
    manifest = read_manifest(sealed)
    opened.tree = manifest.tree()
    opened.last_time = datetime.fromisoformat(manifest.last_time)
    opened.sealed.append(sealed)


def _take_hot(opened: Opened, hot: Hot, *, last: bool) -> bool:
    """Take the records of a hot file and return whether it has a torn tail."""
    if hot.first != opened.tree.size:
        raise DamagedFileError(hot.path, opened.tree.size, 0, f"events up to {hot.first - 1} are missing before it")
    with HotReader(hot.path, hot.first) as reader:
        for record in _checked(reader, opened.tree):
            opened.last_time = record.time
            opened.records.append(record)
        flaw = reader.flaw()
        torn = reader.stop > reader.end
        if flaw is None and torn and not last:
            flaw = Flaw(reader.end, reader.seq, "its group is cut short, and others follow")
        if flaw is not None:
            raise reader.error(flaw)
    opened.hot.append(hot)
    opened.hot_end = reader.end
    return torn


def _checked(reader: HotReader, tree: Tree) -> Iterator[Record]:
    for group in reader.groups():
        tree.extend(group.leaves)
        if tree.root() != group.commit.root:
            raise reader.error(Flaw(group.offset, group.commit.previous, "the root of its group is not the tree's"))
        for seq, line in enumerate(group.lines, group.commit.previous):
            record = record_in(line)
            if record is None:
                raise reader.error(Flaw(group.offset, seq, "its line holds no event"))
            yield record


def _cut_torn_tail(opened: Opened, disk: Disk) -> None:
    path = opened.hot[-1].path
    with path.open("rb") as file:
        file.seek(opened.hot_end)
        digest, size = file_digest(file, "sha256"), file.tell()
    fd = disk.open(path)
    try:
        disk.truncate(fd, opened.hot_end)
        disk.sync(fd)
    finally:
        disk.close(fd)
    opened.recovered = LogRecovered(
        file=path.name,
        offset=opened.hot_end,
        bytes_cut=size - opened.hot_end,
        bytes_sha256=digest.hexdigest(),
    )
