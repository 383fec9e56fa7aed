"""Starts a worker process, inside bubblewrap where that is wanted."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Literal

Outside = Literal["bwrap", "landlock", "none"]
"""What holds the worker besides what it gives up by itself: bubblewrap, nothing, or nothing and no promise at all."""

_MODULES = ("messages", "confine", "worker")
_BOOT = """\
import sys, types
for name, source in {sources!r}:
    module = types.ModuleType(name)
    sys.modules[name] = module
    package, _, last = name.rpartition(".")
    setattr(sys.modules.setdefault(package, types.ModuleType(package)), last, module)
    exec(compile(source, name, "exec"), module.__dict__)
sys.modules["asd.runners.sandbox.worker"].serve()
"""


def launch(outside: Outside) -> subprocess.Popen[bytes]:
    """A worker that waits for its order on its standard input.

    It gets its source on the command line, an empty environment but for a fixed seed of hashes, no descriptor besides
    its three, and a session of its own.
    """
    interpreter = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    inside = [interpreter, "-s", "-P", "-S", "-B", "-c", _source()]
    return subprocess.Popen(
        [*(_bwrap(interpreter) if outside == "bwrap" else ()), *inside],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "PATH": os.defpath},
        cwd="/",
        start_new_session=True,
    )


def readable() -> list[str]:
    """What an interpreter reads to import its own library: nothing of a person's, and no dataset."""
    library, shared = sysconfig.get_paths()["stdlib"], sysconfig.get_config_var("LIBDIR")
    places = [library, shared or "/usr/lib", "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache"]
    return list(dict.fromkeys([*places, os.devnull]))


def _source() -> str:
    package = "asd.runners.sandbox"
    here = Path(__file__).parent
    sources = [(f"{package}.{name}", (here / f"{name}.py").read_text("utf-8")) for name in _MODULES]
    return _BOOT.format(sources=sources)


def _bwrap(interpreter: str) -> list[str]:
    bound = [word for place in [interpreter, *readable()] for word in ("--ro-bind-try", place, place)]
    kept_out = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    kept = ["--setenv", "PYTHONHASHSEED", "0", "--setenv", "LANG", "C.UTF-8", "--dev", "/dev", "--chdir", "/"]
    return [shutil.which("bwrap") or "bwrap", *kept_out, *bound, *kept, "--"]
