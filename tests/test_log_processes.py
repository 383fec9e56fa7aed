"""Several processes at one log: one writer a stream, readers that never wait, crashes that lose nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from threading import Event, main_thread
from time import sleep

import pytest
from log_events import graded, started
from log_files import problems, read_all

from asd.core.errors import BusyError, UsageError
from asd.store import writer
from asd.store.files import FileLog
from asd.store.layout import Hot
from asd.store.lock import lock
from asd.store.sealing import Sealer
from asd.store.store import Store, fresh_id
from asd.store.verify import verify
from asd.store.writer import Options

SPAWN = get_context("spawn")


def write_graded(run: Path, first: int, count: int, seal_events: int) -> None:
    """Append facts one by one and close."""
    with FileLog(run, Options(seal_events=seal_events, keep_hot_s=0)) as log:
        for number in range(first, first + count):
            log.append("main", [graded(number)])


def write_in_parts(run: Path, parts: int) -> None:
    """Append a hundred facts a part, sealing often in every other one, whose files the next then joins."""
    for part in range(parts):
        write_graded(run, 100 * part, 100, 25_000 if part % 2 else 9)


def write_until_killed(run: Path, durability: str, acknowledged: int) -> None:
    """Append for ever, telling each acknowledged sequence number through a pipe."""
    log = FileLog(run, Options(durability=durability, seal_events=40, keep_hot_s=0))
    while True:
        seq = log.append("main", [started(), started()])
        if durability == "group":
            log.durable("main", seq)
        os.write(acknowledged, seq.to_bytes(8, "big"))


def killed_after(run: Path, durability: str, seconds: float) -> int:
    """Kill a writing process with SIGKILL; the last sequence number that it acknowledged, -1 if none."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        write_until_killed(run, durability, write_end)
    os.close(write_end)
    sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(read_end, "rb") as pipe:
        told = pipe.read()
    return int.from_bytes(told[-8:], "big") if told else -1


@pytest.mark.parametrize("durability", ["group", "each", "os"])
def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path: Path, durability: str) -> None:
    run = tmp_path / "run-1"
    run.mkdir()
    for attempt in range(8):
        acknowledged = killed_after(run, durability, 0.02 + 0.013 * attempt)
        records = read_all(run)
        assert len(records) > acknowledged
        assert [one.seq for one in records] == list(range(len(records)))
        assert problems(run) == []


def test_a_reader_in_another_process_sees_every_event_once_while_files_are_sealed(tmp_path: Path) -> None:
    run = tmp_path / "run-1"
    run.mkdir()
    writer = SPAWN.Process(target=write_graded, args=(run, 0, 400, 7))
    writer.start()
    seen = []
    for record in FileLog(run, poll_s=0.01).follow():
        seen.append(record.seq)
        if record.seq == 399:
            break
    writer.join()
    assert seen == list(range(400))


def test_a_follower_outlives_its_writer_and_follows_the_next(tmp_path: Path) -> None:
    run = tmp_path / "run-1"
    acknowledged = killed_after(run, "each", 0.3)
    following = FileLog(run, poll_s=0.01).follow()
    assert [next(following).seq for _ in range(acknowledged + 1)] == list(range(acknowledged + 1))
    rest = len(read_all(run)) - acknowledged - 1
    assert [next(following).kind for _ in range(rest)] == ["phase.started"] * rest
    write_graded(run, 0, 1, 7)
    while (found := next(following)).kind == "log.recovered":
        continue
    assert found.event == graded(0)


def test_a_second_writer_of_a_stream_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    with FileLog(tmp_path / "run-1") as first:
        first.append("main", [started()])
        with pytest.raises(BusyError, match=f"process {os.getpid()} "):
            FileLog(tmp_path / "run-1").append("main", [started()])
        assert FileLog(tmp_path / "run-1").append("other", [started()]) == 0


def test_a_stream_is_free_again_once_its_writer_closed(tmp_path: Path) -> None:
    for expected in range(3):
        with FileLog(tmp_path / "run-1") as log:
            assert log.append("main", [started()]) == expected
    assert [one.seq for one in read_all(tmp_path / "run-1")] == [0, 1, 2]


