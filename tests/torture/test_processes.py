"""Many processes: crashes, reopenings, readers while files grow, rotate and are sealed."""

from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import sleep

import pytest
from log_events import graded, started
from log_files import problems, read_all
from test_log_processes import killed_after

from asd.core.errors import BusyError
from asd.store.catalogue import Catalogue
from asd.store.files import FileLog
from asd.store.options import Options

Count = Callable[[int, int], int]
Share = Callable[[int, int], range]
Tried = Callable[[str, int], None]
SPAWN = get_context("spawn")


@pytest.mark.parametrize("durability", ["group", "each"])
def test_killed_processes_lose_nothing_that_was_acknowledged(
    tmp_path: Path, share: Share, tried: Tried, durability: str
) -> None:
    crashes = share(15, 1_000)
    for number, crash in enumerate(crashes):
        run = tmp_path / f"run-{number // 20}"
        acknowledged = killed_after(run, durability, Random(crash).uniform(0.005, 0.08))
        records = read_all(run)
        assert len(records) > acknowledged
        assert [one.seq for one in records] == list(range(len(records)))
    tried("processes killed while they wrote", len(crashes))


def reopen_often(run: Path, writer: int, times: int) -> None:
    """Open the writer's own stream again and again, and try the others'."""
    for time in range(times):
        with FileLog(run, Options(seal_events=5, keep_hot_s=0)) as log:
            log.append(f"stream-{writer}", [graded(10 * time), started()])
            try:
                log.append("contended", [started(f"{writer}/{time}")])
            except BusyError:
                continue


def test_many_writers_keep_their_streams_without_gaps(tmp_path: Path, count: Count, tried: Tried) -> None:
    run, times = tmp_path / "run-1", count(6, 30)
    run.mkdir()
    writers = [SPAWN.Process(target=reopen_often, args=(run, number, times)) for number in range(6)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert [one.exitcode for one in writers] == [0] * 6
    records = read_all(run)
    for number in range(6):
        assert [one.seq for one in records if one.stream == f"stream-{number}"] == list(range(2 * times))
    contended = [one.seq for one in records if one.stream == "contended"]
    assert contended == list(range(len(contended)))
    assert problems(run) == []
    tried("reopenings by six processes at once", 6 * times)


CONSISTENT = """
SELECT count(*) AS n, count(DISTINCT seq) AS d, coalesce(max(seq), -1) AS last,
       count(*) FILTER (kind = 'sample.graded') AS pairs, (SELECT count(*) FROM sample_graded) AS typed
FROM events
"""


def write_steadily(run: Path, seal_events: int) -> None:
    """Append pairs, some hundreds a second, until killed; every pair is there or not."""
    log = FileLog(run, Options(seal_events=seal_events, keep_hot_s=1))
    for number in range(10**9):
        log.append("main", [started(str(number)), graded(number)])
        sleep(0.002)


def test_queries_from_another_process_are_consistent_while_files_rotate_and_are_sealed(
    tmp_path: Path, share: Share, tried: Tried
) -> None:
    run = tmp_path / "run-1"
    run.mkdir()
    writer = SPAWN.Process(target=write_steadily, args=(run, 200), daemon=True)
    writer.start()
    seen = queries = 0
    try:
        while queries < len(share(25, 1_000)) or not list((run / "main").glob("*.parquet")):
            catalogue = Catalogue([FileLog(run)])
            rows = catalogue.sql(CONSISTENT).to_pylist()[0]
            catalogue.close()
            assert rows["n"] == rows["d"] == rows["last"] + 1 == 2 * rows["pairs"] == 2 * rows["typed"]
            assert rows["n"] >= seen
            seen = rows["n"]
            queries += 1
    finally:
        writer.kill()
        writer.join()
    tried("queries while another process writes, rotates and seals", queries)
