"""Telling a torn tail, which may be cut, from damage, which must be named.

What follows the last whole group of a hot file is either a group whose writing was interrupted, or a group that was
whole (and perhaps acknowledged) and has been altered since. An interrupted write leaves, in each 512-byte sector, the
new bytes, or none of them: zeros or whatever the disk held there before; or the file simply ends early. An alteration
leaves everything else in place. So the tail is torn unless

- more bytes follow a commit line: the next group is begun only when this one is on the disk, or
- its closing commit line is there, or nearly, or other lines follow the flaw, and no sector under the flaw is lost.

docs/decisions/torn-tail.md says why this suffices, and what it cannot tell.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from asd.store.commit import PREFIX, SECTOR, commit_in
from asd.store.line import LINE_CAP, leaf_in, record_in

_CLOSING = b'"},"sha256":"'
_HEX = frozenset(b"0123456789abcdef")
_CONTROLS = bytes(byte for byte in range(32) if byte != ord("\n"))
_ALTERED = 6
_CLOSING_LENGTH = 64 + len(_CLOSING) + 64 + len(b'"}\n')


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not what was written: in which byte of the file, at which event, and what."""

    offset: int
    seq: int
    what: str


@dataclass(slots=True)
class _Walk:
    """What was met on the way through a tail: stretches without a valid line, and the first thing out of order."""

    seq: int
    bad: list[tuple[int, int]] = field(default_factory=list)
    first: Flaw | None = None
    committed_at: int | None = None

    def flaw(self, offset: int, what: str) -> None:
        self.first = self.first or Flaw(offset, self.seq, what)

    def add_bad(self, start: int, end: int) -> None:
        self.flaw(start, "its line is damaged")
        if self.bad and self.bad[-1][1] == start:
            start = self.bad.pop()[0]
        self.bad.append((start, end))


def flaw_in(file: BinaryIO, offset: int, end: int, seq: int) -> Flaw | None:
    """The flaw in a tail that is damaged, or None for one that is torn.

    The tail is what `file` has from byte `offset` on, where the last whole group ends, up to byte `end`; `seq` is the
    sequence number that the next event would have.
    """
    walk = _Walk(seq)
    ends_like_a_commit = _ends_like_a_commit(_bytes(file, max(offset, end - SECTOR), end))
    for start, stop, line, is_ended in _lines(file, offset, end):
        if walk.committed_at is not None:
            return walk.first or Flaw(offset, seq, "its group does not belong here")
        if is_ended or ends_like_a_commit:
            _step(walk, start, stop, line)
    finished = walk.committed_at is not None or ends_like_a_commit
    sectors = _Sectors(file, offset, end, finished)
    certain = end if finished else end - end % SECTOR
    for start, stop in walk.bad:
        if stop <= certain and not sectors.lost(start, stop):
            return walk.first
    return walk.first or Flaw(offset, seq, "its group does not belong here") if finished and not walk.bad else None


def _step(walk: _Walk, start: int, stop: int, line: bytes) -> None:
    if commit_in(line) is not None:
        walk.committed_at = start
    elif leaf_in(line) is None or (record := record_in(line)) is None:
        walk.add_bad(start, stop)
    else:
        gap_is_explained = bool(walk.bad) and walk.bad[-1][1] == start
        if record.seq != walk.seq and not gap_is_explained:
            walk.flaw(start, f"line {record.seq} stands in its place")
        walk.seq = record.seq + 1


def _lines(file: BinaryIO, offset: int, end: int) -> Iterator[tuple[int, int, bytes, bool]]:
    """Each line: where in the file it begins and ends, its bytes, and whether it has its newline, which the last may
    lack. Of a line that is longer than any event's, the first bytes."""
    file.seek(offset)
    stop = offset
    while part := file.readline(min(LINE_CAP + 1, end - stop)):
        start, line, stop = stop, part, stop + len(part)
        while len(part) > LINE_CAP and not part.endswith(b"\n"):
            part = file.readline(min(LINE_CAP + 1, end - stop))
            stop += len(part)
        yield start, stop, line, part.endswith(b"\n")


def _bytes(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _ends_like_a_commit(tail: bytes) -> bool:
    """Whether the tail, of which this is the last sector's worth, ends with a commit line, a few bytes of it altered.
    Zeros at the very end are what a write leaves that did not get there."""
    if len(tail) < _CLOSING_LENGTH + len(PREFIX) or tail.endswith(b"\0"):
        return False
    closing = tail[-_CLOSING_LENGTH:]
    root, middle, own = closing[:64], closing[64 : 64 + len(_CLOSING)], closing[64 + len(_CLOSING) : -3]
    strange = sum(byte not in _HEX for byte in root + own) + _unlike(middle, _CLOSING) + _unlike(closing[-3:], b'"}\n')
    opening = tail[-SECTOR:-_CLOSING_LENGTH]
    starts = range(len(opening) - len(PREFIX) + 1)
    near = min((_unlike(opening[at : at + len(PREFIX)], PREFIX) for at in starts), default=len(PREFIX))
    return strange <= _ALTERED and near <= _ALTERED


def _unlike(one: bytes, other: bytes) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


class _Sectors:
    """Which sectors of a tail a disk has lost."""

    def __init__(self, file: BinaryIO, offset: int, end: int, finished: bool) -> None:
        self._file, self._offset, self._end, self._finished = file, offset, end, finished

    def lost(self, start: int, stop: int) -> bool:
        """Whether any sector between the bytes `start` and `stop` of the file is lost."""
        return any(self._lost(at) for at in range(start - start % SECTOR, stop, SECTOR))

    def _lost(self, sector: int) -> bool:
        if not self._finished and sector + SECTOR > self._end:
            return True
        part = _bytes(self._file, max(sector, self._offset), min(sector + SECTOR, self._end))
        return not any(part) or _noise(part) >= max(8, len(part) // 8)


def _noise(part: bytes) -> int:
    """How many bytes are neither text nor a newline. Noise has a share of one half and more."""
    return 2 * len(part) - len(part.decode("utf-8", "ignore").encode()) - len(part.translate(None, _CONTROLS))