def test_a_close_that_is_interrupted_seals_no_more_and_lets_the_stream_go_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while full files wait to be sealed: not one is sealed by a process that no longer holds the stream."""
    seal, sealed, free = Sealer.seal, list[int](), list[int]()

    def interrupted(self: Sealer, hot: Hot) -> None:
        sleep(0.2)
        if hot.first == 0:
            signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
        sleep(0.2)
        seal(self, hot)
        with suppress(BusyError):
            os.close(lock(tmp_path / "run-1" / "main"))
            free.append(hot.first)
        sealed.append(hot.first)

    log = FileLog(tmp_path / "run-1", Options(seal_events=5))
    closing = Event()
    monkeypatch.setattr(Sealer, "seal", lambda self, hot: closing.wait() and interrupted(self, hot))
    for number in range(20):
        log.append("main", [graded(number)])
        log.flush()
    monkeypatch.setattr(writer.ThreadPoolExecutor, "shutdown", told(closing))
    ignoring = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            log.close()
    finally:
        signal.signal(signal.SIGINT, ignoring)
    sleep(1)
    assert (sealed, free) == ([0], [])
    monkeypatch.undo()
    write_graded(tmp_path / "run-1", 20, 1, 5)
    assert len(read_all(tmp_path / "run-1")) == 21
    assert problems(tmp_path / "run-1") == []


def told(begins: Event) -> Callable[..., None]:
    """The shutdown of a pool, which says when it begins to wait."""
    shutdown = ThreadPoolExecutor.shutdown

    def telling(*arguments: object, **options: bool) -> None:
        begins.set()
        shutdown(*arguments, **options)  # type: ignore[arg-type]

    return telling


def test_a_process_that_ends_without_closing_has_committed_everything(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from log_events import started;"
        "from asd.store.files import FileLog; log = FileLog(Path(sys.argv[2]));"
        "[log.append('main', [started()]) for _ in range(100)]"
    )
    subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "run-1")], check=True)
    assert len(read_all(tmp_path / "run-1")) == 100


def test_reading_needs_no_permission_to_write(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere; run as another user to test this")
    write_graded(tmp_path / "run-1", 0, 5, 100)
    for path in sorted((tmp_path / "run-1").rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (tmp_path / "run-1").chmod(0o555)
    try:
        assert len(read_all(tmp_path / "run-1")) == 5
    finally:
        for path in [tmp_path / "run-1", *(tmp_path / "run-1").rglob("*")]:
            path.chmod(0o755)


def test_events_wait_for_the_disk_and_not_the_caller(tmp_path: Path) -> None:
    with FileLog(tmp_path / "run-1") as log:
        seq = log.append("main", [started()])
        log.durable("main", seq)
        assert [one.seq for one in FileLog(tmp_path / "run-1").read()] == [0]


def test_a_store_lists_its_runs_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for name in ("second", "first", "third"):
        store.create(name)
    for name in ("first", "second", "third"):
        with store.run(name) as log:
            log.append("main", [started()])
    assert store.runs() == ("first", "second", "third")
    assert store.latest() == "third"


@pytest.mark.parametrize("name", ["", "..", "a/b", "Run", "run\n", ".hidden", "-x", "x" * 129])
def test_a_run_with_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Store(tmp_path).create(name)


def test_a_run_that_is_a_link_is_neither_listed_nor_opened(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    write_graded(tmp_path / "elsewhere" / "run-1", 0, 1, 10)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "run-1").symlink_to(tmp_path / "elsewhere" / "run-1")
    assert Store(tmp_path / "store").runs() == ()
    with pytest.raises(UsageError):
        Store(tmp_path / "store").run("run-1")
    with pytest.raises(UsageError):
        FileLog(tmp_path / "store" / "run-1")


def test_fresh_ids_are_allowed_and_differ() -> None:
    assert fresh_id("pocket") != fresh_id("pocket")
    assert fresh_id("pocket").startswith("pocket-2")


def test_a_full_buffer_slows_the_caller_and_loses_nothing(tmp_path: Path) -> None:
    with FileLog(tmp_path / "run-1", Options(buffer_bytes=2_000)) as log:
        for number in range(500):
            log.append("main", [graded(number)])
    assert len(read_all(tmp_path / "run-1")) == 500


def test_a_process_forked_from_a_writer_leaves_its_log_alone(tmp_path: Path) -> None:
    with FileLog(tmp_path / "run-1") as log:
        log.append("main", [started("before")])
        log.flush()
        child = os.fork()
        if child == 0:
            log.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        log.append("main", [started("after")])
    assert [one.json["phase"] for one in read_all(tmp_path / "run-1")] == ["before", "after"]
    assert problems(tmp_path / "run-1") == []


def test_a_run_can_be_verified_while_it_is_written_sealed_and_joined(tmp_path: Path) -> None:
    run = tmp_path / "run-1"
    run.mkdir()
    writer = SPAWN.Process(target=write_in_parts, args=(run, 6))
    writer.start()
    seen = [0]
    while writer.is_alive():
        found = verify(run)
        assert found.problems == ()
        seen.append(found.events)
    assert seen == sorted(seen)
    assert verify(run).events == 600
    assert len(list((run / "main").glob("*.parquet"))) < 6
