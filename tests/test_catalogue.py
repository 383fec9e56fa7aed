"""The SQL catalogue: typed tables, their cache, and the locks of `asd sql`."""

import os
import shutil
import signal
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow.parquet as pq
import pytest
from fixtures_run import log_of, run_events
from log_events import generated
from log_files import problems
from pydantic import Field

from asd.core.errors import DamageError, UsageError
from asd.core.event import Event, Fact, JsonObject, kinds
from asd.core.log import START, Cursor, Record
from asd.store.catalogue import Catalogue
from asd.store.catalogue_decode import connect, raw_table
from asd.store.catalogue_types import columns, literal, table_name
from asd.store.files import FileLog
from asd.store.memory import MemoryLog
from asd.store.options import Options
from asd.store.segments import Segment
from asd.store.sql import LockedSql


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    return log_of(run_events())


class SealedLog:
    """A log whose first records lie in Parquet files."""

    def __init__(self, folder: Path, log: MemoryLog, cuts: tuple[int, ...]) -> None:
        self.run = log.run
        self.cache = folder / "cache"
        self.folder = folder
        self.log = log
        self.records = list(log.read())
        self.cuts = cuts
        self.append, self.read, self.follow = log.append, log.read, log.follow

    def segments(self) -> list[Segment]:
        return [self._sealed(start, end) for start, end in zip((0, *self.cuts), self.cuts, strict=False)]

    def _sealed(self, start: int, end: int) -> Segment:
        path = self.folder / f"{start}.parquet"
        if not path.exists():
            pq.write_table(raw_table(self.records[start:end]), path)
        return Segment(path, sha256(path.read_bytes()).hexdigest(), "main", end - 1)


class RecordsLog(MemoryLog):
    """A log of given records, also such as no build of today would write."""

    def __init__(self, records: list[Record]) -> None:
        super().__init__("run-1")
        self.records = records

    def read(self, after: Cursor = START, only: Collection[type[Event]] = ()) -> Iterator[Record]:
        return iter(self.records)


