"""Work that is done in a process of its own, so that it can be confined, waited for only so long, and ended at once."""

import math
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import asd
from asd.core.errors import AsdError, LimitError
from asd.runners.sandbox import confine
from asd.runners.sandbox.launch import readable as interpreter_files
from asd.views.cli import exit_code

BLOCK = 1 << 16
"""Bytes of output that are passed on at a time."""
LOOK_S = 0.1
"""How often a process is looked at that prints nothing."""
BESIDES = 512 << 20
"""What an interpreter with its packages takes up before it does anything, in bytes."""
_LAZY = ("pyarrow", "duckdb", "numpy", "rich", "orjson")
_SYSTEM = (
    "/usr/share/zoneinfo",
    "/sys/fs/cgroup",
    "/proc/self/cgroup",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
    "/proc/sys/vm/overcommit_memory",
)
"""Where DuckDB and Arrow look up time zones, how many processors there are, and how to allocate."""


class ProcessError(AsdError):
    """The work's process could not be confined, or was ended by the system."""


def confined(
    work: Callable[[], None],
    readable: Sequence[Path] | None = None,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
) -> Generator[bytes]:
    """What `work` prints, while it prints it in a process of its own; that process is gone when this ends or is closed.

    With `readable`, the process can read files below those folders, what an interpreter needs, and do nothing else to
    files, network or other processes; where the system has no Landlock that is left to `work`, see `can_confine`.
    Start it before anything that starts threads is imported: `work` imports that itself.

    Raises `LimitError` where it is not done in `timeout_s` seconds or takes up more than `memory_bytes`, `ProcessError`
    where the process is killed, and `SystemExit` with its exit code where that is not 0: it has said why.
    """
    reading, writing = os.pipe()
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        _child(work, readable, writing, parent)
    try:
        os.close(writing)
        yield from _printed(reading, pid, timeout_s, memory_bytes)
        _, status = os.waitpid(pid, 0)
        pid = 0
        _ended(os.waitstatus_to_exitcode(status))
    finally:
        os.close(reading)
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def can_confine() -> bool:
    """Whether this system can confine a process as `confined` promises."""
    return confine.landlock_version() > 0


def _printed(pipe: int, pid: int, timeout_s: float | None, memory_bytes: int | None) -> Iterator[bytes]:
    """What comes through `pipe`, block by block; the time that its reader takes over a block is not the process's."""
    left_s = math.inf if timeout_s is None else timeout_s
    while True:
        began = time.monotonic()
        ready = select.select([pipe], [], [], max(0.0, min(LOOK_S, left_s)))[0]
        block = os.read(pipe, BLOCK) if ready else b""
        left_s -= time.monotonic() - began
        if block:
            yield block
        elif ready:
            return
        elif left_s <= 0:
            raise LimitError(f"no answer in {timeout_s:g} s; ask for less, or allow more with --timeout")
        elif memory_bytes is not None and _resident_bytes(pid) > memory_bytes + BESIDES:
            raise LimitError(
                "the answer takes more memory than it may; ask for fewer rows, or allow more with --memory"
            )


def _resident_bytes(pid: int) -> int:
    """How much memory a process takes up; 0 where the system does not tell, as only Linux does."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _ended(code: int) -> None:
    if code < 0:
        name = signal.Signals(-code).name
        raise ProcessError(f"the process that did the work was ended by {name}, as a system does that lacks memory")
    if code:
        raise SystemExit(code)


def _child(work: Callable[[], None], readable: Sequence[Path] | None, out: int, parent: int) -> NoReturn:
    """Do the work with nothing open but an empty input, the pipe and standard error, and never return."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        confine.die_with_parent(parent)
        _only_open(out)
        code = exit_code(lambda: _work(work, readable))
        sys.stderr.flush()
    except Exception:  # noqa: BLE001 - whatever it is, this process must not go on as its parent would
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _only_open(out: int) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    for opened in [int(one.name) for one in Path("/dev/fd").iterdir()]:
        if opened > 2:
            with suppress(OSError):
                os.close(opened)


def _work(work: Callable[[], None], readable: Sequence[Path] | None) -> None:
    if readable is not None and can_confine():
        _only_read([*interpreter_files(), *_packages(), *_SYSTEM, *map(str, readable)])
    work()
    sys.stdout.flush()


def _only_read(places: list[str]) -> None:
    try:
        confine.only_read(places)
    except OSError as error:
        raise ProcessError(f"nothing was asked: the process could not be confined ({error.strerror})") from error


def _packages() -> list[str]:
    """The folders that `work` imports from: each part of asd, wherever it lies, and the packages that it needs."""
    ours = Path(asd.__file__).parent
    found = [find_spec(name) for name in _LAZY]
    theirs = [Path(one.origin).parent.parent for one in found if one and one.origin]
    return sorted({os.path.realpath(place) for place in (ours, *ours.iterdir(), *theirs) if place.is_dir()})
