"""Typed tables as files: what each depends on, and when those that another build has made go."""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from fixtures_run import run_events

from asd.core import event
from asd.core.event import Event, kinds
from asd.store import catalogue_cache, catalogue_types
from asd.store.catalogue_cache import RAW, typed_folders
from asd.store.catalogue_types import table_file
from asd.store.disk import Disk
from asd.store.files import FileLog
from asd.store.options import Options

LIFTED = """
from asd.core.event import Event

class Weighed(Event, kind="test.weighed", v=2):
    mass_kg: float

    @classmethod
    def upcast_v1(cls, data):
        return {"mass_kg": data["mass"] / DIVISOR}
"""


@pytest.fixture
def log(tmp_path: Path) -> FileLog:
    with FileLog(tmp_path / "run-1", Options(seal_events=100, keep_hot_s=0, signer=None)) as log:
        for one in run_events():
            log.append("main", [one])
            log.flush()
    assert len(log.segments()) > 2
    return log


def without(*left_out: str) -> dict[str, type[Event]]:
    return {kind: cls for kind, cls in kinds().items() if kind not in left_out}


def inodes(folders: Sequence[Path]) -> dict[tuple[str, str], int]:
    return {(one.parent.name, one.name): one.stat().st_ino for folder in folders for one in folder.iterdir()}


def aged(folder: Path, seconds: int) -> Path:
    """`folder` as if nothing had been added to it for so long."""
    then = folder.stat().st_mtime - seconds
    os.utime(folder, (then, then))
    return folder


def test_a_kind_that_is_added_leaves_the_files_of_other_kinds_as_they_are(log: FileLog) -> None:
    before = inodes(typed_folders(log.cache, log.segments(), without("sample.graded")))
    after = inodes(typed_folders(log.cache, log.segments(), kinds()))
    assert before.items() <= after.items()
    assert {name for _, name in after.keys() - before.keys()} == {table_file(kinds()["sample.graded"])}


def test_typed_files_are_on_the_disk_before_their_folder_gets_its_name(
    log: FileLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    named: list[set[int]] = []

    class Watched(Disk):
        def sync(self, fd: int) -> None:
            synced.add(os.fstat(fd).st_ino)

        def sync_folder(self, path: Path) -> None:
            assert {one.stat().st_ino for one in path.iterdir() if one.name != RAW} <= synced
            synced.add(path.stat().st_ino)

    really = Path.rename

    def rename(making: Path, place: Path) -> Path:
        named.append({making.stat().st_ino} - synced)
        return really(making, place)

    monkeypatch.setattr(catalogue_cache, "DISK", Watched())
    monkeypatch.setattr(Path, "rename", rename)
    typed_folders(log.cache, log.segments(), kinds())
    assert named == [set()] * len(log.segments())


def weighed(folder: Path, divisor: int) -> type[Event]:
    path = folder / f"by_{divisor}.py"
    path.write_text(LIFTED.replace("DIVISOR", str(divisor)))
    found: type[Event] = importlib.import_module(path.stem).Weighed
    return found


def test_another_way_to_lift_an_older_version_gives_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event, "_registry", dict(event._registry))
    monkeypatch.syspath_prepend(tmp_path)
    names = [table_file(weighed(tmp_path, divisor)) for divisor in (1000, 1024)]
    assert names[0] != names[1]


@pytest.mark.parametrize("changed", ["version", "Path"])
def test_another_duckdb_or_another_way_to_write_gives_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    cls = kinds()["sample.graded"]
    before = table_file(cls)
    (tmp_path / "catalogue_decode.py").write_text("# changed")
    monkeypatch.setattr(catalogue_types, changed, {"version": lambda _: "0", "Path": lambda _: tmp_path / "x"}[changed])
    monkeypatch.setattr(catalogue_types, "_maker", catalogue_types._maker.__wrapped__)
    assert table_file(cls) != before


def test_of_other_builds_the_last_stays_and_what_nobody_reads_any_more_goes(log: FileLog) -> None:
    builds = []
    for left_out, seconds in (("sample.graded", 3000), ("run.started", 2000), ("sample.answered", 1000)):
        builds.append(typed_folders(log.cache, log.segments(), without(left_out))[0].parent)
        aged(builds[-1], seconds)
    typed_folders(log.cache, log.segments(), kinds())
    assert [one.exists() for one in builds] == [False, False, True]


def test_a_build_that_was_added_to_just_now_stays(log: FileLog) -> None:
    builds = [
        typed_folders(log.cache, log.segments(), without(one))[0].parent for one in ("run.started", "run.planned")
    ]
    typed_folders(log.cache, log.segments(), kinds())
    assert all(one.exists() for one in builds)


def test_a_segment_that_only_builds_link_to_is_removed_after_a_while(log: FileLog) -> None:
    first, *rest = log.segments()
    for known in (without("run.started"), kinds()):
        stale = typed_folders(log.cache, [first], known)[0]
        aged(stale, 3000)
    assert (stale / RAW).stat().st_nlink == 3
    first.path.unlink()
    typed_folders(log.cache, rest, kinds())
    assert not stale.exists()
