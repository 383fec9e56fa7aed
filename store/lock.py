"""One writer a stream."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from asd.core.errors import BusyError, DiskError
from asd.store.layout import LOCK


def lock(folder: Path) -> int:
    """Hold the stream in `folder` until the returned descriptor is closed or the process ends.

    Raises `BusyError`, naming the process, where another writer holds it, and `DiskError` where it cannot be written.
    """
    path = folder / LOCK
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror}; make the stream writable, or choose another store") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise BusyError(f"{folder}: process {holder} is writing this stream; wait until it ends, or stop it") from None
    except BaseException:
        os.close(fd)
        raise
    with suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd
