"""The few calls by which the log touches the disk, in one place, so that tests can record them and make them fail."""

import os
from collections.abc import Iterable
from pathlib import Path


class Disk:
    """The operating system's own calls. Every method raises `OSError` as they do."""

    def create(self, path: Path) -> int:
        """Open for writing a file that must not exist yet."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)

    def open(self, path: Path) -> int:
        """Open for writing a file that exists; links are not followed."""
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)

    def write(self, fd: int, data: memoryview, offset: int) -> int:
        """Write some of `data` at `offset` and return how many bytes."""
        return os.pwrite(fd, data, offset)

    def sync(self, fd: int) -> None:
        """Wait until the file's bytes and size are on the disk."""
        os.fdatasync(fd) if hasattr(os, "fdatasync") else os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        """Close the file."""
        os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or a folder its final name, in one step."""
        old.rename(new)

    def remove(self, path: Path) -> None:
        """Delete a file."""
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """Make a folder where there is none."""
        path.mkdir(exist_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Wait until the folder's entries are on the disk."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def write_all(self, fd: int, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data` at `offset`, going on after a short write."""
        done = 0
        while done < len(data):
            with memoryview(data)[done:] as rest:
                done += self.write(fd, rest, offset + done)

    def fill(self, path: Path, parts: Iterable[bytes]) -> None:
        """Make a file of `parts` and wait until they are on the disk; its folder must be synced by the caller."""
        fd = self.create(path)
        try:
            offset = 0
            for part in parts:
                self.write_all(fd, part, offset)
                offset += len(part)
            self.sync(fd)
        finally:
            self.close(fd)

    def store(self, path: Path, data: bytes, temporary: Path) -> None:
        """Put a whole file at `path`, whole or not at all; its folder must be synced by the caller."""
        temporary.unlink(missing_ok=True)
        self.fill(temporary, [data])
        self.rename(temporary, path)

    def make_folders(self, path: Path) -> None:
        """Make a folder, and those above it, where there are none; their names are on the disk when it returns."""
        if not path.is_dir():
            self.make_folders(path.parent)
            self.make_folder(path)
            self.sync_folder(path.parent)


DISK = Disk()
"""The real disk."""
