"""Checking a run's log from its first byte to its last, and naming everything that is wrong."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

import asd.core.facts  # noqa: F401  (registers the built-in events, to tell which kinds are known)
from asd.core.event import kinds
from asd.core.log import Record
from asd.store.damage import DamagedFileError
from asd.store.hot import HotReader
from asd.store.layout import Hot, Sealed, listing, stream_folders
from asd.store.line import HASH_LENGTH, leaf_of, record_in, time_text
from asd.store.manifest import Manifest, read_manifest
from asd.store.merkle import Tree
from asd.store.torn import Flaw


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not what was written: the file, the byte in it, the event, and what is wrong."""

    file: str
    offset: int
    event: int
    what: str


@dataclass(slots=True)
class StreamCheck:
    """What was found in one stream. `root` (hex) is the tree's over all `events`; `torn_bytes` follow the last commit,
    left by an interrupted write and never acknowledged; `unknown` counts events that this build cannot decode."""

    stream: str
    events: int = 0
    commits: int = 0
    sealed_files: int = 0
    hot_files: int = 0
    torn_bytes: int = 0
    root: str = ""
    last_time: str = ""
    unknown: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found in a run."""

    run: str
    streams: tuple[StreamCheck, ...]

    @property
    def events(self) -> int:
        """How many events are in the log."""
        return sum(one.events for one in self.streams)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong, stream by stream."""
        return tuple(problem for one in self.streams for problem in one.problems)

    @property
    def heads(self) -> dict[str, tuple[int, str]]:
        """Size and root (hex) of each stream."""
        return {one.stream: (one.events, one.root) for one in self.streams}

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(run: Path) -> Verification:
    """Check the run in the folder `run`: each line's hash, envelope and JSON, the order of numbers and times, commits,
    sealed files and their manifests, and the roots. It only reads, also while the run is going on."""
    return Verification(run.name, tuple(_StreamVerifier(folder).check() for folder in stream_folders(run)))


class _StreamVerifier:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found = StreamCheck(folder.name)
        self._tree: Tree | None = Tree()
        self._next = 0
        self._ids: set[int] = set()
        self._known = {kind: cls.v for kind, cls in kinds().items()}

    def check(self) -> StreamCheck:
        with self._naming():
            files = listing(self._folder).chain
            for one in files:
                with self._naming():
                    self._sealed(one) if isinstance(one, Sealed) else self._hot(one, last=one is files[-1])
        self._found.events = self._next
        self._found.root = self._tree.root().hex() if self._tree else ""
        return self._found

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except DamagedFileError as damage:
            self._found.problems.append(Problem(str(damage.file), damage.offset, damage.event, damage.what))

    def _sealed(self, sealed: Sealed) -> None:
        from asd.store.sealed import lines_in

        before, self._tree, self._next = self._tree, None, sealed.last + 1
        manifest = read_manifest(sealed)
        after, self._tree = before, manifest.tree()
        self._found.sealed_files += 1
        counted: Counter[str] = Counter()
        times: list[str] = []
        leaves: list[bytes] = []
        for seq, line in enumerate(lines_in(sealed, manifest), sealed.first):
            record = self._line(line, seq, lambda seq, what: DamagedFileError(sealed.path, seq, 0, what))
            counted[record.kind] += 1
            times = [*times[:1], time_text(record.time)]
            leaves.append(leaf_of(line[:-HASH_LENGTH] + b"}"))
        if after is not None:
            after.extend(leaves)
        _compare(sealed, manifest, after, counted, times)

    def _hot(self, hot: Hot, *, last: bool) -> None:
        self._found.hot_files += 1
        if self._tree is not None and self._tree.size != hot.first:
            raise DamagedFileError(hot.path, self._tree.size, 0, f"events up to {hot.first - 1} are missing before it")
        with HotReader(hot.path, hot.first) as reader:
            try:
                self._groups(reader)
            finally:
                self._next = reader.seq
            self._tail(reader, last=last)

    def _groups(self, reader: HotReader) -> None:
        for group in reader.groups():
            self._found.commits += 1
            places = _places(group.offset, group.lines)
            for seq, (place, line) in enumerate(zip(places, group.lines, strict=True), group.commit.previous):
                self._line(line, seq, lambda seq, what, at=place: DamagedFileError(reader.path, seq, at, what))  # type: ignore[misc]
            if self._tree is not None:
                self._tree.extend(group.leaves)
                if self._tree.root() != group.commit.root:
                    self._tree = None
                    raise reader.error(Flaw(group.offset, group.commit.previous, "its group's root is not the tree's"))

    def _tail(self, reader: HotReader, *, last: bool) -> None:
        tail = reader.tail()
        if not tail:
            return
        flaw = reader.flaw()
        if flaw is None and not last:
            flaw = Flaw(reader.end, reader.seq, "its group is cut short, and others follow")
        if flaw is not None:
            raise reader.error(flaw)
        self._found.torn_bytes = len(tail)

    def _line(self, line: bytes, seq: int, damage: Callable[[int, str], DamagedFileError]) -> Record:
        record = record_in(line)
        if record is None:
            raise damage(seq, "its line holds no event")
        if record.seq != seq:
            raise damage(seq, f"event {record.seq} stands in its place")
        if (record.run, record.stream) != (self._folder.parent.name, self._folder.name):
            raise damage(seq, f"it belongs to the stream {record.stream!r} of the run {record.run!r}")
        if time_text(record.time) < self._found.last_time:
            raise damage(seq, "it is earlier than the one before it")
        if hash(record.id) in self._ids:
            raise damage(seq, f"the id {record.id} is there twice")
        if not _is_one_json_object(record.data):
            raise damage(seq, "its data is no JSON object, or has a key twice")
        self._ids.add(hash(record.id))
        self._found.last_time = time_text(record.time)
        if record.v > self._known.get(record.kind, 0):
            self._found.unknown[f"{record.kind} version {record.v}"] += 1
        return record


def _compare(sealed: Sealed, manifest: Manifest, tree: Tree | None, kinds: Counter[str], times: list[str]) -> None:
    """Raise `DamagedFileError` where the manifest does not say what its file holds."""
    said = (manifest.kinds, manifest.first_time, manifest.last_time, sum(manifest.kinds.values()))
    if said != (dict(kinds), times[0], times[-1], sealed.last - sealed.first + 1):
        raise DamagedFileError(sealed.manifest, sealed.first, 0, "the manifest does not say what its file holds")
    if tree is not None and tree.peaks != manifest.tree().peaks:
        raise DamagedFileError(sealed.path, sealed.first, 0, "the root over its lines is not the manifest's")


def _places(offset: int, lines: Iterable[bytes]) -> Iterator[int]:
    for line in lines:
        yield offset
        offset += len(line)


def _is_one_json_object(data: bytes) -> bool:
    """Strictly: no key twice, no NaN or infinity. What is canonical already needs no second look."""
    try:
        value = orjson.loads(data)
        if not isinstance(value, dict):
            return False
        if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != data:
            json.loads(data, object_pairs_hook=_distinct)
    except ValueError:
        return False
    return True


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found
