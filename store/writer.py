"""The one writer of a stream: encodes in the caller, commits groups from a thread of its own, seals what is full."""

import atexit
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, RLock, Thread

from asd.core.errors import DiskError
from asd.core.event import Event
from asd.store.group import Group
from asd.store.intake import Intake
from asd.store.layout import Hot
from asd.store.line import Clock
from asd.store.lock import lock
from asd.store.opening import Opened, open_stream
from asd.store.options import Options
from asd.store.sealing import Sealer
from asd.store.seen import Seen, UnsettledError
from asd.store.tail_file import TailFile

__all__ = ["Options", "StreamWriter"]
WORTH_PREPARING = 4 << 20
"""A sealed file that had this many bytes of lines gets its typed tables at once; smaller ones wait for a reader."""


class StreamWriter:
    """Appends to one stream until it is closed or fails. Safe to use from several threads."""

    def __init__(self, folder: Path, options: Options) -> None:
        """Lock the stream in `folder` and make it ready; a torn tail is cut and said in a `log.recovered` event.

        Raises `BusyError`, `DamageError` and `DiskError`.
        """
        self._folder, self._options, self._disk = folder, options, options.disk
        self._run, self._stream = folder.parent.name, folder.name
        self._process = os.getpid()
        self._failure: DiskError | None = None
        self.poisoned = False
        self._lock_fd = lock(folder)
        try:
            with self._disk_errors():
                opened = open_stream(folder, self._disk)
                self._start(opened)
        except BaseException:
            os.close(self._lock_fd)
            raise
        if opened.recovered is not None:
            self.append([opened.recovered])

    def _start(self, opened: Opened) -> None:
        self._tree = opened.tree
        self._durable = opened.tree.size
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._group, self._spare = Group(), Group()
        self._idle = False
        self._closing = False
        self._sealer = Sealer(self._folder, opened, self._options)
        self._sealing: list[Future[None]] = []
        self._preparing: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"asd-seal-{self._stream}")
        self._seen = Seen(self._folder)
        self._seen.update(dict(self._sealer.facts()))
        self._seen.update({one.id: one.seq for one in opened.records if not one.id.endswith(f"#{one.seq}")})
        opened.records.clear()
        self._intake = Intake(self._run, self._stream, Clock(opened.last_time), self._seen, self._durable)
        self._tail: TailFile | None = None
        if opened.hot:
            last = opened.hot[-1]
            self._tail = TailFile(self._folder, last.first, self._disk, end=opened.hot_end)
            for full in opened.hot[:-1]:
                self._seal(full)
        self._thread: Thread | None = None
        if self._options.durability == "group":
            self._thread = Thread(target=self._flush_forever, name=f"asd-flush-{self._stream}", daemon=True)
            self._thread.start()
        atexit.register(self.close, seal=False)

    @property
    def failed(self) -> bool:
        """Whether the disk refused something; then only `close` works."""
        return self._failure is not None

    @property
    def next_seq(self) -> int:
        """The sequence number of the next event."""
        return self._intake.next

    def append(self, events: Sequence[Event]) -> int:
        """Store all of `events` or none and return the stream's last sequence number; waits while too much waits.

        With durability "group" it returns before the events are on the disk: `durable` waits for that.
        """
        with self._lock:
            group = self._room()
            try:
                self._intake.encode(events, group, self._durable)
            except UnsettledError as first:
                self.durable(first.seq)
                return self.append(events)
            if self._thread is None and group.leaves:
                self._flush(self._take())
                self._check()
            elif self._idle and group.leaves:
                self._idle = False
                self._changed.notify_all()
            return self._intake.next - 1

    def _room(self) -> Group:
        """The group that is being gathered, once there is room in it: another of that size may be on its way."""
        while self._group.length >= self._options.buffer_bytes // 2 and self._failure is None:
            self._changed.wait()
        self._check()
        return self._group

    def durable(self, seq: int) -> None:
        """Wait until the event `seq` and all before it are on the disk. Raises `DiskError` where that fails."""
        with self._changed:
            self._changed.wait_for(lambda: self._durable > seq or self._failure is not None)
            if self._durable <= seq:
                self._check()

    def flush(self) -> None:
        """Wait until everything appended so far is on the disk (with durability "os": with the system)."""
        self.durable(self.next_seq - 1)

    def close(self, *, seal: bool = True) -> None:
        """Commit what waits, seal what is there, and let the stream go. Raises `DiskError` if something was lost.

        In a process that was forked from the writer's it does nothing.
        """
        atexit.unregister(self.close)
        if self._lock_fd < 0 or os.getpid() != self._process:
            return
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        try:
            with self._disk_errors():
                self._finish(seal=seal)
        finally:
            os.close(self._lock_fd)
            self._lock_fd = -1
        self._check()

    def _finish(self, *, seal: bool) -> None:
        self._wait_for([*self._sealing, *self._preparing])
        for one in self._sealing:
            one.result()
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.close()
            if seal and tail.end and not self.failed:
                self._sealer.seal(Hot(tail.path, tail.first))
        self._seen.close()
        self._sealer.clean(all_of_it=True)

    def _wait_for(self, tasks: Sequence[Future[None]]) -> None:
        """Until all are done; an interrupt leaves full files as they are, but for the one in hand. (The pool's own
        waiting takes a thread that it was interrupted in waiting for to have ended.)"""
        try:
            self._pool.shutdown(wait=False)
            wait(tasks)
        except BaseException:
            for one in tasks:
                one.cancel()
            wait(tasks)
            raise

    def _flush_forever(self) -> None:
        while True:
            with self._lock:
                while not self._group.leaves and not self._closing:
                    self._idle = True
                    self._changed.wait()
                if not self._group.leaves:
                    return
                group = self._take()
            self._flush(group)

    def _take(self) -> Group:
        """The group that was gathered; the next one is gathered in the other."""
        self._group, self._spare = self._spare, self._group
        self._changed.notify_all()
        return self._spare

    def _flush(self, group: Group) -> None:
        """Commit `group`; after a failure nothing more is accepted."""
        try:
            with self._disk_errors():
                self._commit(group)
        except DiskError as error:
            self._failure = error
        except BaseException:
            self._failure = DiskError(f"{self._folder}: interrupted while events were written; append them again")
            raise
        finally:
            with self._lock:
                if self._failure is None:
                    self._durable = self._tree.size
                else:
                    self._group.clear()
                group.clear()
                self._changed.notify_all()

    def _commit(self, group: Group) -> None:
        previous = self._tree.size
        tail = self._tail = self._tail or TailFile(self._folder, previous, self._disk)
        tree = self._tree.copy()
        tree.extend(group.leaves)
        end = tail.write_group(group, previous, tree)
        if self._options.durability != "os":
            self._sync(tail)
        tail.end, self._tree = end, tree
        if tree.size - tail.first >= self._options.seal_events or end >= self._options.seal_bytes:
            self._rotate(tail)

    def _sync(self, tail: TailFile) -> None:
        """One attempt: after a failed fsync the kernel may have dropped what it could not write, and a second fsync
        would say that all is well. So the group is cut off again and this writer never goes on."""
        try:
            tail.sync()
        except OSError:
            self.poisoned = True
            tail.roll_back()
            raise

    def _rotate(self, tail: TailFile) -> None:
        if self._options.durability == "os":
            self._sync(tail)
        tail.close()
        self._tail = None
        self._seal(Hot(tail.path, tail.first))
        if tail.end >= WORTH_PREPARING:
            self._preparing.append(self._pool.submit(self._sealer.prepare))

    def _seal(self, hot: Hot) -> None:
        self._sealing.append(self._pool.submit(self._sealer.seal, hot))

    def _check(self) -> None:
        if self._failure is not None:
            raise DiskError(str(self._failure)) from self._failure

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        """What the disk refuses, as a `DiskError` that says what is safe and what to do."""
        try:
            yield
        except OSError as error:
            raise DiskError(
                f"{self._folder}: {error.strerror or error}; events of the stream up to {self._safe()} are safe,"
                " free space or mend the disk, then resume the run"
            ) from error

    def _safe(self) -> str:
        durable = getattr(self, "_durable", 0)
        return f"number {durable - 1}" if durable else "none (it is empty)"
