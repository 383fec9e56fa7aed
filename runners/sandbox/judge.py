"""The judge: a process that runs a problem's tests against a function that lives in a worker.

Started by `run.Judges`; an order is a line of JSON on standard input, its verdict one on standard output.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from asd.runners.sandbox.launch import Outside, launch, readable
from asd.runners.sandbox.messages import MessageError, pack, receive, send, unpack

Order = dict[str, Any]


class CandidateError(Exception):
    """What the model's function did instead of returning a literal."""


class SandboxError(Exception):
    """The worker could not be started or confined: no verdict on the model's code."""


def main() -> None:
    """Judge orders one after the other until the input ends. What tests print goes nowhere."""
    verdicts, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: PTH123, SIM115 - as long as the process lives
    for line in sys.stdin:
        verdicts.write(json.dumps(judge(json.loads(line))) + "\n")
        verdicts.flush()


def judge(order: Order) -> Order:
    """`{"passed": …, "detail": …, "layers": […]}`, or `{"broken": …}` where the sandbox itself failed."""
    deadline = time.monotonic() + float(order["wall_s"])
    outside: Outside = order["outside"]
    try:
        worker = launch(outside)
    except OSError as error:
        return {"broken": f"no worker can be started: {error}"}
    try:
        layers = _confined(worker, order, deadline)
        detail = _verdict(worker, order, deadline)
        return {"passed": detail == "passed", "detail": detail, "layers": layers}
    except SandboxError as error:
        return {"broken": str(error)}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def _confined(worker: "subprocess.Popen[bytes]", order: Order, deadline: float) -> object:
    told = {name: order[name] for name in ("program", "entry", "memory_bytes", "cpu_s")}
    try:
        send(_inbox(worker), {**told, "readable": readable(), "bwrap": order["outside"] == "bwrap"})
        return receive(_outbox(worker), deadline)["ready"]
    except (OSError, EOFError, MessageError, KeyError) as error:
        raise SandboxError(f"the worker could not be confined: {error}") from error


def _verdict(worker: "subprocess.Popen[bytes]", order: Order, deadline: float) -> str:
    """ "passed", or in a few words why not."""
    try:
        loaded = _answer(worker, deadline)
        if "raised" in loaded:
            return f"raised {loaded['raised']} when defined"
        _test(order, _candidate(worker, deadline))
    except TimeoutError:
        return "timed out"
    except CandidateError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the tests raise what they like, and each means a wrong function
        return f"failed: {type(error).__name__}"
    return "passed"


def _test(order: Order, candidate: Callable[..., object]) -> None:
    # The tests are the dataset's and trusted; what they share with the model's code is literals alone. Some draw
    # numbers without a seed.
    random.seed(0)
    scope: dict[str, object] = {"__name__": "tests"}
    exec(compile(str(order["prelude"]), "<prelude>", "exec"), scope)
    scope[str(order["entry"])] = candidate
    exec(compile(str(order["tests"]), "<tests>", "exec"), scope)
    check = scope["check"]
    assert callable(check)
    check(candidate)


def _candidate(worker: "subprocess.Popen[bytes]", deadline: float) -> Callable[..., object]:
    calls = iter(range(sys.maxsize))

    def candidate(*args: object, **kwargs: object) -> object:
        number = next(calls)
        try:
            send(_inbox(worker), {"call": number, "args": pack(list(args)), "kwargs": pack(kwargs)})
        except OSError as error:
            raise CandidateError("ended its own process") from error
        answer = _answer(worker, deadline)
        if answer.get("call") != number:
            raise CandidateError("answered another call")
        if "raised" in answer:
            raise CandidateError(f"raised {str(answer['raised'])[:80]}")
        try:
            return unpack(answer.get("value"))
        except MessageError as error:
            raise CandidateError(f"returned {error}") from error

    return candidate


def _answer(worker: "subprocess.Popen[bytes]", deadline: float) -> Order:
    try:
        return receive(_outbox(worker), deadline)
    except (EOFError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise CandidateError("ended its own process") from error
    except MessageError as error:
        raise CandidateError(f"sent {error}") from error


def _inbox(worker: "subprocess.Popen[bytes]") -> int:
    assert worker.stdin is not None
    return worker.stdin.fileno()


def _outbox(worker: "subprocess.Popen[bytes]") -> int:
    assert worker.stdout is not None
    return worker.stdout.fileno()


if __name__ == "__main__":
    main()
