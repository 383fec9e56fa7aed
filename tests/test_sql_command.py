"""`asd sql`: what its process cannot do even where DuckDB would let it, and how a query ends."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from fixtures_run import run_events

from asd.core.errors import UsageError
from asd.store.store import Store
from asd.views.confined import can_confine
from asd.views.sql_command import memory_bytes

RUN, OTHER = "fixture-20260101-000000-abcdef", "other-20260101-000000-abcdef"
ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = 17"
MAIN = "import sys; sys.argv[0] = 'asd'; from asd.views.commands import main\n{}\nmain()"
NO_LANDLOCK = "from asd.runners.sandbox import confine; confine.landlock_version = lambda: 0\n"

needs_landlock = pytest.mark.skipif(not can_confine(), reason="this kernel has no Landlock")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two finished runs, whose typed tables are made."""
    folder = tmp_path_factory.mktemp("template") / "store"
    for name in (RUN, OTHER):
        with Store(folder).create(name) as log:
            log.append("main", list(run_events()))
    assert sql("SELECT 1", folder).returncode == 0
    return folder


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Path:
    """A copy of that store."""
    return shutil.copytree(template, tmp_path / "store")


def command(query: str, store: Path, *options: object, before: str = "") -> list[str]:
    """The command line of a query; `before` is done in its process first."""
    words = ["sql", query, "--store", str(store), *map(str, options)]
    return [sys.executable, "-c", MAIN.format(before), *words]


def sql(query: str, store: Path, *options: object, before: str = "") -> subprocess.CompletedProcess[str]:
    line = command(query, store, *options, before=before)
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def contents(folder: Path) -> dict[Path, tuple[bytes, int, int]]:
    """Every file of a folder: its bytes, its mode, and when it was changed."""
    files = [(path, path.stat()) for path in folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), found.st_mode, found.st_mtime_ns) for path, found in files}


# What the system refuses, with DuckDB's own locks off

UNLOCKED = """
import ctypes, json, os, platform, socket, subprocess
from concurrent.futures import ThreadPoolExecutor
import asd.views.sql_command as given

def tgkill(*words):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall({"x86_64": 234, "aarch64": 131}[platform.machine()], *words) < 0:
        raise OSError(ctypes.get_errno(), "refused")

def attack(query, logs, shown, memory):
    import duckdb
    from asd.store.sql import LockedSql
    db = LockedSql(logs, memory, locks=())._catalogue.db
    told = {}
    for name, code in json.loads(query).items():
        log = logs[0].files / name
        try:
            told[name] = f"got through: {eval(code)}"
        except (OSError, duckdb.Error) as error:
            told[name] = f"refused: {error}"
    print(json.dumps(told))

given._answer = attack
"""
"""What `asd sql` does with its query where an attacker has got past everything that DuckDB refuses: it runs it."""

ATTACKS = {
    "reads a file": "db.sql(\"FROM read_text('/etc/passwd')\").fetchall()",
    "reads another run": "db.sql(\"FROM read_blob('STORE/OTHER/main/signers')\").fetchall()",
    "reads its parent's memory": "open(f'/proc/{os.getppid()}/environ', 'rb').read()",
    "lists a folder": "os.listdir('STORE')",
    "writes a file": "db.execute(\"COPY (SELECT 1) TO 'STORE/out.csv'\")",
    "overwrites a file of the log": "db.execute(f\"COPY (SELECT 1) TO '{log}' (FORMAT parquet, USE_TMP_FILE false)\")",
    "writes a database": "db.execute(\"ATTACH 'STORE/a.db'\")",
    "writes from a new thread": "ThreadPoolExecutor().submit(open, 'STORE/new', 'w').result()",
    "truncates a file of the log": "os.truncate(log, 0)",
    "removes a file of the log": "os.unlink(log)",
    "renames a file of the log": "os.rename(log, 'STORE/moved')",
    "links to a file of the log": "os.link(log, 'STORE/linked')",
    "changes a mode": "os.chmod(log, 0o777)",
    "changes a time": "os.utime(log, (0, 0))",
    "sets an attribute": "os.setxattr(log, 'user.a', b'x')",
    "makes a folder": "os.mkdir('STORE/folder')",
    "connects to a server": "socket.create_connection(('127.0.0.1', PORT))",
    "sends a datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
    "connects to a process": "socket.socket(socket.AF_UNIX)",
    "starts a program": "subprocess.run(['/bin/sh', '-c', 'true'], check=True)",
    "signals its parent": "os.kill(os.getppid(), 0)",
    "signals its parent's thread": "tgkill(os.getppid(), os.getppid(), 0)",
}

OLDER = [
    name for name in ATTACKS if name.split()[0] in ("truncates", "changes", "sets", "connects", "sends", "signals")
]
"""The attacks that some Landlock says nothing of."""


