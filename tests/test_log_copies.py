"""Joining copies as a law: whatever two copies of a run hold, in whatever order they are joined."""

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

from asd.core.errors import ConflictError
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
