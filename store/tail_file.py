"""The hot file that a writer appends groups to."""

from pathlib import Path

from asd.store.commit import Commit, commit_line
from asd.store.disk import Disk
from asd.store.group import Group
from asd.store.layout import hot_name
from asd.store.merkle import Tree


class TailFile:
    """An open hot file of the stream in `folder`: `first` is its first sequence number, `end` its committed length."""

    def __init__(self, folder: Path, first: int, disk: Disk, *, end: int | None = None) -> None:
        """Create the file, or open it at `end`, its length."""
        self.path = folder / hot_name(first)
        self.first = first
        self.end = end or 0
        self._disk = disk
        self._new = end is None
        self._fd = disk.create(self.path) if end is None else disk.open(self.path)

    def write_group(self, group: Group, previous: int, tree: Tree) -> int:
        """Write the lines and their commit line in one go and return the new length; `tree` has the lines already.

        What was written is cut again where the disk refuses a part of it; then the `OSError` is raised.
        """
        commit = Commit(previous, tree.size, group.length, tree.root())
        with group.closed_by(commit_line(commit, self.end + group.length)) as data:
            try:
                self._disk.write_all(self._fd, data, self.end)
            except OSError:
                self.roll_back()
                raise
            return self.end + len(data)

    def sync(self) -> None:
        """Wait until what was written is on the disk, the file's own name included."""
        self._disk.sync(self._fd)
        if self._new:
            self._disk.sync_folder(self.path.parent)
            self._new = False

    def roll_back(self) -> None:
        """Cut what follows the last commit."""
        self._disk.truncate(self._fd, self.end)

    def close(self) -> None:
        """Close the file."""
        self._disk.close(self._fd)
