"""The line that ends a group of events and says that the group is whole.

It is written by the same write as the group, so that what stands before a commit line was given to the disk together
with it. It carries its own hash, formed like an event's. It never straddles a 512-byte boundary of the file (spaces
before it see to that), so that a disk that writes whole sectors has all of it or none.
"""

import re
from dataclasses import dataclass

from asd.store.line import leaf_in, leaf_of, sealed_with

SECTOR = 512
"""The bytes that a disk writes whole."""

_COMMIT = re.compile(
    rb' *\{"commit":\{"previous":(\d+),"size":(\d+),"bytes":(\d+),"root":"([0-9a-f]{64})"\},"sha256":"[0-9a-f]{64}"\}\n'
)
PREFIX = b'{"commit":{"previous":'


@dataclass(frozen=True, slots=True)
class Commit:
    """The group of events `previous` to `size` - 1, in `length` bytes; `root` is the tree's after them."""

    previous: int
    size: int
    length: int
    root: bytes


def commit_line(commit: Commit, offset: int) -> bytes:
    """The line for `commit` that will stand at byte `offset` of its file, spaces before it included."""
    text = b'{"commit":{"previous":%d,"size":%d,"bytes":%d,"root":"%b"}}' % (
        commit.previous,
        commit.size,
        commit.length,
        commit.root.hex().encode(),
    )
    line = sealed_with(text, leaf_of(text))
    room = SECTOR - offset % SECTOR
    return line if len(line) <= room else b" " * room + line


def commit_in(line: bytes) -> Commit | None:
    """The commit that a whole line says, or None where it is no commit line or its hash is wrong."""
    if line[:1] not in (b" ", b"{") or (line[:1] == b"{" and not line.startswith(PREFIX)):
        return None
    found = _COMMIT.fullmatch(line)
    if found is None or leaf_in(line.lstrip(b" ")) is None:
        return None
    return Commit(int(found[1]), int(found[2]), int(found[3]), bytes.fromhex(found[4].decode()))