def rows(catalogue: Catalogue, query: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = catalogue.sql(query).to_pylist()
    return found


def test_every_kind_has_a_table_with_the_envelope_and_its_fields(log: MemoryLog) -> None:
    catalogue = Catalogue([log])
    for kind, cls in kinds().items():
        described = rows(catalogue, f"SELECT column_name FROM (DESCRIBE {table_name(kind)})")
        names = [row["column_name"] for row in described]
        assert names == ["run", "stream", "seq", "time", "id", "subject", "cause", *columns(cls)]


def test_a_table_holds_what_the_events_say(log: MemoryLog) -> None:
    catalogue = Catalogue([log])
    found = rows(catalogue, "SELECT * EXCLUDE (run, stream, time, id, cause) FROM sample_generated ORDER BY seq")
    written = [one for one in log.read() if one.kind == "sample.generated"]
    assert [row.pop("seq") for row in found] == [one.seq for one in written]
    assert [row.pop("subject") for row in found] == [one.subject for one in written]
    assert found == [one.json for one in written]


def test_a_kind_without_events_has_an_empty_table_of_the_same_types(log: MemoryLog) -> None:
    types = "SELECT column_name, column_type FROM (DESCRIBE sample_graded)"
    empty = Catalogue([])
    assert rows(empty, types) == rows(Catalogue([log]), types)
    assert rows(empty, "SELECT count(*) AS n FROM sample_graded") == [{"n": 0}]


def test_the_table_of_all_events_keeps_the_data_verbatim(log: MemoryLog) -> None:
    found = rows(Catalogue([log]), "SELECT data FROM events ORDER BY stream, seq")
    assert [str(row["data"]).encode() for row in found] == [one.data for one in log.read()]


def test_times_are_utc_with_microseconds(log: MemoryLog) -> None:
    found = rows(Catalogue([log]), "SELECT time FROM run_started")
    assert found == [{"time": next(log.read()).time}]


TABLES = ("sample_generated", "sample_graded", "sample_answered", "run_planned", "environment_captured")


@pytest.mark.parametrize("cuts", [(50,), (50, 100), (10, 20, 30, 40, 50, 60, 70, 80, 90, 300)])
@pytest.mark.parametrize("arrow", [False, True])
def test_sealed_and_hot_events_make_one_table(
    tmp_path: Path, log: MemoryLog, cuts: tuple[int, ...], arrow: bool
) -> None:
    sealed = Catalogue([SealedLog(tmp_path, log, cuts)], sealed_by_arrow=arrow)
    hot = Catalogue([log])
    for table in (*TABLES, "events"):
        query = f"SELECT * FROM {table} ORDER BY stream, seq"
        assert sealed.sql(query).equals(hot.sql(query)), table


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_what_was_sealed_since_is_made(tmp_path: Path, log: MemoryLog) -> None:
    for last in range(1, 4):
        before = {path: path.stat().st_ino for path in (tmp_path / "cache").glob("*/*")}
        Catalogue([SealedLog(tmp_path, log, tuple(range(20, 20 * last + 1, 20)))])
        after = {path: path.stat().st_ino for path in (tmp_path / "cache").glob("*/*")}
        assert len(after) == last
        assert before.items() <= after.items()


def test_typed_tables_made_again_are_the_same_bytes(tmp_path: Path, log: MemoryLog, mixed: RecordsLog) -> None:
    (tmp_path / "mixed").mkdir()
    for sealed in (SealedLog(tmp_path, log, (50, 100)), SealedLog(tmp_path / "mixed", mixed, (4,))):
        Catalogue([sealed]).close()
        first = files_in(sealed.cache)
        shutil.rmtree(sealed.cache)
        Catalogue([sealed]).close()
        assert first
        assert files_in(sealed.cache) == first


def test_what_is_left_of_joined_segments_is_removed_after_a_while(tmp_path: Path, log: MemoryLog) -> None:
    Catalogue([SealedLog(tmp_path, log, (20, 40))])
    stale, kept = (one.parent for one in sorted((tmp_path / "cache").rglob("*/raw-segment.parquet"), key=_first_seq))
    for folder in (stale, kept):
        os.utime(folder, (0, 0))
    (tmp_path / "0.parquet").unlink()
    Catalogue([SealedLog(tmp_path, log, (60,))])
    assert not stale.exists()
    assert kept.exists()


def test_a_writer_makes_the_typed_tables_of_each_full_file_that_it_seals(tmp_path: Path) -> None:
    text = "x" * 20_000
    with FileLog(tmp_path / "run-1", Options(seal_events=250, keep_hot_s=0)) as written:
        for number in range(600):
            written.append("main", [generated(number, text)])
            if number in (249, 499):
                written.flush()
    by_writer = files_in(written.cache)
    assert len({path.parts[1] for path in by_writer}) == 2
    shutil.rmtree(written.cache)
    catalogue = Catalogue([FileLog(tmp_path / "run-1")])
    assert rows(catalogue, "SELECT count(*) AS n FROM sample_generated") == [{"n": 600}]
    by_reader = files_in(written.cache)
    assert len({path.parts[1] for path in by_reader}) == 3
    assert by_writer.items() <= by_reader.items()


def test_a_writer_that_cannot_make_typed_tables_seals_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / "cache").write_text("in the way")
    with FileLog(tmp_path / "run-1", Options(seal_events=250, keep_hot_s=0)) as written:
        written.append("main", [generated(number, "x" * 20_000) for number in range(300)])
    assert [one.last for one in written.segments()] == [299]
    assert problems(tmp_path / "run-1") == []


def _first_seq(path: Path) -> int:
    return int(pq.read_table(path, columns=["seq"]).column(0)[0].as_py())


