"""A log that changes under its reader: groups that come, files that are sealed and joined, a group taken back.

Whatever a writer does between two steps of a reader is done here in just that place, so that nothing is left to chance.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from log_events import generated
from log_files import crashed, poll_once, problems

from asd.store.hot import Group, HotReader
from asd.store.verify import verify


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run."""
    return tmp_path / "run-1"


def groups_of(tmp_path: Path, *sizes: int) -> tuple[Path, list[bytes]]:
    """A hot file with a group of each size, and the bytes of each group."""
    numbers = iter(range(sum(sizes)))
    hot = crashed(tmp_path / "run-1", [[generated(next(numbers)) for _ in range(size)] for size in sizes])
    with HotReader(hot, 0) as reader:
        ends = [(group.offset, group.end) for group in reader.groups()]
    data = hot.read_bytes()
    return hot, [data[begin:end] for begin, end in ends]


def test_a_group_that_comes_after_the_last_look_is_no_damage(tmp_path: Path) -> None:
    hot, (first, second) = groups_of(tmp_path, 2, 2)
    hot.write_bytes(b"")
    with HotReader(hot, 0) as reader:
        for data in (first, second):
            assert list(reader.groups()) == []
            with hot.open("ab") as file:
                file.write(data)
            assert (reader.flaw(), reader.tail) == (None, b"")
            assert [len(group.lines) for group in reader.groups()] == [2]


def test_a_group_that_is_written_while_a_file_is_verified_is_no_damage(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot, data = groups_of(tmp_path, 2, 1, 3)
    hot.write_bytes(b"")
    coming = iter(data)
    real = HotReader.groups

    def grown(self: HotReader, after: int = -1) -> Iterator[Group]:
        yield from real(self, after)
        with hot.open("ab") as file:
            file.write(next(coming))

    monkeypatch.setattr(HotReader, "groups", grown)
    found = [verify(run) for _ in data]
    assert [one.problems for one in found] == [()] * 3
    assert [one.events for one in found] == [0, 2, 3]


def test_a_group_that_was_taken_back_and_written_anew_under_a_reader_is_no_damage(tmp_path: Path) -> None:
    """A reader has a part of a group in its buffer; the disk refuses the rest, and another group comes in its place."""
    hot, (first, second) = groups_of(tmp_path, 1, 40)
    refused = second.replace(b"every day", b"each day.")[: len(second) // 2]
    hot.write_bytes(first + refused)
    with HotReader(hot, 0) as reader:
        looking = reader.groups()
        assert len(next(looking).lines) == 1
        hot.write_bytes(first + second)
        assert [len(group.lines) for group in looking] in ([], [40])
        assert reader.flaw() is None
        assert reader.end + len(reader.tail) <= hot.stat().st_size
    assert len(poll_once(hot.parent)) == 41
    assert problems(hot.parent.parent) == []
