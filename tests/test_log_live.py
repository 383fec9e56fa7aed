"""A log that changes under its reader: groups that come, files that are sealed and joined, a group taken back.

Whatever a writer does between two steps of a reader is done here in just that place, so that nothing is left to chance.
"""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from log_events import generated, graded
from log_files import crashed, poll_once, problems, read_all

from asd.core.log import Record
from asd.store import copies, files, layout, proof, reader, segments, store, verify_stream
from asd.store.copies import export_lines, merge
from asd.store.files import FileLog
from asd.store.hot import Group, HotReader
from asd.store.options import Options
from asd.store.proof import prove, verify_proof
from asd.store.sealing import Sealer
from asd.store.signing import signers_of
from asd.store.store import Store
from asd.store.verify import verify
from asd.views import runs
from asd.views.runs import summaries

if TYPE_CHECKING:
    from typing_extensions import Buffer


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
            assert (reader.flaw(), reader.stop) == (None, reader.end)
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
        assert reader.stop <= hot.stat().st_size
    assert len(poll_once(hot.parent)) == 41
    assert problems(hot.parent.parent) == []


@pytest.fixture
def later(run: Path, tmp_path: Path) -> Path:
    """`run` has two sealed files, a full and a small one, and a hot one; here they are joined into fewer."""
    written(run, 0, 6, seal_events=6)
    written(run, 6, 8, seal_events=6)
    with FileLog(run, Options(durability="each")) as log:
        log.append("main", [graded(number) for number in range(8, 12)])
        shutil.copytree(run, tmp_path / "before")
    folder = tmp_path / "_elsewhere" / "run-1"
    folder.parent.mkdir()
    run.rename(folder)
    (tmp_path / "before").rename(run)
    (folder / "main" / "lock").unlink()
    assert [len(list((one / "main").glob("*.parquet"))) for one in (run, folder)] == [2, 1]
    return folder / "main"


def written(run: Path, first: int, end: int, *, seal_events: int) -> None:
    """A part of a run: some graded samples."""
    with FileLog(run, Options(seal_events=seal_events)) as log:
        log.append("main", [graded(number) for number in range(first, end)])


def becomes(folder: Path, later: Path) -> None:
    """Bring `folder` to the state `later`, as a sealer does: new files first, then the old ones go."""
    names = {path.name for path in later.iterdir()}
    for path in later.iterdir():
        shutil.copyfile(path, folder / path.name)
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()


def meanwhile(monkeypatch: pytest.MonkeyPatch, place: object, name: str, at: int, act: Callable[[], None]) -> None:
    """Do `act` before call number `at` (from 0) of a function."""
    real, calls = getattr(place, name), count()

    def call(*arguments: object) -> object:
        if next(calls) == at:
            act()
        return real(*arguments)

    monkeypatch.setattr(place, name, call)


READS: dict[str, Callable[[Path], int]] = {
    "verify": lambda run: len(checked(run)),
    "read": lambda run: len(read_all(run)),
    "export": lambda run: len(list(export_lines(run))),
    "prove": lambda run: verify_proof(prove(run, "gsm8k/test/3").to_bytes()).heads[0].size,
    "merge": lambda run: len(checked(merge(run, run, run.parent / "joined"))),
    "runs": lambda run: int(str(summaries(run.parent)[0]["events"])),
    "began": lambda run: 12 * len(Store(run.parent).runs()),
    "segments": lambda run: 12 * bool(FileLog(run).segments()),
}


def checked(run: Path) -> list[Record]:
    """The records of a run that verifies."""
    assert problems(run) == []
    return read_all(run)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("reads", READS)
def test_files_that_are_sealed_and_joined_under_a_reader_are_no_damage(
    run: Path, later: Path, monkeypatch: pytest.MonkeyPatch, reads: str, at: int
) -> None:
    """Before each opening of a manifest, in turn, everything is joined and what was listed is gone."""
    for module in (copies, files, proof, reader, runs, segments, store, verify_stream):
        if hasattr(module, "read_manifest"):
            meanwhile(monkeypatch, module, "read_manifest", at, lambda: becomes(run / "main", later))
    assert READS[reads](run) in (8, 12)
    becomes(run / "main", later)
    assert READS["verify"](run) == 12


