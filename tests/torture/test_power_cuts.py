"""Nothing acknowledged is lost to a power cut, and a build that breaks the promise is caught."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest
from log_powercut import RecordingDisk, joining_violations, violations

from asd.store import opening
from asd.store.disk import Disk
from asd.store.group import Group
from asd.store.opening import Opened
from asd.store.tail_file import TailFile
from asd.store.writer import StreamWriter

Share = Callable[[int, int], range]
Tried = Callable[[str, int], None]
STATES = 250


def cuts(
    place: Path,
    seeds: Sequence[int],
    *,
    disk: type[RecordingDisk] = RecordingDisk,
    of: Callable[[Path, Random, int, RecordingDisk], Counter[str]] = violations,
) -> Counter[str]:
    """What goes wrong over `STATES` states of each log that the seeds give."""
    found: Counter[str] = Counter()
    for seed in seeds:
        folder = place / str(seed)
        folder.mkdir()
        found += of(folder, Random(seed), STATES, disk())
        shutil.rmtree(folder)
    return found


def test_after_any_power_cut_what_was_acknowledged_is_there_and_appends_are_whole(
    place: Path, share: Share, tried: Tried
) -> None:
    seeds = share(1_000 // STATES, 100_000 // STATES)
    assert cuts(place, seeds) == Counter()
    tried(
        "power cuts: states of the disk, with every write, sync, rename and folder entry of a log in turn",
        STATES * len(seeds),
    )


def test_after_any_power_cut_a_joined_run_is_absent_or_whole(place: Path, share: Share, tried: Tried) -> None:
    seeds = share(1_000 // STATES, 100_000 // STATES)
    assert cuts(place, seeds, of=joining_violations) == Counter()
    tried("power cuts while two copies of a run were joined: states of the disk", STATES * len(seeds))


class WithoutSync(RecordingDisk):
    """A build that forgets to sync files."""

    def sync(self, fd: int) -> None:
        self._note()


class WithoutFolderSync(RecordingDisk):
    """A build that forgets to sync folders."""

    def sync_folder(self, path: Path) -> None:
        self._note()


@pytest.mark.parametrize("disk", [WithoutSync, WithoutFolderSync])
def test_a_build_that_does_not_sync_is_caught(place: Path, disk: type[RecordingDisk]) -> None:
    assert any("acknowledged" in one for one in cuts(place, range(2), disk=disk))


class WithoutSyncOfStreams(RecordingDisk):
    """A build that syncs the folder of a joined run, and not those in it."""

    def sync_folder(self, path: Path) -> None:
        if path.parent.name != ".run-1.joining":
            super().sync_folder(path)


@pytest.mark.parametrize("disk", [WithoutSync, WithoutFolderSync, WithoutSyncOfStreams])
def test_a_build_that_does_not_sync_what_it_joins_is_caught(place: Path, disk: type[RecordingDisk]) -> None:
    assert cuts(place, range(2), disk=disk, of=joining_violations) != Counter()


def test_a_build_that_acknowledges_before_the_sync_is_caught(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = StreamWriter._commit

    def too_early(self: StreamWriter, group: Group) -> None:
        with self._changed:
            self._durable = self._tree.size + len(group.leaves)
            self._changed.notify_all()
        # Whoever waited must be heard before the disk is, however busy the machine.
        time.sleep(0.005)
        commit(self, group)

    monkeypatch.setattr(StreamWriter, "_commit", too_early)
    assert any("acknowledged" in one for one in cuts(place, range(4)))


def test_a_build_that_syncs_again_after_a_failed_sync_is_caught(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(self: StreamWriter, tail: TailFile) -> None:
        try:
            tail.sync()
        except OSError:
            tail.sync()

    monkeypatch.setattr(StreamWriter, "_sync", twice)
    assert any("acknowledged" in one for one in cuts(place, range(4), disk=FailingOnce))


class FailingOnce(RecordingDisk):
    """A disk whose third sync of lines fails; what it could not write is dropped, and later syncs say all is well."""

    def __init__(self) -> None:
        super().__init__()
        self._syncs = 0
        self._dropped: list[object] = []

    def sync(self, fd: int) -> None:
        inode = self._inodes[self._open[fd]]
        self._syncs += any(path.suffix == ".jsonl" for path, one in self._names.items() if one == self._open[fd])
        if self._syncs == 3 and not self._dropped:
            self._dropped = list(inode.pending)
            raise OSError(5, "Input/output error")
        kept = [step for step in inode.pending if step not in self._dropped]
        lost = [step for step in inode.pending if step in self._dropped]
        inode.pending = kept
        super().sync(fd)
        inode.pending = lost
        self._note()


def test_a_build_that_cuts_below_the_committed_size_is_caught(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = opening._cut_torn_tail

    def too_deep(opened: Opened, disk: Disk) -> None:
        opened.hot_end = max(0, opened.hot_end - 100)
        cut(opened, disk)

    monkeypatch.setattr(opening, "_cut_torn_tail", too_deep)
    assert cuts(place, range(2)) != Counter()
