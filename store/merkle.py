"""The tree over a stream's lines: RFC 6962, section 2.1 (SHA-256, 0x00 before leaves, 0x01 before nodes)."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of no lines."""


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(b"\1" + left + right).digest()


class Tree:
    """Grows leaf by leaf and keeps only the roots of its complete subtrees, largest first: log2(size) hashes."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Start at `size` leaves, whose complete subtrees have the roots `peaks`. Raises `ValueError` if they don't
        belong together."""
        if len(peaks) != size.bit_count():
            raise ValueError(f"{size} leaves have {size.bit_count()} complete subtrees, not {len(peaks)}")
        self.size = size
        self._peaks = list(peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, largest first: what it takes to go on from here."""
        return tuple(self._peaks)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the end, level by level: what has no partner at its level is a peak of the new tree."""
        level, size, peaks = list(leaves), self.size, self._peaks
        self.size += len(level)
        new: list[bytes] = []
        while level:
            if size & 1:
                level.insert(0, peaks.pop())
            if len(level) & 1:
                new.append(level.pop())
            pairs = iter(level)
            level = [sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            size >>= 1
        peaks.extend(reversed(new))

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY
        *rest, root = self._peaks
        for peak in reversed(rest):
            root = node(peak, root)
        return root

    def copy(self) -> "Tree":
        """A tree of its own at the same place."""
        return Tree(self.size, self._peaks)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over `leaves`."""
    tree = Tree()
    tree.extend(leaves)
    return tree.root()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree over `leaves` (RFC 6962, section 2.1.1), from the bottom up."""
    return inclusion_paths(leaves, [index])[index]


def inclusion_paths(leaves: Sequence[bytes], indices: Iterable[int]) -> dict[int, list[bytes]]:
    """The audit paths of several leaves by index, from one walk up the tree."""
    at = {index: index for index in indices}
    paths: dict[int, list[bytes]] = {index: [] for index in at}
    level = list(leaves)
    while len(level) > 1:
        for index, here in at.items():
            if here ^ 1 < len(level):
                paths[index].append(level[here ^ 1])
            at[index] = here // 2
        paired = [node(level[left], level[left + 1]) for left in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return paths


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to (RFC 9162, section 2.1.3.2), or None where it cannot be one of this size."""
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = node(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, sibling)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None