def test_a_hot_file_that_was_sealed_before_it_was_opened_is_checked_in_its_place(
    run: Path, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, HotReader, "__init__", 0, lambda: becomes(run / "main", later))
    found = verify(run)
    assert (found.problems, found.events) == ((), 12)
    assert (found.streams[0].sealed_files, found.streams[0].hot_files) == (1, 0)


def test_a_head_that_went_with_its_joined_file_is_not_missing(
    run: Path, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = signers_of(later)[0]
    meanwhile(monkeypatch, verify_stream, "_note_of", 1, lambda: becomes(run / "main", later))
    found = verify(run, key=key)
    assert (found.problems, found.streams[0].unsigned_files) == ((), 0)


@pytest.mark.parametrize("at", range(3))
def test_a_listing_that_missed_a_file_and_what_it_was_joined_into_is_made_again(
    run: Path, later: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """As a system may do with a large folder: the listing has passed the new name when it comes, and the old are gone
    before it gets there."""
    real = os.scandir
    calls = count()

    @contextmanager
    def listed(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with real(folder) as entries:
            found = list(entries)
        if next(calls) == at:
            found = [entry for entry in found if "-" not in entry.name]
            becomes(run / "main", later)
        yield found

    monkeypatch.setattr(layout.os, "scandir", listed)
    whole = ["00000000-00000011.parquet"]
    parts = ["00000000-00000005.parquet", "00000006-00000007.parquet", "00000008.jsonl"]
    assert [one.path.name for one in layout.chain(run / "main")] in (whole, parts)


def test_a_reader_that_is_overtaken_again_and_again_calls_nothing_missing(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time it has read its file to the end and lists the folder, that file is finished and another begun."""
    log = FileLog(run, Options(durability="each", seal_events=3, keep_hot_s=60))
    log.append("main", [graded(0)])
    numbers, calls = iter(range(1, 13)), count()

    def overtaken(folder: Path) -> list[layout.Hot | layout.Sealed]:
        if next(calls) % 2:
            for number in islice(numbers, 3):
                log.append("main", [graded(number)])
        return layout.chain(folder)

    monkeypatch.setattr(Sealer, "seal", lambda self, hot: None)
    monkeypatch.setattr(reader, "chain", overtaken)
    assert [one.seq for one in poll_once(run / "main")] == list(range(13))
    log.close()


def test_a_copy_of_a_file_that_grows_ends_with_its_last_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hot, (first, second) = groups_of(tmp_path, 2, 3)
    hot.write_bytes(first)
    committed = copies._committed

    def before_it_grows(one: layout.Hot) -> int:
        length = committed(one)
        hot.write_bytes(first + second)
        return length

    monkeypatch.setattr(copies, "_committed", before_it_grows)
    joined = merge(hot.parent.parent, hot.parent.parent, tmp_path / "joined")
    assert len(checked(joined)) == 2


class Growing(io.FileIO):
    """A file whose second half is written just when its reader has come to the end of the first."""

    def __init__(self, path: Path, rest: bytes) -> None:
        super().__init__(path, "rb")
        self._path, self._rest = path, rest

    def readinto(self, buffer: "Buffer") -> int:
        found = super().readinto(buffer)
        if not found and self._rest:
            with self._path.open("ab") as file:
                file.write(self._rest)
            self._rest = b""
        return found


@pytest.mark.parametrize("cut", [1, 700, 1500, 2000, 2400, -200, -1])
def test_a_line_of_which_a_reader_saw_the_first_part_alone_is_no_damage(tmp_path: Path, cut: int) -> None:
    hot, (first, second) = groups_of(tmp_path, 1, 2)
    hot.write_bytes(first + second[:cut])
    with HotReader(hot, 0) as reader:
        reader._file = io.BufferedReader(Growing(hot, second[cut:]))
        assert [len(group.lines) for group in reader.groups()] == [1]
        assert (reader.stop, reader.flaw()) == (len(first) + cut % len(second), None)
        assert [len(group.lines) for group in reader.groups()] == [2]
