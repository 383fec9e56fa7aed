"""What happens after a crash: a torn tail is cut and said, damage is named and nothing is touched."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from log_events import failed, generated, graded, started
from log_files import crashed, problems, read_all, reopened, sealed

from asd.core.errors import ConflictError, DamageError
from asd.core.event import Event
from asd.core.facts.telemetry import LogRecovered
from asd.store.commit import SECTOR
from asd.store.damage import DamagedFileError
from asd.store.files import FileLog
from asd.store.options import Options
from asd.store.verify import verify

GROUPS: list[list[Event]] = [[generated(1), graded(1)], [generated(2)], [graded(2), generated(3), graded(3)]]
EVENTS = [event for group in GROUPS for event in group]
BEFORE_LAST = 3
LONG = 50_000_000


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run."""
    return tmp_path / "run-1"


def last_group(hot: Path) -> int:
    """Where the last group of a hot file begins."""
    lines = hot.read_bytes().splitlines(keepends=True)
    ends = [sum(map(len, lines[: at + 1])) for at, line in enumerate(lines) if b'{"commit"' in line[:SECTOR]]
    return ends[-2]


def test_after_a_crash_appending_goes_on_in_the_same_file(run: Path) -> None:
    crashed(run, GROUPS)
    with FileLog(run) as log:
        assert log.append("main", [started()]) == 6
    assert [one.event for one in read_all(run)] == [*EVENTS, started()]
    assert problems(run) == []


@pytest.mark.parametrize("kept", [1, 200, 1000, 2000, -300, -78, -1])
def test_a_group_that_was_written_in_part_is_cut_and_said(run: Path, kept: int) -> None:
    hot = crashed(run, GROUPS)
    begin, data = last_group(hot), hot.read_bytes()
    torn = data[begin:][:kept]
    hot.write_bytes(data[:begin] + torn)
    with FileLog(run) as log:
        log.append("main", [started()])
    records = read_all(run)
    assert [one.event for one in records[:BEFORE_LAST]] == EVENTS[:BEFORE_LAST]
    assert records[BEFORE_LAST].event == LogRecovered(
        file=hot.name, offset=begin, bytes_cut=len(torn), bytes_sha256=sha256(torn).hexdigest()
    )
    assert records[-1].event == started()
    assert problems(run) == []


@pytest.mark.parametrize("filling", [bytes(SECTOR), bytes(range(256)) * 2])
def test_a_lost_sector_in_the_last_group_is_a_torn_tail(run: Path, filling: bytes) -> None:
    hot = crashed(run, GROUPS)
    begin, data = last_group(hot), bytearray(hot.read_bytes())
    sector = begin - begin % SECTOR + SECTOR
    data[sector : sector + SECTOR] = filling
    hot.write_bytes(data)
    with FileLog(run) as log:
        log.append("main", [started()])
    assert [one.event for one in read_all(run)][:BEFORE_LAST] == EVENTS[:BEFORE_LAST]
    assert read_all(run)[BEFORE_LAST].kind == "log.recovered"


def test_a_reader_stops_before_a_torn_tail_and_verification_says_how_long_it_is(run: Path) -> None:
    hot = crashed(run, GROUPS)
    begin = last_group(hot)
    hot.write_bytes(hot.read_bytes()[: begin + 100])
    assert [one.event for one in read_all(run)] == EVENTS[:BEFORE_LAST]
    found = verify(run)
    assert found.ok
    assert found.streams[0].torn_bytes == 100


@pytest.mark.parametrize("back", [1, 2, 40, 100, 200, 500, 1500, 3000])
def test_a_flipped_bit_in_the_last_group_is_damage_and_never_cut(run: Path, back: int) -> None:
    hot = crashed(run, GROUPS)
    data = bytearray(hot.read_bytes())
    data[-back] ^= 4
    hot.write_bytes(data)
    with pytest.raises(DamagedFileError) as caught, FileLog(run) as log:
        log.append("main", [started()])
    assert caught.value.file == hot
    assert abs(caught.value.offset - (len(data) - back)) < 2500
    assert hot.read_bytes() == data
    assert problems(run) != []