def test_a_query_survives_its_segments_being_joined_into_another(tmp_path: Path, log: MemoryLog) -> None:
    sealed = SealedLog(tmp_path, log, (50, 100))
    catalogue = Catalogue([sealed])
    for segment in sealed.segments():
        segment.path.unlink()
    assert rows(catalogue, "SELECT count(*) AS n FROM events") == [{"n": len(sealed.records)}]


def test_a_store_that_cannot_be_written_is_read_all_the_same(tmp_path: Path, log: MemoryLog) -> None:
    sealed = SealedLog(tmp_path, log, (50,))
    sealed.cache = Path("/proc/no-such-place")
    catalogue = Catalogue([sealed])
    assert rows(catalogue, "SELECT count(*) AS n FROM events") == [{"n": len(sealed.records)}]
    catalogue.close()


def test_deleting_the_cache_changes_nothing(tmp_path: Path, log: MemoryLog) -> None:
    sealed = SealedLog(tmp_path, log, (100,))
    query = "SELECT * FROM sample_generated ORDER BY seq"
    first = Catalogue([sealed]).sql(query)
    shutil.rmtree(sealed.cache)
    assert Catalogue([sealed]).sql(query).equals(first)


def test_a_changed_sealed_file_is_refused_before_anything_is_made_of_it(tmp_path: Path, log: MemoryLog) -> None:
    sealed = SealedLog(tmp_path, log, (100,))
    segment = sealed.segments()[0]
    data = bytearray(segment.path.read_bytes())
    data[200] ^= 1
    sealed.segments = lambda: [segment]  # type: ignore[method-assign]
    segment.path.write_bytes(bytes(data))
    with pytest.raises(DamageError, match="asd verify"):
        Catalogue([sealed])
    assert not list(sealed.cache.rglob("*.parquet"))


class Inner(Fact):
    x: int
    label: str | None = None


class Lifted(Event, kind="test.lifted", v=2):
    """Version 1 called `length_s` `length` and had it in milliseconds."""

    length_s: float
    either: int | str = 0
    one_of: Literal["a", "b"] = "a"
    by_name: dict[str, Inner] = Field(default_factory=dict)
    free: JsonObject = Field(default_factory=dict)

    @classmethod
    def upcast_v1(cls, data: JsonObject) -> JsonObject:
        return {"length_s": data["length"] / 1000}


@pytest.fixture
def mixed(log: MemoryLog) -> RecordsLog:
    place = ("run-1", "main")
    time = next(log.read()).time
    today = Lifted(length_s=2.0, either="x", by_name={"k": Inner(x=1)}, free={"deep": [1]})
    return RecordsLog(
        [
            Record(*place, 0, time, "a", "test.lifted", 1, None, None, b'{"length":1500}'),
            Record(*place, 1, time, "b", "test.lifted", 2, None, None, today.model_dump_json().encode()),
            Record(*place, 2, time, "c", "test.lifted", 3, None, None, b'{"new":1}'),
            Record(*place, 3, time, "d", "plugin.unknown", 1, None, None, b'{"anything":[1,2]}'),
        ]
    )


def test_an_older_version_lands_in_todays_columns(mixed: RecordsLog) -> None:
    found = rows(Catalogue([mixed]), "SELECT seq, length_s FROM test_lifted ORDER BY seq")
    assert found == [{"seq": 0, "length_s": 1.5}, {"seq": 1, "length_s": 2.0}]


def test_nested_and_free_fields_keep_their_shape(mixed: RecordsLog) -> None:
    found = rows(Catalogue([mixed]), "SELECT by_name, free, either FROM test_lifted WHERE seq = 1")
    assert found == [{"by_name": [("k", {"x": 1, "label": None})], "free": '{"deep":[1]}', "either": '"x"'}]


