"""Power cuts, simulated: what a disk may hold after one, given the calls that the log made until then.

A trace of writes, syncs, renames and folder syncs is recorded while a log is written. At any point of it the power may
go. Then each file holds what was last synced, plus any part of what was written since: a prefix to the byte, or some
512-byte sectors and not others, those missing filled with zeros or garbage. Each folder holds the entries that were
last synced, plus some of the later ones; a folder that is renamed takes along what is in it. A sector is written whole
or not at all: bytes of it that were synced before stay.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count
from pathlib import Path
from random import Random
from threading import RLock

from log_events import failed, graded, started

from asd.core.event import Event
from asd.core.log import Record
from asd.store.commit import SECTOR
from asd.store.copies import merge
from asd.store.damage import DamagedFileError
from asd.store.disk import Disk
from asd.store.files import FileLog
from asd.store.line import data_of
from asd.store.opening import open_stream
from asd.store.options import Options
from asd.store.verify import verify

Write = tuple[int, bytes]


@dataclass(slots=True)
class Inode:
    """A file: what is on the disk for sure, and what was asked for since. A pending int is a cut to that size."""

    durable: bytes = b""
    pending: list[Write | int] = field(default_factory=list)

    def content(self, steps: int | None = None) -> bytes:
        """The file with the first `steps` pending changes (None: all)."""
        found = bytearray(self.durable)
        for step in self.pending[:steps]:
            _apply(found, step)
        return bytes(found)

    def copy(self) -> "Inode":
        """The same state, apart."""
        return Inode(self.durable, list(self.pending))


def _apply(content: bytearray, step: Write | int) -> None:
    if isinstance(step, int):
        del content[step:]
        content.extend(bytes(step - len(content)))
        return
    offset, data = step
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


Place = tuple[int, str]
"""The number of a folder, and a name in it."""
Entry = tuple[str, Place, Place, int]
"""A change of a folder: what it is, the old and the new place, and the number of the file or folder there."""


@dataclass(slots=True)
class Moment:
    """The disk at one point of the trace, and what had been acknowledged by then; `roots` were there before it."""

    inodes: dict[int, Inode]
    roots: dict[int, Path]
    entries: dict[Place, int]
    unsynced: list[Entry]
    acknowledged: int


class RecordingDisk(Disk):
    """The real disk, remembering each call; `moments` has one state per call."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.acknowledged = -1
        self.roots: dict[int, Path] = {}
        self._inodes: dict[int, Inode] = {}
        self._entries: dict[Place, int] = {}
        self._unsynced: list[Entry] = []
        self._open: dict[int, int] = {}
        self._names: dict[Path, int] = {}
        self._numbers = count()
        self._lock = RLock()

    def acknowledge(self, seq: int) -> None:
        """The log said that `seq` is safe."""
        with self._lock:
            self.acknowledged = seq
            self._note()

    def create(self, path: Path) -> int:
        with self._lock:
            fd = super().create(path)
            self._names[path] = self._open[fd] = number = next(self._numbers)
            self._inodes[number] = Inode()
            self._change("create", path, path, number)
            return fd

    def open(self, path: Path) -> int:
        with self._lock:
            fd = super().open(path)
            self._open[fd] = self._names[path]
            return fd

    def write(self, fd: int, data: memoryview, offset: int) -> int:
        with self._lock:
            written = super().write(fd, data, offset)
            self._inodes[self._open[fd]].pending.append((offset, bytes(data[:written])))
            self._note()
            return written

    def truncate(self, fd: int, size: int) -> None:
        with self._lock:
            super().truncate(fd, size)
            self._inodes[self._open[fd]].pending.append(size)
            self._note()

    def sync(self, fd: int) -> None:
        with self._lock:
            inode = self._inodes[self._open[fd]]
            inode.durable, inode.pending = inode.content(), []
            self._note()

    def rename(self, old: Path, new: Path) -> None:
        with self._lock:
            super().rename(old, new)
            number = self._names[old]
            for path in [path for path in self._names if path.is_relative_to(old)]:
                self._names[new / path.relative_to(old)] = self._names.pop(path)
            self._change("rename", old, new, number)

    def remove(self, path: Path) -> None:
        with self._lock:
            super().remove(path)
            self._change("remove", path, path, self._names.pop(path))

    def make_folder(self, path: Path) -> None:
        with self._lock:
            if not path.exists():
                super().make_folder(path)
                self._names[path] = number = next(self._numbers)
                self._change("create", path, path, number)

    def sync_folder(self, path: Path) -> None:
        with self._lock:
            folder = self._folder(path)
            for entry in self._unsynced:
                if entry[2][0] == folder:
                    _enter(self._entries, entry)
            self._unsynced = [entry for entry in self._unsynced if entry[2][0] != folder]
            self._note()

    def _folder(self, path: Path) -> int:
        """The number of a folder; one that this disk has not made was there before."""
        if path not in self._names:
            self._names[path] = number = next(self._numbers)
            self.roots[number] = path
        return self._names[path]

    def _change(self, what: str, old: Path, new: Path, number: int) -> None:
        self._unsynced.append(
            (what, (self._folder(old.parent), old.name), (self._folder(new.parent), new.name), number)
        )
        self._note()

    def _note(self) -> None:
        """Inodes that nothing is pending for are shared between moments; the others are copied."""
        inodes = {number: inode.copy() for number, inode in self._inodes.items()}
        self.moments.append(Moment(inodes, self.roots, dict(self._entries), list(self._unsynced), self.acknowledged))