def test_damage_before_the_last_group_is_named_by_event_file_and_byte(run: Path) -> None:
    hot = crashed(run, GROUPS)
    data = hot.read_bytes()
    at = data.index(b'"correct":true')
    hot.write_bytes(data[:at] + b'"correct":tru3' + data[at + 14 :])
    begin = data.rindex(b"\n", 0, at) + 1
    assert problems(run) == [f"00000000.jsonl:{begin}:1: its line is damaged"]
    with pytest.raises(DamageError, match=f"00000000.jsonl: event 1 at byte {begin}"):
        read_all(run)


def test_a_group_taken_out_of_the_middle_is_noticed(run: Path) -> None:
    hot = crashed(run, GROUPS)
    lines = hot.read_bytes().splitlines(keepends=True)
    del lines[3:5]
    hot.write_bytes(b"".join(lines))
    assert problems(run) != []
    with pytest.raises(DamageError):
        read_all(run)


def test_a_changed_byte_in_a_sealed_file_is_noticed_by_reader_writer_and_verification(run: Path) -> None:
    path = sealed(run, GROUPS)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamageError, match="manifest"):
        read_all(run)
    assert problems(run) == [f"{path.name}:0:0: it is not the file that its manifest names"]


@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_a_missing_half_of_a_sealed_file_is_noticed(run: Path, suffix: str) -> None:
    sealed(run, GROUPS).with_suffix(suffix).unlink()
    assert problems(run) != []
    with pytest.raises(DamageError, match="missing"), FileLog(run) as log:
        log.append("main", [started()])


def test_a_missing_sealed_file_before_another_is_noticed(run: Path) -> None:
    first = sealed(run, GROUPS)
    sealed(run, [[started()]])
    first.unlink()
    first.with_suffix(".json").unlink()
    assert problems(run) == ["00000006-00000006.parquet:0:0: events up to 5 are missing before it"]


def test_what_an_interrupted_seal_leaves_is_no_damage_and_is_cleaned_up(run: Path) -> None:
    hot = crashed(run, GROUPS)
    folder = hot.parent
    manifest = folder / "00000000-00000005.json"
    manifest.write_text("{}")
    (folder / "00000000-00000005.parquet.tmp").write_bytes(b"PAR1")
    assert [one.event for one in read_all(run)] == EVENTS
    with FileLog(run) as log:
        log.append("main", [started()])
        log.flush()
        assert sorted(path.name for path in folder.iterdir()) == ["00000000.jsonl", "lock"]
    assert problems(run) == []


def test_a_sealed_file_whose_lines_are_still_there_is_read_once(run: Path) -> None:
    hot = crashed(run, GROUPS)
    lines = hot.read_bytes()
    with FileLog(run) as log:
        log.append("main", [started()])
    hot.write_bytes(lines)
    assert [one.event for one in read_all(run)] == [*EVENTS, started()]
    with FileLog(run) as log:
        log.append("main", [failed(1, "later")])
        assert not hot.exists()
    assert [one.event for one in read_all(run)][-1] == failed(1, "later")


def test_the_tail_of_a_file_that_others_follow_may_not_be_torn(run: Path) -> None:
    hot = crashed(run, GROUPS)
    begin, data = last_group(hot), hot.read_bytes()
    hot.with_name("00000006.jsonl").write_bytes(b"")
    hot.write_bytes(data[: begin + 50])
    assert problems(run) != []
    with pytest.raises(DamageError), FileLog(run) as log:
        log.append("main", [started()])
    assert hot.read_bytes() == data[: begin + 50]


def test_a_run_that_was_resumed_often_has_few_sealed_files(run: Path) -> None:
    events = [graded(number) for number in range(60)]
    for event in events:
        sealed(run, [[event]])
    assert len(list((run / "main").glob("*.parquet"))) <= 4
    assert [one.event for one in read_all(run)] == events
    assert problems(run) == []
    assert {path.suffix for path in (run / "main").iterdir()} == {".parquet", ".json", ".note", ""}


