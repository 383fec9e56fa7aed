"""Waking a follower: file notifications where the system has them, and a regular look in any case."""

from pathlib import Path
from threading import Event as Signal
from types import TracebackType
from typing import Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer


class _Hint(FileSystemEventHandler):
    def __init__(self, signal: Signal) -> None:
        self._signal = signal

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Any change below the folder is a reason to look."""
        if event.event_type in ("modified", "created", "moved"):
            self._signal.set()


class Wakeup:
    """`wait` returns when something below `folder` changed, at the latest after `poll_s` seconds."""

    def __init__(self, folder: Path, poll_s: float) -> None:
        self._folder, self._poll_s = folder, poll_s
        self._signal = Signal()
        self._observer = Observer()

    def __enter__(self) -> Self:
        try:
            self._observer.schedule(_Hint(self._signal), str(self._folder), recursive=True)
            self._observer.start()
        except OSError:
            return self  # no notifications here (a network disk, too many watches): the regular look remains
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def clear(self) -> None:
        """Forget what has changed so far; call it before looking."""
        self._signal.clear()

    def wait(self) -> None:
        """Sleep until there may be something to see."""
        self._signal.wait(self._poll_s)