def _enter(entries: dict[Place, int], entry: Entry) -> None:
    what, old, new, number = entry
    entries.pop(old, None)
    if what != "remove":
        entries[new] = number


def after_power_cut(moment: Moment, random: Random) -> dict[Path, bytes | None]:
    """What one power cut leaves: files with their bytes, and folders."""
    entries = dict(moment.entries)
    for entry in _some(moment.unsynced, random):
        _enter(entries, entry)
    found: dict[Path, bytes | None] = {}
    waiting = list(moment.roots.items())
    for folder, path in waiting:
        for (parent, name), number in entries.items():
            if parent == folder:
                inode = moment.inodes.get(number)
                found[path / name] = None if inode is None else left_of(inode, random)
                waiting += [] if inode else [(number, path / name)]
    return found


def _some(entries: Sequence[Entry], random: Random) -> Sequence[Entry]:
    match random.randrange(4):
        case 0:
            return ()
        case 1:
            return entries
        case 2:
            return entries[: random.randint(0, len(entries))]
        case _:
            return [entry for entry in entries if random.random() < 0.5]


def left_of(inode: Inode, random: Random) -> bytes:
    """What a power cut leaves of one file."""
    if not inode.pending:
        return inode.durable
    steps = random.randint(0, len(inode.pending))
    before, after = inode.content(max(0, steps - 1)), inode.content(steps)
    if steps == 0 or len(after) <= len(before):
        return after
    match random.randrange(5):
        case 0:
            return after
        case 1:
            cut = random.randint(len(before), len(after))
            return after[: random.choice((cut, max(len(before), cut - cut % SECTOR)))]
        case 2:
            cut = random.randint(len(before), len(after))
            return after[:cut] + bytes(len(after) - cut)
        case 3:
            return _with_lost_sectors(before, after, random, bytes)
        case _:
            return _with_lost_sectors(before, after, random, random.randbytes)


def _with_lost_sectors(before: bytes, after: bytes, random: Random, filling: Callable[[int], bytes]) -> bytes:
    """Some sectors of what was added are lost; of one that held synced bytes, only what was added, and to zeros."""
    found, share = bytearray(after), random.choice((0.02, 0.2, 0.5, 0.95))
    for start in range(len(before) - len(before) % SECTOR, len(after), SECTOR):
        if random.random() < share:
            begin, end = max(start, len(before)), min(start + SECTOR, len(after))
            found[begin:end] = filling(end - begin) if begin == start else bytes(end - begin)
    return bytes(found)