def test_sealed_files_are_joined_up_to_the_usual_size_and_not_beyond(run: Path) -> None:
    for part in range(10):
        with FileLog(run, Options(seal_events=10)) as log:
            log.append("main", [graded(10 * part + number) for number in range(4)])
    sizes = [pq.read_metadata(path).num_rows for path in (run / "main").glob("*.parquet")]
    assert sum(sizes) == 40
    assert max(sizes) <= 10
    assert problems(run) == []


def test_a_resumed_run_knows_the_facts_of_sealed_files_and_of_hot_lines(run: Path) -> None:
    facts = [graded(number) for number in range(40)]
    sealed(run, [facts[:25]])
    for part in (facts[25:33], facts[33:]):
        writer = reopened(run)
        writer.append(part)
        writer.close(seal=False)
    writer = reopened(run)
    for one in (*facts, *reversed(facts)):
        assert writer.append([one]) == 39
    for number in (3, 30, 39):
        with pytest.raises(ConflictError):
            writer.append([graded(number, correct=False)])
    assert writer.append([graded(40)]) == 40
    writer.close()
    assert problems(run) == []


def test_a_fact_that_an_earlier_process_sealed_is_nothing_new_and_may_not_change(run: Path) -> None:
    sealed(run, [[graded(1), graded(2)]])
    sealed(run, [[graded(3)]])
    with FileLog(run) as log:
        assert log.append("main", [graded(1), graded(3), graded(2)]) == 2
        with pytest.raises(ConflictError):
            log.append("main", [graded(4), graded(2, correct=False)])
    assert [one.event for one in read_all(run)] == [graded(1), graded(2), graded(3)]


@contextmanager
def in_little_memory() -> Iterator[None]:
    """What is done inside holds at no time more than a few lines of the longest kind: far less than `LONG` bytes."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < LONG // 5
    finally:
        tracemalloc.stop()


def raised(reads: Callable[[Path], object], run: Path) -> str:
    """The damage that a reader names, as `problems` words it."""
    with pytest.raises(DamagedFileError) as caught:
        reads(run)
    return f"{caught.value.file.name}:{caught.value.offset}:{caught.value.event}: {caught.value.what}"


@pytest.mark.parametrize(
    "named",
    [partial(raised, read_all), partial(raised, reopened), lambda run: problems(run)[0]],
    ids=["read", "open", "verify"],
)
def test_a_line_of_any_length_is_named_without_being_read_whole(run: Path, named: Callable[[Path], str]) -> None:
    hot = crashed(run, GROUPS)
    begin, data = last_group(hot), hot.read_bytes()
    hot.write_bytes(data[:begin] + b"x" * LONG + b"\n" + data[begin:])
    with in_little_memory():
        assert named(run) == f"{hot.name}:{begin}:{BEFORE_LAST}: its line is damaged"
    assert hot.stat().st_size == len(data) + LONG + 1


@pytest.mark.parametrize("filling", [b"\0", b"\xfe", b"text"])
def test_a_torn_tail_of_any_length_is_cut_and_said_without_being_read_whole(run: Path, filling: bytes) -> None:
    hot = crashed(run, GROUPS)
    begin = last_group(hot)
    torn = hot.read_bytes()[begin : begin + 100] + filling * (LONG // len(filling))
    hot.write_bytes(hot.read_bytes()[:begin] + torn)
    digest = sha256(torn).hexdigest()
    with in_little_memory():
        assert [one.event for one in read_all(run)] == EVENTS[:BEFORE_LAST]
        assert verify(run).streams[0].torn_bytes == len(torn)
        reopened(run).close()
    assert read_all(run)[BEFORE_LAST].event == LogRecovered(
        file=hot.name, offset=begin, bytes_cut=len(torn), bytes_sha256=digest
    )
    assert problems(run) == []