def test_unknown_kinds_and_newer_versions_are_kept_and_counted(mixed: RecordsLog) -> None:
    catalogue = Catalogue([mixed])
    assert catalogue.unreadable() == {"plugin.unknown": 1, "test.lifted": 1}
    assert rows(catalogue, "SELECT data FROM events WHERE kind = 'plugin.unknown'") == [{"data": '{"anything":[1,2]}'}]


def test_a_sum_does_not_depend_on_the_order_of_rows() -> None:
    catalogue = Catalogue([])
    values = "(VALUES (0.1), (0.2), (0.3), (1e6), (-1e6)) t(x)"
    sums = [rows(catalogue, f"SELECT exact_sum(x) AS s FROM (SELECT x FROM {values} ORDER BY {order})")
            for order in ("x", "x DESC", "abs(x)")]  # fmt: skip
    assert sums[0] == sums[1] == sums[2] == [{"s": 0.6}]


# The locks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def locked(folder: Path, log: MemoryLog) -> LockedSql:
    return LockedSql([SealedLog(folder, log, (100,))])


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM sample_generated",
        "WITH x AS (SELECT stage FROM sample_graded) SELECT * FROM x",
        "FROM run_started",
        "SELECT 1 UNION SELECT 2",
        "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x WHERE i < 3) SELECT * FROM x",
        "DESCRIBE sample_graded",
        "SHOW TABLES",
        "SELECT json_extract(data, '$.stage') FROM events LIMIT 1 -- ; a comment",
    ],
)
def test_a_select_is_answered(locked: LockedSql, query: str) -> None:
    assert locked.select(query).num_columns > 0


BYPASSES = [
    "COPY (SELECT 1) TO 'DIR/out.csv'",
    "COPY (SELECT 1) TO 'DIR/0.parquet' (FORMAT parquet, USE_TMP_FILE false)",
    "WITH x AS (COPY (SELECT 1) TO 'DIR/out.csv') SELECT 1",
    "WITH x AS (COPY (SELECT 1) TO 'DIR/0.parquet' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1",
    "SELECT * FROM query('WITH x AS (COPY (SELECT 1) TO ''DIR/out.csv'') SELECT 1')",
    "SELECT 1; COPY (SELECT 1) TO 'DIR/out.csv'",
    "WITH x AS (INSERT INTO hot.main_events SELECT * FROM events RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM hot.main_events RETURNING *) SELECT * FROM x",
    "SELECT * FROM query('WITH x AS (DELETE FROM hot.main_events RETURNING *) SELECT * FROM x')",
    "INSERT INTO hot.main_events SELECT * FROM events",
    "UPDATE hot.main_events SET seq = 0",
    "DELETE FROM hot.main_events",
    "TRUNCATE hot.main_events",
    "DROP VIEW events",
    "CREATE TABLE mine (a INT)",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE MACRO exact_sum(x) AS 0",
    "CREATE SECRET (TYPE s3)",
    "CREATE PERSISTENT SECRET (TYPE s3)",
    "ATTACH 'DIR/a.db'",
    "ATTACH ':memory:' AS other",
    "EXPORT DATABASE 'DIR/out'",
    "IMPORT DATABASE 'DIR/out'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD 'DIR/evil.duckdb_extension'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET threads = 1",
    "SET VARIABLE x = 1",
    "SET search_path = 'hot'",
    "PRAGMA enable_profiling",
    "PRAGMA profile_output = 'DIR/out'",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "USE hot",
    "BEGIN",
    "COMMIT",
    "PREPARE x AS SELECT 1",
    "EXECUTE x",
    "EXPLAIN ANALYZE SELECT 1",
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT * FROM read_text('DIR/0.parquet')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_parquet('DIR/0.parquet')",
    "SELECT * FROM parquet_metadata('DIR/0.parquet')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'https://example.org/x.parquet'",
    "SELECT * FROM outside",
    "SELECT getenv('HOME')",
    "SELECT * FROM query('SELECT * FROM read_text(''/etc/hostname'')')",
    "SELECT * FROM read_ndjson_objects('/etc/passwd')",
    "SELECT * FROM parquet_schema('DIR/0.parquet')",
    "SELECT * FROM parquet_kv_metadata('DIR/0.parquet')",
    "SELECT * FROM read_duckdb('DIR/a.db')",
    "SELECT * FROM sqlite_scan('DIR/a.db', 'x')",
    "SELECT * FROM query_table(['/etc/passwd'])",
    "SELECT * FROM 'file:///etc/passwd'",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM enable_logging()",
    "SELECT * FROM enable_profiling()",
    "SELECT * FROM force_checkpoint()",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''/etc/hostname'')'))",
    "SELECT (WITH x AS (DELETE FROM hot.main_events RETURNING seq) SELECT count(*) FROM x)",
    "MERGE INTO hot.main_events USING events ON true WHEN MATCHED THEN DELETE",
    "COPY FROM DATABASE memory TO memory",
    "COMMENT ON TABLE hot.main_events IS 'x'",
    "ALTER TABLE hot.main_events RENAME TO y",
    "CREATE TYPE t AS ENUM ('a')",
    "DETACH memory",
    "UPDATE EXTENSIONS",
    "EXPLAIN COPY (SELECT 1) TO 'DIR/out.csv'",
    "SELECT '\ud800'",
    "",
    ";",
    "SELECT",
]