@dataclass(slots=True)
class Written:
    """A log that was written over a recording disk: the appends, in order, and the moments in between."""

    run: Path
    batches: list[list[Event]]
    moments: list[Moment]

    def whole(self) -> dict[str, bytes]:
        """Every file that ever got a name, by that name, as it was at the end."""
        if not self._whole:
            for moment in self.moments:
                for _, _, new, inode in moment.unsynced:
                    if inode in self.moments[-1].inodes:
                        self._whole[new[1]] = self.moments[-1].inodes[inode].content()
        return self._whole

    _whole: dict[str, bytes] = field(default_factory=dict)


def write(run: Path, disk: RecordingDisk, random: Random, durability: str = "group") -> Written:
    """Write a log of some thirty appends, sealing now and then, with a reopening in the middle."""
    batches: list[list[Event]] = []
    options = Options(durability=durability, seal_events=random.randint(8, 30), keep_hot_s=0, disk=disk)
    for part in range(2):
        log = FileLog(run, options)
        for number in range(random.randint(8, 16)):
            batches.append(_batch(100 * part + number, random))
            seq = log.append("main", batches[-1])
            if random.random() < 0.7:
                log.durable("main", seq)
                disk.acknowledge(seq)
        log.close()
        disk.acknowledge(seq)
    return Written(run, batches, disk.moments)


def _batch(number: int, random: Random) -> list[Event]:
    texts = ("", "short", "a longer answer, 日本語 too. " * 20, "x" * 1500)
    some: list[Event] = [failed(number, random.choice(texts)) for _ in range(random.randint(0, 4))]
    return [*some, random.choice((graded(number), started(f"phase {number}")))]


def states(moments: Sequence[Moment], count: int, random: Random) -> Iterator[tuple[Moment, dict[Path, bytes | None]]]:
    """Some `count` states of the disk, moments in turn."""
    for number in range(count):
        moment = moments[number % len(moments)]
        yield moment, after_power_cut(moment, random)


def violations(place: Path, random: Random, count: int, disk: RecordingDisk, each: int = 50) -> Counter[str]:
    """What goes wrong in `count` states of one log written and cut in the folder `place`; every `each`th thoroughly."""
    (place / "cut").mkdir()
    durability = random.choice(("group", "each"))
    written = write(place / "written" / "run-1", disk, random, durability)
    found = _beside(disk, place)
    for number, (moment, files) in enumerate(states(written.moments, count, random)):
        wrong = violation(written, moment, files, place / "cut", thorough=number % each == each - 1)
        found.update([wrong] if wrong else [])
    return found


def _beside(disk: RecordingDisk, place: Path) -> Counter[str]:
    """Whether another folder was written to than those that this disk made in `place`."""
    return Counter(f"{path} was touched" for path in disk.roots.values() if path != place)


def violation(
    written: Written, moment: Moment, files: dict[Path, bytes | None], place: Path, *, thorough: bool = False
) -> str | None:
    """What a log opened on `files` gets wrong, or None; `place` is an empty folder to lay them out in.

    Sealed files are compared with what was written to them; `thorough` reads, appends and verifies besides.
    """
    run = place / written.run.name
    (run / "main").mkdir(parents=True)
    for path, content in files.items():
        if content is not None:
            (run / "main" / path.name).write_bytes(content)
    try:
        if thorough:
            return _violation(run, written.batches, moment.acknowledged)
        return _opening_violation(run / "main", written, moment.acknowledged)
    except DamagedFileError as error:
        return f"damage: {error.what}"
    finally:
        shutil.rmtree(run)


