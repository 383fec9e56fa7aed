"""Checking one stream of a log."""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from errno import ENOENT
from hashlib import sha256
from pathlib import Path

import orjson

import asd.core.facts  # noqa: F401  (registers the built-in events, to tell which kinds are known)
from asd.core.event import kinds
from asd.core.log import Record
from asd.store.damage import DamagedFileError
from asd.store.findings import Problem, StreamCheck
from asd.store.hot import HotReader
from asd.store.layout import Hot, Sealed, listing
from asd.store.line import HASH_LENGTH, leaf_of, record_in, time_text
from asd.store.manifest import Manifest, read_manifest
from asd.store.merkle import EMPTY, Tree
from asd.store.notes import Head, is_exactly, origin
from asd.store.signing import signers_of
from asd.store.torn import Flaw


class StreamVerifier:
    """Checks one stream, file by file; `check` may be called once."""

    def __init__(self, folder: Path, key: str | None, kept: Iterable[Head]) -> None:
        self._folder = folder
        self._key = key
        self._kept = [head for head in kept if head.origin == origin(folder.parent.name, folder.name)]
        self._roots: dict[int, bytes] = {0: EMPTY}
        self._found = StreamCheck(folder.name)
        self._tree: Tree | None = Tree()
        self._next = 0
        self._ids: set[int] = set()
        self._known = {kind: cls.v for kind, cls in kinds().items()}

    def check(self) -> StreamCheck:
        """Everything that is found, without stopping at the first problem."""
        with self._naming():
            files = deque(listing(self._folder).chain)
            while files:
                before = self._tree, self._next
                try:
                    with self._naming():
                        self._file(files[0], last=len(files) == 1)
                    self._count(files.popleft())
                except FileNotFoundError:
                    self._tree, self._next = before
                    files = self._rest()
        self._found.events = self._next
        self._found.root = self._tree.root().hex() if self._tree else ""
        for head in self._kept:
            with self._naming():
                self._compare_head(head)
        return self._found

    def _rest(self) -> deque[Hot | Sealed]:
        """The files from here on, listed again. Raises `FileNotFoundError` where what was checked was joined with what
        was not: then the check begins anew."""
        files = deque(listing(self._folder).chain)
        while files and files[0].first < self._next:
            files.popleft()
        if not files or files[0].first != self._next:
            raise FileNotFoundError(ENOENT, "joined with others", str(self._folder))
        return files

    def _file(self, one: Hot | Sealed, *, last: bool) -> None:
        """Check one file. Raises `FileNotFoundError` where it is gone, before anything in it was looked at."""
        if isinstance(one, Sealed):
            self._sealed(one)
        else:
            self._hot(one, last=last)

    def _count(self, one: Hot | Sealed) -> None:
        if isinstance(one, Sealed):
            self._found.sealed_files += 1
        else:
            self._found.hot_files += 1

    def _compare_head(self, head: Head) -> None:
        if head.size > self._next:
            what = (
                f"the log was rolled back or cut short: a signed head says {head.size} events, there are {self._next}"
            )
            raise DamagedFileError(self._folder, self._next, 0, what)
        if self._roots.get(head.size) != head.root:
            what = f"the log was rewritten: its first {head.size} events are not those of the signed head"
            raise DamagedFileError(self._folder, 0, 0, what)

    def _grow(self, tree: Tree, leaves: Sequence[bytes]) -> None:
        """Add `leaves`, noting the roots at the sizes of the heads that were kept."""
        start = tree.size
        for size in sorted({head.size for head in self._kept if start < head.size <= start + len(leaves)}):
            tree.extend(leaves[tree.size - start : size - start])
            self._roots[size] = tree.root()
        tree.extend(leaves[tree.size - start :])

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except DamagedFileError as damage:
            self._found.problems.append(Problem(str(damage.file), damage.offset, damage.event, damage.what))

    def _sealed(self, sealed: Sealed) -> None:
        from asd.store.sealed import lines_in

        before, self._tree, self._next = self._tree, None, sealed.last + 1
        manifest, note = read_manifest(sealed), _note_of(sealed)
        after, self._tree = before, manifest.tree()
        counted: Counter[str] = Counter()
        times: list[str] = []
        leaves: list[bytes] = []
        for seq, line in enumerate(lines_in(sealed, manifest), sealed.first):
            record = self._line(line, seq, lambda seq, what: DamagedFileError(sealed.path, seq, 0, what))
            counted[record.kind] += 1
            times = [*times[:1], time_text(record.time)]
            leaves.append(leaf_of(line[:-HASH_LENGTH] + b"}"))
        if after is not None:
            self._grow(after, leaves)
        _compare(sealed, manifest, after, counted, times)
        self._check_note(sealed, manifest, note)

    def _check_note(self, sealed: Sealed, manifest: Manifest, note: str | None) -> None:
        if note is None:
            self._found.unsigned_files += 1
            if self._key is not None:
                raise DamagedFileError(sealed.note, sealed.first, 0, "there is no signed head for its file")
            return
        self._found.latest_head = note
        signers = [self._key] if self._key is not None else signers_of(self._folder)
        if not signers:
            raise DamagedFileError(sealed.note, sealed.first, 0, "no public key lies beside it; name one with --key")
        head = Head(
            origin(manifest.run, manifest.stream),
            manifest.last + 1,
            bytes.fromhex(manifest.root),
            sha256(manifest.to_bytes()).hexdigest(),
        )
        signer = next((one for one in signers if is_exactly(note, head, one)), None)
        if signer is None:
            raise DamagedFileError(sealed.note, sealed.first, 0, "the head is not what was signed")
        self._found.signed_heads += 1
        if signer not in self._found.signers:
            self._found.signers.append(signer)

    def _hot(self, hot: Hot, *, last: bool) -> None:
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
                self._grow(self._tree, group.leaves)
                if self._tree.root() != group.commit.root:
                    self._tree = None
                    raise reader.error(Flaw(group.offset, group.commit.previous, "its group's root is not the tree's"))

    def _tail(self, reader: HotReader, *, last: bool) -> None:
        if reader.stop == reader.end:
            return
        flaw = reader.flaw()
        if flaw is None and not last:
            flaw = Flaw(reader.end, reader.seq, "its group is cut short, and others follow")
        if flaw is not None:
            raise reader.error(flaw)
        self._found.torn_bytes = reader.stop - reader.end

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
        if not 1 <= record.v <= self._known.get(record.kind, 0):
            self._found.unknown[f"{record.kind} version {record.v}"] += 1
        return record


def _compare(sealed: Sealed, manifest: Manifest, tree: Tree | None, kinds: Counter[str], times: list[str]) -> None:
    """Raise `DamagedFileError` where the manifest does not say what its file holds."""
    said = (manifest.kinds, manifest.first_time, manifest.last_time, sum(manifest.kinds.values()))
    if said != (dict(kinds), times[0], times[-1], sealed.last - sealed.first + 1):
        raise DamagedFileError(sealed.manifest, sealed.first, 0, "the manifest does not say what its file holds")
    if tree is not None and tree.peaks != manifest.tree().peaks:
        raise DamagedFileError(sealed.path, sealed.first, 0, "the root over its lines is not the manifest's")


def _note_of(sealed: Sealed) -> str | None:
    """The signed head of a sealed file, None where it has none. Raises `FileNotFoundError` where the file is gone."""
    try:
        return sealed.note.read_text("utf-8", "replace")
    except FileNotFoundError:
        if sealed.path.exists():
            return None
        raise


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
