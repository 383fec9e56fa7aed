"""Joining copies as a law: whatever two copies of a run hold, in whatever order they are joined."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_events import started
from log_files import problems, read_all

from asd.core.errors import BusyError, ConflictError, UsageError
from asd.store.copies import merge
from asd.store.files import FileLog
from asd.store.options import Options

STREAMS = ("main", "telemetry", "reports")
steps = st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(1, 4), st.booleans()), min_size=1, max_size=8)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def histories(what: list[tuple[str, int, bool]]) -> Iterator[tuple[Path, list[Path]]]:
    """A folder, and copies of a run in it: empty, then after each step, in which a stream gets some events.

    Where a step says so, the copy was made while the log was open, so that its lines are hot.
    """
    with TemporaryDirectory() as name:
        place, run = Path(name), Path(name) / "writing" / "run-1"
        run.mkdir(parents=True)
        copies = [copied(run, place / "0")]
        for number, (stream, events, hot) in enumerate(what, 1):
            with FileLog(run, Options(seal_events=3, keep_hot_s=60)) as log:
                log.append(stream, [started(f"{number}/{event}") for event in range(events)])
                log.flush()
                if hot:
                    copies.append(copied(run, place / str(number)))
            if not hot:
                copies.append(copied(run, place / str(number)))
        yield place, copies


def copied(run: Path, place: Path) -> Path:
    """A copy of a run, as a backup makes one."""
    return shutil.copytree(run, place / run.name, ignore=shutil.ignore_patterns("*.tmp", "lock"))


@settings(max_examples=20, deadline=None)
@given(steps, st.data())
def test_joining_is_commutative_and_idempotent_and_holds_what_either_copy_holds(
    what: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    with histories(what) as (place, copies):
        one, other = (data.draw(st.sampled_from(copies)) for _ in range(2))
        for lost in data.draw(st.sets(st.sampled_from(STREAMS))):
            shutil.rmtree(one / lost, ignore_errors=True)
        joined = merge(one, other, place / "a")
        assert files(joined) == files(merge(other, one, place / "b"))
        for number, again in enumerate((one, other, joined)):
            assert files(joined) == files(merge(joined, again, place / f"again-{number}"))
        assert problems(joined) == []
        held = {(record.id, record.stream, record.data) for copy in (one, other) for record in read_all(copy)}
        assert {(record.id, record.stream, record.data) for record in read_all(joined)} == held


@settings(max_examples=6, deadline=None)
@given(steps, st.sampled_from(STREAMS))
def test_copies_that_went_on_differently_are_never_joined(what: list[tuple[str, int, bool]], stream: str) -> None:
    with histories(what) as (place, copies):
        forks = [copied(copies[-1], place / name) for name in ("left", "right")]
        for fork in forks:
            with FileLog(fork) as log:
                log.append(stream, [started(fork.parent.name)])
        with pytest.raises(ConflictError, match="fork"):
            merge(*forks, place / "joined")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of one event."""
    with FileLog(tmp_path / "store" / "run-1") as log:
        log.append("main", [started()])
    return log.path


def test_a_run_is_not_joined_into_one_of_its_copies(run: Path) -> None:
    with pytest.raises(UsageError, match="lies in"):
        merge(run, run, run)
    assert not (run / run.name).exists()


def test_stores_are_not_taken_for_runs(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a store.* such as .*/store/run-1"):
        merge(run.parent, run.parent, tmp_path / "joined")


def test_a_copy_may_be_named_from_inside_it(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    assert len(read_all(merge(Path(), Path("../run-1"), tmp_path / "joined"))) == 1


def test_two_that_join_in_one_place_at_once_are_told_apart(run: Path, tmp_path: Path) -> None:
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(BusyError, match="another process"):
        merge(run, run, tmp_path)
    os.close(other)
    assert len(read_all(merge(run, run, tmp_path))) == 1


def test_what_a_killed_joining_left_is_removed_by_the_next(run: Path, tmp_path: Path) -> None:
    left = tmp_path / "joined" / ".run-1.joining" / "main"
    left.mkdir(parents=True)
    (left / "00000005.jsonl").write_bytes(b"half")
    joined = merge(run, run, tmp_path / "joined")
    assert (list(joined.parent.iterdir()), problems(joined)) == ([joined], [])