def _opening_violation(folder: Path, written: Written, acknowledged: int) -> str | None:
    whole = written.whole()
    opened = open_stream(folder, Disk())
    for sealed in opened.sealed:
        if not sealed.note.exists():
            return f"{sealed.path.name} has lost its signed head"
        if any(whole[path.name] != path.read_bytes() for path in sealed.parts):
            return f"{sealed.path.name} has its name and not its content"
    first = opened.sealed[-1].last + 1 if opened.sealed else 0
    if opened.tree.size <= acknowledged:
        return f"acknowledged {acknowledged}, found {opened.tree.size}"
    ends = [0, *accumulate(map(len, written.batches))]
    data = [data_of(event) for batch in written.batches for event in batch]
    if opened.tree.size not in ends or [one.data for one in opened.records] != data[first : opened.tree.size]:
        return "an append is there in part or altered"
    again = open_stream(folder, Disk())
    return None if again.recovered is None and again.tree.size == opened.tree.size else "it is not mended by opening"


def _violation(run: Path, batches: Sequence[Sequence[Event]], acknowledged: int) -> str | None:
    before = list(FileLog(run).read())
    with FileLog(run, Options(durability="each", disk=Disk())) as log:
        log.append("main", [started("after the power cut")])
        torn = [one for one in log.read() if one.kind == "log.recovered"]
    if len(torn) > 1:
        return "said twice that a tail was cut"
    if len(before) <= acknowledged:
        return f"acknowledged {acknowledged}, found {len(before)}"
    if (wrong := _not_a_prefix(before, batches)) is not None:
        return wrong
    found = list(FileLog(run).read())
    if [one.data for one in found[: len(before)]] != [one.data for one in before] or found[-1].kind != "phase.started":
        return "what was read is not what was kept"
    problems = verify(run).problems
    return f"verification: {problems[0].what}" if problems else None


def _not_a_prefix(records: Sequence[Record], batches: Sequence[Sequence[Event]]) -> str | None:
    place = 0
    for batch in batches:
        if place == len(records):
            return None
        if [one.data for one in records[place : place + len(batch)]] != [data_of(event) for event in batch]:
            return f"the append at {place} is there in part or altered"
        place += len(batch)
    return None if place == len(records) else "there is more than was written"


def joining_violations(place: Path, random: Random, count: int, disk: RecordingDisk) -> Counter[str]:
    """What goes wrong in `count` states of the disk while two copies of a run, made in `place`, are joined."""
    one, other = copies_to_join(place, random)
    run = merge(one, other, place / "new" / "store", disk)
    disk.acknowledge(0)
    whole = tree(run)
    found = _beside(disk, place)
    for moment, left in states(disk.moments, count, random):
        there = {path.relative_to(run): content for path, content in left.items() if path.is_relative_to(run)}
        if there and there != whole:
            found["it is there in part or altered"] += 1
        elif not there and moment.acknowledged >= 0:
            found["it was joined and is lost"] += 1
    return found


def copies_to_join(place: Path, random: Random) -> tuple[Path, Path]:
    """Two copies of a run of two streams, the other one shorter: sealed files, hot lines and a file beside them."""
    one, other = place / "one" / "run-1", place / "other" / "run-1"
    for part in range(2):
        with FileLog(one, Options(seal_events=random.randint(4, 9), keep_hot_s=60)) as log:
            for number in range(random.randint(1, 4)):
                log.append(("main", "telemetry")[number % 2], _batch(100 * part + number, random))
            log.flush()
            (log.files / "models").mkdir(parents=True, exist_ok=True)
            (log.files / "models" / f"weights-{part}").write_bytes(random.randbytes(3000))
            shutil.copytree(one, other, dirs_exist_ok=True)
    return (one, other) if random.random() < 0.5 else (other, one)


def tree(folder: Path) -> dict[Path, bytes | None]:
    """All that is in a folder: files with their bytes, and folders."""
    paths = [folder, *folder.rglob("*")]
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in paths}
