"""The worker: confines itself, then runs the model's code and calls its function as the judge asks.

It is started as one piece of source (see `launch`), imports nothing but the standard library, and knows neither the
tests nor what they expect. Its standard input and output are the judge's messages; the model's code gets neither.
"""

import os

from asd.runners.sandbox import confine
from asd.runners.sandbox.messages import MessageError, pack, receive, send, unpack


def serve() -> None:
    """Serve one judge until it hangs up, then end without running anything that the model's code left behind."""
    try:
        _serve()
    finally:
        os._exit(0)


def _serve() -> None:
    inbox, outbox = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    order = receive(inbox)
    send(outbox, {"ready": _confined(order)})
    function = _function(str(order["program"]), str(order["entry"]), outbox)
    while function is not None:
        send(outbox, _called(function, receive(inbox)))


def _confined(order: dict[str, object]) -> list[str]:
    """Confine this process as far as the kernel can, and say by what."""
    layers = [confine.limit(_number(order["memory_bytes"]), _number(order["cpu_s"]))]
    if confine.landlock_version():
        confine.drop_privileges()
        readable = order["readable"]
        assert isinstance(readable, list)
        layers = [confine.lock_files(readable), confine.filter_calls(), *layers]
    elif order["bwrap"]:
        layers = [confine.filter_calls(), *layers]
    return layers


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _function(program: str, entry: str, outbox: int) -> object:
    scope: dict[str, object] = {"__name__": "candidate", "__builtins__": __builtins__}
    try:
        exec(compile(program, "<candidate>", "exec"), scope)
        function = scope[entry]
    except BaseException as error:  # noqa: BLE001 - a model's code raises what it likes
        send(outbox, {"raised": type(error).__name__})
        return None
    send(outbox, {"loaded": True})
    return function


def _called(function: object, request: dict[str, object]) -> dict[str, object]:
    positional, named = unpack(request["args"]), unpack(request["kwargs"])
    try:
        assert callable(function)
        assert isinstance(positional, list)
        assert isinstance(named, dict)
        return {"call": request["call"], "value": pack(function(*positional, **named))}
    except MessageError as error:
        return {"call": request["call"], "raised": f"TypeError: {error}"}
    except BaseException as error:  # noqa: BLE001 - a model's code raises what it likes
        return {"call": request["call"], "raised": type(error).__name__}
