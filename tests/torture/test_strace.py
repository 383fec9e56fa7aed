"""Errors of the operating system itself, injected by strace into a process that writes a log."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from log_events import started
from log_files import problems, read_all

from asd.store.files import FileLog

Tried = Callable[[str, int], None]
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "rename", "unlink", "mkdir")
OFTEN = ("pwrite64", "fdatasync", "fsync", "rename")
EVERY = [(error, again) for error in ("EIO", "ENOSPC", "EROFS") for again in ("", "+")] + [("EINTR", "")]
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from log_events import failed, graded
from asd.core.errors import DiskError
from asd.store.files import FileLog
from asd.store.options import Options

options = Options(durability=sys.argv[3], seal_events=6, keep_hot_s=0)
try:
    with FileLog(Path(sys.argv[2]), options) as log:
        for number in range(8):
            seq = log.append("main", [failed(number, "x" * 700), graded(number)])
            log.durable("main", seq)
            print(seq, flush=True)
except DiskError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.fixture(scope="module")
def strace() -> str:
    """The path of strace; skipped where there is none, or where it may not trace."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed; install it to inject errors of the system")
    probe = subprocess.run(
        [found, "-o", os.devnull, "-e", "trace=none", "true"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        pytest.skip(f"strace may not trace processes here: {probe.stderr.strip()}")
    return found


def written(strace: str, run: Path, durability: str, injection: str) -> tuple[int, str, bool]:
    """What a traced writer acknowledged last, what it said of a refusal, and whether the error was injected at all."""
    trace = run.with_suffix(".trace")
    call = injection.partition(":")[0]
    traced = [strace, "-f", "-qq", "-o", str(trace), "-e", f"trace={call}", "-e", f"inject={injection}"]
    writer = [sys.executable, "-c", WRITER, str(Path(__file__).parents[1]), str(run), durability]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*traced, *writer], capture_output=True, text=True, env=env, check=False, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    told = done.stdout.split()
    return int(told[-1]) if told else -1, done.stderr.strip(), "INJECTED" in trace.read_text()


@pytest.mark.parametrize("durability", ["group", "each"])
@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_the_system_at_any_call_of_a_writer_is_named_and_loses_nothing(
    strace: str, tmp_path: Path, full: bool, tried: Tried, call: str, durability: str
) -> None:
    """Once, or from there on for ever; but for EINTR, after which Python calls again."""
    injected = 0
    for error, again in EVERY if full else [EVERY[CALLS.index(call)]]:
        for at in count(1) if full else (1 + (call in OFTEN),):
            run = tmp_path / f"run-{error.lower()}-{at}{'-on' * bool(again)}"
            acknowledged, said, struck = written(strace, run, durability, f"{call}:error={error}:when={at}{again}")
            if not struck:
                break
            injected += 1
            assert acknowledged == 15 or os.strerror(getattr(errno, error)) in said
            check_kept(run, acknowledged)
    tried("errors of the system, injected by strace at every call of a writer", injected)


def check_kept(run: Path, acknowledged: int) -> None:
    """What was acknowledged is there, every append is whole, and the log goes on."""
    assert len(read_all(run)) > acknowledged
    with FileLog(run) as log:
        log.append("main", [started()])
    found = [one.kind for one in read_all(run) if one.kind not in ("log.recovered", "phase.started")]
    assert found == ["sample.failed", "sample.graded"] * (len(found) // 2)
    assert problems(run) == []
