"""Errors of the disk, at every call that the log makes: named, rolled back, nothing acknowledged lost."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from log_events import failed, graded, started
from log_files import problems, read_all
from log_powercut import copies_to_join, tree

from asd.core.errors import AsdError, DiskError
from asd.store.copies import merge
from asd.store.disk import Disk
from asd.store.files import FileLog
from asd.store.options import Options

Share = Callable[[int, int], range]
Tried = Callable[[str, int], None]
EVERY = 10**9
CALLS = ("create", "open", "write", "sync", "truncate", "rename", "remove", "make_folder", "sync_folder")
ERRORS = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EINTR)


class FaultyDisk(Disk):
    """Fails at the call number `at`, counted over all calls, and at every later one where `lasting`."""

    def __init__(self, at: int, error: int, *, lasting: bool) -> None:
        self.at, self.error, self.lasting, self.calls = at, error, lasting, 0
        self.failed_in: str | None = None


def _failing(name: str) -> Callable[..., object]:
    real = getattr(Disk, name)

    def call(self: FaultyDisk, *arguments: object) -> object:
        self.calls += 1
        if self.calls == self.at or (self.lasting and self.calls > self.at):
            self.failed_in = self.failed_in or name
            raise OSError(self.error, os.strerror(self.error))
        return real(self, *arguments)

    return call


for _name in CALLS:
    setattr(FaultyDisk, _name, _failing(_name))


def write_until_refused(run: Path, disk: Disk, durability: str) -> tuple[int, DiskError | None]:
    """Append some batches; what was acknowledged last, and what the disk's refusal was turned into."""
    acknowledged, refusal = -1, None
    log = FileLog(run, Options(durability=durability, seal_events=6, keep_hot_s=0, disk=disk))
    try:
        for number in range(8):
            seq = log.append("main", [failed(number, "x" * 700), graded(number)])
            log.durable("main", seq)
            acknowledged = seq
        log.flush()
    except DiskError as error:
        refusal = error
    try:
        log.close()
    except DiskError as error:
        refusal = refusal or error
    return acknowledged, refusal