@pytest.mark.parametrize("query", BYPASSES)
def test_a_way_around_is_refused(locked: LockedSql, folder: Path, query: str) -> None:
    outside = raw_table(())
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    events = locked.select("SELECT count(*) AS n FROM events")
    with pytest.raises(UsageError):
        locked.select(query.replace("DIR", str(folder)))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert locked.select("SELECT count(*) AS n FROM events").equals(events)
    assert outside.num_rows == 0


WRITES = (
    "DELETE FROM hot.main_events",
    "UPDATE hot.main_events SET seq = 7",
    "INSERT INTO hot.main_events SELECT * FROM events",
    "DELETE FROM main.run_started",
)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_serialized_write_finds_nothing_to_write_to(locked: LockedSql, write: str, hidden: bool) -> None:
    """`json_execute_serialized_sql` runs a statement past the check of statements and past the transaction."""
    counts = "SELECT (SELECT count(*) FROM events) AS n, (SELECT max(seq) FROM events) AS m"
    before, statement = locked.select(counts), f"WITH x AS ({write} RETURNING *) SELECT * FROM x"
    with duckdb.connect() as db:
        row = db.execute("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", [statement]).fetchone()
    query = f"SELECT * FROM json_execute_serialized_sql({literal(row[0])})" if row else ""
    with pytest.raises(UsageError):
        locked.select(f"SELECT * FROM query({literal(query)})" if hidden else query)
    assert locked.select(counts).equals(before)


def test_a_query_without_end_can_be_interrupted(locked: LockedSql) -> None:
    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            locked.select("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = 17")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert locked.select("SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_the_locks_hold_for_duckdb_itself_and_not_only_for_the_reading_of_statements(locked: LockedSql) -> None:
    db = locked._catalogue.db
    for query in ("SET lock_configuration = false", "COPY (SELECT 1) TO 'out.csv'", "ATTACH 'a.db'", "LOAD httpfs"):
        with pytest.raises(duckdb.Error):
            db.execute(query)


def test_a_slow_query_leaves_standard_output_to_its_answer(capfd: pytest.CaptureFixture[str]) -> None:
    """DuckDB draws a bar of progress there, of what takes longer than `progress_bar_time` (in ms; 2,000 by itself)."""
    with connect() as db:
        db.execute("SET progress_bar_time = 1; SET threads = 1")
        db.execute("SELECT count(*) FROM range(1000000) WHERE md5(range::VARCHAR) LIKE '%ab%'").fetchall()
    assert capfd.readouterr().out == ""
