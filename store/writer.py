"""The one writer of a stream: encodes in the caller, commits groups from a thread of its own, seals what is full."""

import atexit
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple

from asd.core.errors import DiskError
from asd.core.event import Event
from asd.store.layout import Hot
from asd.store.line import LINE_CAP, Clock, affixes, body, data_of, id_of, leaf_of, sealed_with, too_long
from asd.store.lock import lock
from asd.store.opening import Opened, open_stream
from asd.store.options import Options
from asd.store.sealing import Sealer
from asd.store.seen import Seen
from asd.store.tail_file import TailFile

__all__ = ["Options", "StreamWriter"]
WORTH_PREPARING = 4 << 20
"""A sealed file that had this many bytes of lines gets its typed tables at once; smaller ones wait for a reader."""


class _Batch(NamedTuple):
    """The lines of one append, which are committed together; `end` is the sequence number after the last."""

    lines: list[bytes]
    leaves: list[bytes]
    length: int
    end: int


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
        self._durable = self._taken = opened.tree.size
        self._clock = Clock(opened.last_time)
        self._changed = Condition()
        self._batches: list[_Batch] = []
        self._waiting = 0
        self._idle = False
        self._closing = False
        self._sealer = Sealer(self._folder, opened, self._options)
        self._sealing: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"asd-seal-{self._stream}")
        self._seen = Seen(self._stream, self._sealer.data_at)
        self._fill_seen(opened)
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
        return self._batches[-1].end if self._batches else self._taken

    def append(self, events: Sequence[Event]) -> int:
        """Store all of `events` or none and return the stream's last sequence number; waits while too much waits.

        With durability "group" it returns before the events are on the disk: `durable` waits for that.
        """
        with self._changed:
            while self._waiting >= self._options.buffer_bytes and self._failure is None:
                self._changed.wait()
            self._check()
            batch, facts = self._encode(events)
            if batch.lines:
                self._waiting += batch.length
                self._batches.append(batch)
                self._seen.update(facts)
                if self._thread is None:
                    self._flush(*self._take())
                    self._check()
                elif self._idle:
                    self._idle = False
                    self._changed.notify_all()
            return batch.end - 1

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
        self._pool.shutdown(wait=True)
        for one in self._sealing:
            one.result()
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.close()
            if seal and tail.end and not self.failed:
                self._sealer.seal(Hot(tail.path, tail.first))
        self._sealer.clean(all_of_it=True)

    def _encode(self, events: Sequence[Event]) -> tuple[_Batch, dict[str, bytes]]:
        seq = self.next_seq
        time_now = self._clock.text(time.time_ns())
        lines: list[bytes] = []
        leaves: list[bytes] = []
        length = 0
        facts: dict[str, bytes] = {}
        for event in events:
            data, subject = data_of(event), event.subject
            id = id_of(event, subject, seq)
            if event.once:
                if self._again(id, data, facts):
                    continue
                facts[id] = data
            around = affixes(self._run, self._stream, event.kind, event.v)
            text = body(around, seq, id, subject, time_now, event.cause, data)
            leaf = leaf_of(text)
            line = sealed_with(text, leaf)
            if len(line) > LINE_CAP:
                raise too_long(event, len(line))
            lines.append(line)
            leaves.append(leaf)
            length += len(line)
            seq += 1
        return _Batch(lines, leaves, length, seq), facts

    def _again(self, id: str, data: bytes, facts: dict[str, bytes]) -> bool:
        """Whether the fact is in the stream or in this very append. Raises `ConflictError`."""
        known = facts.get(id)
        if known is None:
            return self._seen.holds(id, data)
        if known != data:
            raise self._seen.conflict(id)
        return True

    def _fill_seen(self, opened: Opened) -> None:
        for seq, id in self._sealer.ids():
            self._seen.add_place(id, seq)
        self._seen.update({record.id: record.data for record in opened.records})
        opened.records.clear()

    def _flush_forever(self) -> None:
        while True:
            with self._changed:
                while not self._batches and not self._closing:
                    self._idle = True
                    self._changed.wait()
                if not self._batches:
                    return
                batches, end = self._take()
            self._flush(batches, end)

    def _take(self) -> tuple[list[_Batch], int]:
        batches, self._batches = self._batches, []
        self._taken = batches[-1].end
        return batches, self._taken

    def _flush(self, batches: list[_Batch], end: int) -> None:
        """Commit `batches` as one group; after a failure nothing more is accepted."""
        try:
            with self._disk_errors():
                self._commit(batches)
        except DiskError as error:
            with self._changed:
                self._failure = error
                self._batches.clear()
                self._changed.notify_all()
            return
        with self._changed:
            self._durable = end
            self._waiting -= sum(batch.length for batch in batches)
            self._changed.notify_all()

    def _commit(self, batches: list[_Batch]) -> None:
        previous = self._tree.size
        tail = self._tail = self._tail or TailFile(self._folder, previous, self._disk)
        tree = self._tree.copy()
        for batch in batches:
            tree.extend(batch.leaves)
        end = tail.write_group([line for batch in batches for line in batch.lines], previous, tree)
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
            self._pool.submit(self._sealer.prepare)

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