def attacked(attacks: Collection[str], store: Path, before: str = "") -> tuple[dict[str, str], bool]:
    """What became of each attack in the query of one run, which each has a file of its own in; whether every file is as
    it was."""
    (store / RUN / "files").mkdir(exist_ok=True)
    for name in attacks:
        (store / RUN / "files" / name).write_text("kept")
    kept = contents(store)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        filled = json.dumps({name: ATTACKS[name] for name in attacks})
        for word, value in (("STORE", store), ("OTHER", OTHER), ("PORT", listening.getsockname()[1])):
            filled = filled.replace(word, str(value))
        done = sql(filled, store, "--run", RUN, before=before + UNLOCKED)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), contents(store) == kept


def refused(told: dict[str, str]) -> list[str]:
    return [name for name, answer in told.items() if answer.startswith("refused:")]


@needs_landlock
def test_what_duckdb_would_let_through_the_system_refuses(store: Path) -> None:
    told, unchanged = attacked(ATTACKS, store)
    assert (refused(told), unchanged) == (list(ATTACKS), True), told


@needs_landlock
def test_what_an_older_landlock_does_not_know_is_refused_all_the_same(store: Path) -> None:
    without = "from asd.runners.sandbox import confine; confine.lock_files = lambda places: None\n"
    told, unchanged = attacked(OLDER, store, without)
    assert (refused(told), unchanged) == (OLDER, True), told


def test_every_one_of_these_attacks_works_where_the_system_does_not_confine(store: Path) -> None:
    told, unchanged = attacked(ATTACKS, store, NO_LANDLOCK)
    assert (refused(told), len(told), unchanged) == ([], len(ATTACKS), False), told


@needs_landlock
def test_the_process_has_no_file_open_that_its_parent_had_open(store: Path) -> None:
    opened = f"import os; fd = os.open({str(store.parent / 'secret')!r}, os.O_RDWR | os.O_CREAT); os.dup2(fd, 77)\n"
    done = sql(json.dumps({"reads": "os.read(77, 1)"}), store, before=opened + UNLOCKED)
    assert json.loads(done.stdout)["reads"].startswith("refused: [Errno 9]")


def test_where_the_system_has_no_landlock_one_line_says_so(store: Path) -> None:
    done = sql("SELECT 7 AS seven", store, "--json", before=NO_LANDLOCK)
    assert json.loads(done.stdout) == [{"seven": 7}]
    assert done.stderr == "asd: this system has no Landlock, so the query is held back by DuckDB's own locks alone\n"


def test_what_waits_for_the_query_loads_neither_duckdb_nor_arrow(store: Path) -> None:
    told = (
        "import atexit; loaded = lambda: [name for name in ('duckdb', 'pyarrow') if name in sys.modules]\n"
        "atexit.register(lambda: print(loaded(), file=sys.stderr))"
    )
    assert sql("SELECT 1", store, before=told).stderr == "[]\n"


# How a query ends


def started(query: str, store: Path, *options: object, before: str = "") -> tuple[subprocess.Popen[bytes], str]:
    """A query under way, once its process has begun, and a mark by which its processes are known."""
    mark = uuid4().hex
    line = command(f"{query} -- {mark}", store, *options, before=before)
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    wait_for(lambda: len(alive(mark)) > 1)
    return process, mark


def alive(mark: str) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        try:
            if any(mark in word for word in one.cmdline()) and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.Error:
            continue
    return found


def wait_for(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_query_that_takes_too_long_is_given_up_with_exit_code_1(store: Path) -> None:
    process, mark = started(ENDLESS, store, "--timeout", "1.5")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b"")
    assert err == b"asd: no answer in 1.5 s; ask for less, or allow more with --timeout\n"
    assert alive(mark) == []


def test_time_is_up_also_for_a_process_that_has_begun_to_print(store: Path) -> None:
    chatty = (
        "import asd.views.sql_command as given, time\n"
        "given._answer = lambda *_: (print('some', flush=True), time.sleep(60))\n"
    )
    done = sql("SELECT 1", store, "--timeout", "1", before=chatty)
    assert (done.returncode, done.stdout) == (1, "some\n")
    assert "no answer in 1 s" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_query_and_its_process(store: Path, number: signal.Signals, code: int) -> None:
    process, mark = started(ENDLESS, store)
    process.send_signal(number)
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == code
    assert alive(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_query_does_not_outlive_a_command_that_was_killed(store: Path) -> None:
    process, mark = started(ENDLESS, store)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: alive(mark) == [])


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(DISTINCT range::VARCHAR) FROM range(50000000)",
        "SELECT range, repeat('x', 1000) FROM range(2000000)",
    ],
    ids=["on the way", "in its answer"],
)
def test_a_query_that_needs_too_much_memory_says_which_option_allows_more(store: Path, query: str) -> None:
    done = sql(query, store, "--memory", "256MiB", "--format", "csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("or allow more with --memory\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "size"), [("4GiB", 4 << 30), ("512 MiB", 512 << 20), ("1.5KiB", 1536), ("2TB", 2 * 10**12), ("1KB", 1000)]
)
def test_memory_is_given_with_its_unit(text: str, size: int) -> None:
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["", "4", "GiB", "4 gib", "-1GiB", "1e3MB", "4GiBs"])
def test_memory_without_a_unit_is_a_mistake(text: str) -> None:
    with pytest.raises(UsageError, match="512MiB"):
        memory_bytes(text)


