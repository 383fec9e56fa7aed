"""Judging a program that a model wrote: which isolation this machine has, and the verdict."""

import json
import select
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache

from asd.core.errors import EngineError, UsageError
from asd.core.event import JsonObject
from asd.runners.sandbox.launch import Outside

MEMORY_BYTES = 1 << 30
CPU_S = 10
WALL_S = 30.0
_GRACE_S = 10.0
_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the tests passed, in a few words why not, and the layers that confined the code."""

    passed: bool
    detail: str
    isolation: str


@lru_cache(maxsize=4096)
def judge(
    program: str, entry: str, tests: str, *, prelude: str = "", outside: Outside, wall_s: float = WALL_S
) -> Verdict:
    """Run `tests`, which define `check(candidate)`, against the function `entry` of `program`.

    `prelude` is trusted code that the tests need. The program may take `CPU_S` seconds of processor time, `wall_s`
    seconds in all and `MEMORY_BYTES` of memory; the same one is judged once in a process's life. Raises `EngineError`
    where the sandbox itself fails, which says nothing about the program.
    """
    if len(program) > _LONGEST:
        return Verdict(False, "a program too long", outside)
    order = {"program": program, "entry": entry, "tests": tests, "prelude": prelude, "outside": outside}
    limits = {"memory_bytes": MEMORY_BYTES, "cpu_s": CPU_S, "wall_s": wall_s}
    answer = JUDGES.ask({**order, **limits}, wall_s + _GRACE_S)
    if "passed" not in answer:
        raise EngineError(f"the sandbox failed: {answer.get('broken')}")
    layers = "+".join(answer["layers"])
    return Verdict(answer["passed"], answer["detail"], f"bwrap+{layers}" if outside == "bwrap" else layers)


class Judges:
    """Judge processes, one for each order that is under way; each is used again, and ends with this process."""

    def __init__(self) -> None:
        self.idle: list[subprocess.Popen[bytes]] = []

    def ask(self, order: JsonObject, timeout_s: float) -> JsonObject:
        """The verdict on one order. Raises `EngineError` where a judge does not give one in time; it is ended then."""
        judge = self._free()
        assert judge.stdin is not None
        assert judge.stdout is not None
        try:
            judge.stdin.write(json.dumps(order).encode() + b"\n")
            judge.stdin.flush()
            if not select.select([judge.stdout], [], [], timeout_s)[0]:
                raise TimeoutError("no verdict in time")
            verdict: JsonObject = json.loads(judge.stdout.readline())
        except (OSError, ValueError) as error:
            judge.kill()
            judge.wait()
            raise EngineError(f"the judge of generated code gave no verdict: {error}") from error
        self.idle.append(judge)
        return verdict

    def _free(self) -> "subprocess.Popen[bytes]":
        try:
            return self.idle.pop()
        except IndexError:
            command = [sys.executable, "-P", "-m", "asd.runners.sandbox.judge"]
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


JUDGES = Judges()


@lru_cache(maxsize=1)
def available() -> Verdict | None:
    """The strongest isolation that works here, tried out; None where there is neither bubblewrap nor Landlock."""
    candidates: list[Outside] = ["bwrap", "landlock"] if shutil.which("bwrap") else ["landlock"]
    for outside in candidates:
        tried = _try(outside)
        if tried and tried.passed and "seccomp" in tried.isolation:
            return tried
    return None


def outside_of(isolation: str) -> Outside:
    """How a worker with these layers is started."""
    if isolation.startswith("bwrap"):
        return "bwrap"
    return "landlock" if "landlock" in isolation else "none"


def isolation(unconfined: bool = False) -> str:
    """The layers that will confine a model's code. Raises `UsageError` where there are none, unless `unconfined`."""
    found = available()
    if found is not None:
        return found.isolation
    if not unconfined:
        raise UsageError(
            "this machine has neither bubblewrap nor Landlock to confine code that a model wrote; "
            "install bubblewrap, or set unconfined: true to run it with resource limits alone"
        )
    return "rlimits"


def _try(outside: Outside) -> Verdict | None:
    try:
        return judge("def f():\n    return 1", "f", "def check(f):\n    assert f() == 1", outside=outside)
    except EngineError:
        return None
