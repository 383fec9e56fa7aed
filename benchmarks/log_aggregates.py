"""A million appends, then an aggregate over them, with some still hot, and over ten times as many."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from log_common import Bench, Row, timed
from log_events import generated

from asd.core.event import kinds
from asd.core.log import START, Cursor, Record
from asd.store.catalogue import Catalogue
from asd.store.catalogue_cache import RAW, scan
from asd.store.catalogue_types import fingerprint
from asd.store.files import FileLog
from asd.store.options import Options
from asd.store.segments import Segment
from asd.store.signing import Signer

TIMES = 10
HOT = 10_000
REPEATED = 10
QUESTION = "SELECT stage, count(*), avg(latency_s), sum(output_tokens) FROM {} GROUP BY stage ORDER BY stage"
ENVELOPE = "run, stream, seq, time, id, subject, cause"


def aggregates(bench: Bench) -> Iterator[Row]:
    """Whether a long log gets slower to write, then how fast it answers."""
    run = bench.run()
    yield _grown(bench, run)
    opening = min(timed(lambda: Catalogue([FileLog(run)]).close()) for _ in range(bench.rounds))
    total = f"{10 * bench.count:,}"
    yield Row(
        f"opening {total} sealed events for queries, typed tables made by their writer", f"{opening:.2f} s", "≤ 1 s"
    )
    ideal = _ideal(bench, run)
    what = "time of an aggregate over {} events against hand-written DuckDB on ideal typed Parquet"
    yield Row(what.format(total), f"{_slower(bench, FileLog(run), [ideal]):.2f}×", "≤ 1.3×")
    quick = _ideal(bench, run, "lz4_raw, PARQUET_VERSION v2")
    what_quick = "for comparison: the same where the ideal file has the codec and encodings of typed tables, not zstd"
    yield Row(what_quick, f"{_slower(bench, FileLog(run), [quick]):.2f}×", "")
    quick.unlink()
    yield from _enlarged(bench, run, ideal, what)
    with FileLog(run, Options(signer=None)) as log:
        log.append("main", [generated(number) for number in range(10 * bench.count, 10 * bench.count + HOT)])
        log.flush()
        yield Row(f"the same with {HOT:,} events still hot", f"{_slower(bench, log, [ideal]):.2f}×", "≤ 1.5×")
    shutil.rmtree(run)


def _grown(bench: Bench, run: Path) -> Row:
    log = FileLog(run, Options(signer=Signer()))
    tenths = [_append_tenth(bench, log, tenth) for tenth in range(10)]
    log.close()
    what = f"last tenth of {10 * bench.count:,} appends against the first, sealing and typed tables beside it"
    return Row(what, f"{tenths[-1] / tenths[0]:.2f}×", "≤ 1.3×")


def _append_tenth(bench: Bench, log: FileLog, tenth: int) -> float:
    begin = time.perf_counter()
    for number, event in enumerate(bench.events):
        log.append("main", (event.model_copy(update={"sample": f"{tenth}/{number}"}),))
    log.flush()
    return time.perf_counter() - begin


def _ideal(bench: Bench, run: Path, compression: str = "zstd") -> Path:
    """One Parquet file with the fields of every event as typed columns, such as one would write for this query."""
    place = bench.folder / f"ideal-{compression[:4]}.parquet"
    catalogue = Catalogue([FileLog(run)])
    rows = f"SELECT * EXCLUDE ({ENVELOPE}) FROM sample_generated"
    catalogue.db.execute(
        f"COPY ({rows}) TO '{place}' (FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE 65536)"
    )
    catalogue.close()
    return place


def _slower(bench: Bench, log: object, ideal: Sequence[Path]) -> float:
    """How many times as long as over the ideal files the aggregate takes over the log's tables."""
    catalogue, db = Catalogue([log]), duckdb.connect()  # type: ignore[list-item]

    def repeated(ask: Callable[[], object]) -> float:
        return timed(lambda: [ask() for _ in range(REPEATED)])

    def by_hand() -> float:
        return repeated(lambda: db.sql(QUESTION.format(scan(ideal))).to_arrow_table())

    found = bench.ratio(lambda: repeated(lambda: catalogue.sql(QUESTION.format("sample_generated"))), by_hand)
    catalogue.close()
    return found


def _enlarged(bench: Bench, run: Path, ideal: Path, what: str) -> Iterator[Row]:
    """Ten times as many events: files of their own, filled with the same segments and typed tables again."""
    large = bench.run()
    log = _Copies(FileLog(run), large, TIMES)
    files = [bench.folder / f"ideal-{number}.parquet" for number in range(TIMES)]
    for file in files:
        shutil.copyfile(ideal, file)
    db, catalogue = duckdb.connect(), Catalogue([log])
    counted = catalogue.sql("SELECT count(*)::BIGINT AS n FROM sample_generated").to_pylist()[0]["n"]
    assert counted == TIMES * 10 * bench.count == sum(pq.read_metadata(file).num_rows for file in files)
    catalogue.close()
    yield Row(
        f"{what.format(f'{counted:,}')} (each segment copied {TIMES} times)",
        f"{_slower(bench, log, files):.2f}×",
        "≤ 1.2×",
    )
    one, ten = Catalogue([FileLog(run)]), Catalogue([log])
    ask = QUESTION.format("sample_generated")
    ratio = bench.ratio(lambda: timed(lambda: ten.sql(ask)), lambda: timed(lambda: one.sql(ask)))
    yield Row(f"the same aggregate over {TIMES} times as many events", f"{ratio:.1f}×", f"linear: ≤ {TIMES}×")
    for open_one in (one, ten, db):
        open_one.close()
    for file in files:
        file.unlink()
    shutil.rmtree(large)


class _Copies:
    """A sealed log several times over, under other hashes; of each segment the typed tables are copied."""

    def __init__(self, log: FileLog, folder: Path, times: int) -> None:
        self.run, self.cache, self._log = log.run, folder, log
        self.append, self.follow = log.append, log.follow
        place = fingerprint(kinds())
        self._segments: list[Segment] = []
        for one in (one for _ in range(times) for one in log.segments()):
            name = f"{len(self._segments):032x}"
            shutil.copytree(log.cache / place / one.sha256[:32], folder / place / name)
            self._segments.append(Segment(folder / place / name / RAW, name, one.stream, one.last))

    def segments(self) -> Sequence[Segment]:
        """Each segment of the log so many times."""
        return self._segments

    def read(self, after: Cursor = START, only: object = ()) -> Iterator[Record]:
        """Nothing is hot."""
        return iter(())