def places(disk_calls: int, share: range) -> list[tuple[int, int, bool]]:
    """Which call fails, how, and whether for ever; all of them where `share` allows it."""
    every = [(at, error, lasting) for at in range(1, disk_calls + 1) for error in ERRORS for lasting in (False, True)]
    step = max(1, len(every) // share.stop)
    return every[::step][share.start :: share.step]


@pytest.mark.parametrize("durability", ["group", "each"])
def test_an_error_of_the_disk_at_any_call_is_named_and_loses_nothing(
    place: Path, share: Share, tried: Tried, durability: str
) -> None:
    counting = FaultyDisk(0, 0, lasting=False)
    assert write_until_refused(place / "run-0", counting, durability) == (15, None)
    injected = 0
    for number, (at, error, lasting) in enumerate(places(counting.calls, share(60, EVERY))):
        run, disk = place / f"run-{number + 1}", FaultyDisk(at, error, lasting=lasting)
        acknowledged, refusal = write_until_refused(run, disk, durability)
        if disk.failed_in is None:
            continue
        injected += 1
        assert refusal is not None, (at, disk.failed_in)
        assert os.strerror(error) in str(refusal)
        assert len(read_all(run)) > acknowledged
        with FileLog(run) as log:
            log.append("main", [started()])
        found = [one for one in read_all(run) if one.kind not in ("log.recovered", "phase.started")]
        assert [one.kind for one in found] == ["sample.failed", "sample.graded"] * (len(found) // 2)
        assert problems(run) == []
    tried("errors of the disk, injected at every call that the log makes", injected)


def test_an_error_of_the_disk_while_copies_are_joined_leaves_a_whole_run_or_none(
    place: Path, share: Share, tried: Tried
) -> None:
    one, other = copies_to_join(place, Random(1))
    counting = FaultyDisk(0, 0, lasting=False)
    whole, before = tree(merge(one, other, place / "joined", counting)), (tree(one), tree(other))
    injected = 0
    for number, (at, error, lasting) in enumerate(places(counting.calls, share(60, EVERY))):
        target = place / f"joined-{number}"
        with pytest.raises(DiskError, match=os.strerror(error)):
            merge(one, other, target, FaultyDisk(at, error, lasting=lasting))
        if (target / "run-1").exists():
            assert tree(target / "run-1") == whole
        else:
            assert tree(merge(one, other, target)) == whole
        assert (sorted(path.name for path in target.iterdir()), tree(one), tree(other)) == (["run-1"], *before)
        injected += 1
    tried("errors of the disk, injected at every call that joining copies makes", injected)


def test_after_a_failed_sync_a_writer_never_goes_on(place: Path) -> None:
    class Failing(Disk):
        broken = False

        def sync(self, fd: int) -> None:
            if self.broken:
                raise OSError(errno.EIO, "Input/output error")
            super().sync(fd)

    disk = Failing()
    log = FileLog(place / "run-1", Options(durability="each", disk=disk))
    log.append("main", [started("before")])
    disk.broken = True
    with pytest.raises(DiskError):
        log.append("main", [started("lost")])
    disk.broken = False
    for _ in range(2):
        with pytest.raises(DiskError, match="number 0 are safe"):
            log.append("main", [started("refused")])
    with pytest.raises(DiskError):
        log.close()
    assert [one.json["phase"] for one in read_all(place / "run-1")] == ["before"]


def test_after_a_full_disk_was_made_room_on_appending_goes_on(place: Path) -> None:
    class Full(Disk):
        full = False

        def write(self, fd: int, data: memoryview, offset: int) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(fd, data, offset)

    disk = Full()
    with FileLog(place / "run-1", Options(durability="each", disk=disk)) as log:
        log.append("main", [started("before")])
        disk.full = True
        with pytest.raises(DiskError, match="No space left on device"):
            log.append("main", [started("lost")])
        disk.full = False
        log.append("main", [started("after")])
    assert [one.json["phase"] for one in read_all(place / "run-1")] == ["before", "after"]
    assert problems(place / "run-1") == []


def test_short_writes_are_continued(place: Path) -> None:
    class Short(Disk):
        def write(self, fd: int, data: memoryview, offset: int) -> int:
            return super().write(fd, data[:100], offset)

    with FileLog(place / "run-1", Options(disk=Short())) as log:
        log.append("main", [failed(number, "x" * 500) for number in range(20)])
    assert len(read_all(place / "run-1")) == 20
    assert problems(place / "run-1") == []


def test_a_disk_that_really_fills_up_loses_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be made here: {mounted.stderr.strip()}")
    try:
        _fill(small / "run-1")
    finally:
        subprocess.run(["umount", str(small)], check=False)


def _fill(run: Path) -> None:
    acknowledged = -1
    log = FileLog(run, Options(durability="each"))
    refusal = ""
    while not refusal:
        try:
            acknowledged = log.append("main", [failed(acknowledged, "x" * 500), started()])
        except DiskError as error:
            refusal = str(error)
    assert "No space left on device" in refusal
    with pytest.raises(AsdError):
        log.close()
    assert acknowledged > 0
    assert len(read_all(run)) == acknowledged + 1
    assert problems(run) == []


def test_an_interrupt_while_an_event_is_written_leaves_a_log_that_goes_on(place: Path) -> None:
    class Interrupted(Disk):
        syncs = 0

        def sync(self, fd: int) -> None:
            self.syncs += 1
            if self.syncs == 3:
                raise KeyboardInterrupt
            super().sync(fd)

    with FileLog(place / "run-1", Options(durability="each", disk=Interrupted())) as log:
        log.append("main", [graded(1)])
        log.append("main", [graded(2)])
        with pytest.raises(KeyboardInterrupt):
            log.append("main", [graded(3)])
        log.append("main", [graded(3)])
        log.append("main", [graded(4)])
    facts = [one.event for one in read_all(place / "run-1") if one.kind == "sample.graded"]
    assert facts == [graded(number) for number in (1, 2, 3, 4)]
    assert problems(place / "run-1") == []
