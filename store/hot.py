"""Reading a hot file group by group, as far as it is committed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from asd.store.commit import Commit, commit_in
from asd.store.damage import DamagedFileError
from asd.store.line import LINE_CAP, leaf_in
from asd.store.torn import Flaw, flaw_in


@dataclass(frozen=True, slots=True)
class Group:
    """Events that were committed together: their lines, the leaf hashes of these, and where the group lies."""

    lines: list[bytes]
    leaves: list[bytes]
    commit: Commit
    offset: int
    end: int


class HotReader:
    """Reads committed groups from a hot file that may still grow. `end` and `seq` are where it stands; what followed
    there when `groups` came to its end, up to `stop`, is the tail. What has come since is for the next look: it is not
    judged. No more of the file is held in memory than one group, however long a line in it may be."""

    def __init__(self, path: Path, first: int) -> None:
        """Open the file that begins with sequence number `first`. Raises `FileNotFoundError` where it is gone."""
        self.path = path
        self.end = self.stop = 0
        self.seq = first
        self._seen = b""
        self._file = path.open("rb")

    def groups(self, after: int = -1) -> Iterator[Group]:
        """Yield the groups that follow, up to the last commit line; call again for what has come since.

        Groups that hold nothing after `after` are passed over unread. Raises `DamageError` for a group that was
        committed and is not what was written, and for damage that a line beyond the cap is a part of.
        """
        self._file.seek(self.end)
        lines: list[bytes] = []
        broken = False
        self.stop = self.end
        for line in iter(partial(self._file.readline, LINE_CAP + 1), b""):
            self.stop += len(line)
            lines.append(line)
            if not line.endswith(b"\n"):
                # Either no event is that long, or the file ended here: what has come since would seem another line.
                broken = len(line) > LINE_CAP
                break
            commit = commit_in(line)
            if commit is None:
                continue
            begun = self.end
            leaves = self._leaves(lines[:-1], commit, checked=commit.size > after + 1)
            if leaves is None:
                broken = True
                break
            self.end, self.seq = self.stop, commit.size
            if commit.size > after + 1:
                yield Group(lines[:-1], leaves, commit, begun, self.end)
            lines = []
        self._seen = b"".join(lines)
        if broken:
            self.stop = max(self.stop, self._file.seek(0, os.SEEK_END))
            self._refuse()

    def flaw(self) -> Flaw | None:
        """What is damaged in the tail, or None where that is empty, torn, or no longer in the file: then its writer
        has taken it back, because the disk refused the rest of it."""
        self._forget()
        flaw = flaw_in(self._file, self.end, self.stop, self.seq)
        return flaw if flaw is not None and self._is_still_there() else None

    def error(self, flaw: Flaw) -> DamagedFileError:
        """The flaw as an error that names event, file and offset."""
        return DamagedFileError(self.path, flaw.seq, flaw.offset, flaw.what)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _refuse(self) -> None:
        flaw = self.flaw()
        if flaw is not None:
            raise self.error(flaw)

    def _is_still_there(self) -> bool:
        self._forget()
        self._file.seek(self.end)
        return self._file.read(len(self._seen)) == self._seen

    def _forget(self) -> None:
        """Drop what the file object has read ahead: it may have been taken back since."""
        self._file.seek(0, os.SEEK_END)

    def _leaves(self, lines: list[bytes], commit: Commit, *, checked: bool) -> list[bytes] | None:
        """The leaf hashes of a group, none where they are not asked for; None where it is not whole."""
        whole = commit.previous == self.seq and commit.size == self.seq + len(lines)
        if not whole or commit.length != sum(map(len, lines)):
            return None
        if not checked:
            return []
        leaves = [leaf_in(line) for line in lines]
        in_order = all(b'"sequence":"%012d"' % seq in line for seq, line in enumerate(lines, self.seq))
        found = [leaf for leaf in leaves if leaf is not None]
        return found if in_order and len(found) == len(lines) else None