def test_an_answer_goes_whole_into_a_file(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.json"
    assert sql("SELECT 7 AS seven", store, "--json", "-o", out).stdout == ""
    assert json.loads(out.read_bytes()) == [{"seven": 7}]


def test_a_query_that_fails_leaves_the_file_as_it_was(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers" / "answer.json"
    out.parent.mkdir()
    out.write_text("kept")
    assert sql("SELECT nothing", store, "-o", out).returncode == 2
    assert {path.name: path.read_text() for path in out.parent.iterdir()} == {"answer.json": "kept"}


def test_an_interrupted_query_leaves_the_file_as_it_was(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers" / "answer.json"
    out.parent.mkdir()
    process, _ = started(ENDLESS, store, "-o", out)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert list(out.parent.iterdir()) == []


# Typed tables that are missing


def test_tables_that_are_missing_are_made_first(store: Path) -> None:
    before = sorted(contents(store / RUN / "cache"))
    shutil.rmtree(store / RUN / "cache")
    assert json.loads(sql("SELECT count(*) AS n FROM run_started", store, "--json").stdout) == [{"n": 2}]
    assert sorted(contents(store / RUN / "cache")) == before


def test_an_interrupt_while_tables_are_made_leaves_nothing_half_made(store: Path) -> None:
    shutil.rmtree(store / RUN / "cache")
    slow = "import time; from asd.store import catalogue_cache; catalogue_cache._write = lambda *_: time.sleep(60)\n"
    process, mark = started("SELECT 1", store, before=slow)
    wait_for(lambda: bool(list(store.rglob(".making-*"))))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert alive(mark) == []
    assert [path for path in (store / RUN / "cache").rglob("*") if path.is_file() or "making" in path.name] == []


def test_the_tables_of_a_log_that_may_not_be_written_are_made_elsewhere_and_go_with_the_query(
    store: Path, tmp_path: Path
) -> None:
    shutil.rmtree(store / RUN / "cache")
    (store / RUN / "cache").write_text("in the way")
    (tmp_path / "tmp").mkdir()
    place = f"import tempfile; tempfile.tempdir = {str(tmp_path / 'tmp')!r}\n"
    done = sql("SELECT count(*) AS n FROM run_started", store, "--json", before=place)
    assert (json.loads(done.stdout), done.stderr) == ([{"n": 2}], "")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_log_that_is_being_written_is_read_up_to_its_last_commit(tmp_path: Path) -> None:
    """The writer appends, seals and joins files meanwhile; what is answered is each time the log at some moment."""
    code = (
        "import sys, time; from pathlib import Path; from log_events import generated\n"
        "from asd.store.files import FileLog; from asd.store.options import Options\n"
        "with FileLog(Path(sys.argv[1]), Options(seal_events=250, keep_hot_s=0)) as log:\n"
        "    for number in range(100_000):\n        log.append('main', [generated(number)])\n        time.sleep(0.002)"
    )
    run = tmp_path / "store" / "live-20260101-000000-abcdef"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, "-c", code, str(run)], env=env) as writer:
        try:
            wait_for(lambda: bool(list(run.glob("main/*.parquet"))))
            query = "SELECT count(*) AS n, max(seq) + 1 AS next, count(DISTINCT id) AS ids FROM sample_generated"
            found = [json.loads(sql(query, run.parent, "--json").stdout)[0] for _ in range(3)]
        finally:
            writer.kill()
    assert all(one["n"] == one["next"] == one["ids"] for one in found)
    assert [one["n"] for one in found] == sorted({one["n"] for one in found})


def test_show_tables_names_the_tables_of_the_logs_and_nothing_else(store: Path) -> None:
    names = [row["name"] for row in json.loads(sql(" show tables; ", store, "--json").stdout)]
    assert {"events", "sample_generated", "run_started"} < set(names)
    assert [name for name in names if name.startswith(("frozen", "sealed"))] == []


def test_an_answer_without_rows_says_so_to_whoever_reads_a_table(store: Path) -> None:
    assert sql("SELECT seq FROM events WHERE false", store).stderr == "asd: no rows\n"
    assert sql("SELECT seq FROM events WHERE false", store, "--json").stderr == ""


def test_a_join_whose_columns_share_names_is_answered(store: Path) -> None:
    done = sql("SELECT a.seq, b.seq FROM events a JOIN events b USING (id) ORDER BY 1, 2 LIMIT 1", store, "--json")
    assert json.loads(done.stdout) == [{"seq": 0, "seq_2": 0}]
