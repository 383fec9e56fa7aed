"""The sandbox: what is right passes, and nothing that a model might write gets through."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_attacks import ATTACKS, Attack

from asd.core.errors import UsageError
from asd.runners.sandbox import run
from asd.runners.sandbox.launch import Outside
from asd.runners.sandbox.messages import MessageError, pack, unpack

CHECK = "def check(f):\n    {}\n"


@pytest.fixture(params=["bwrap", "landlock"])
def outside(request: pytest.FixtureRequest) -> Outside:
    """Each way of starting a worker that this machine has."""
    way: Outside = request.param
    if way == "bwrap" and not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed here")
    if run._try(way) is None:
        pytest.skip(f"{way} does not work here")
    return way


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a server that listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a secret and a log."""
    tmp_path.chmod(0o777)
    (tmp_path / "canary").write_text("secret")
    (tmp_path / "log").write_text("kept")
    return tmp_path


def filled(attack: Attack, here: Path, port: int, writer: str = "4") -> str:
    program = attack.program.replace("HERE", str(here)).replace("PORT", str(port)).replace("WRITER", writer)
    return program.replace("JUDGE", "{os.getppid()}").replace("'/proc/{", "f'/proc/{")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_no_attack_gets_through(attack: Attack, outside: Outside, here: Path, server: int) -> None:
    verdict = run.judge(filled(attack, here, server), "f", CHECK.format(attack.check), outside=outside, wall_s=2)
    assert not verdict.passed, verdict
    assert {file.name: file.read_text() for file in here.iterdir()} == {"canary": "secret", "log": "kept"}


def test_at_least_thirty_attacks_are_tried() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 30


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.proven], ids=lambda attack: attack.name)
def test_an_attack_that_is_said_to_work_unconfined_does(attack: Attack, here: Path, server: int) -> None:
    code = f"{filled(attack, here, server)}\nimport os\nos._exit(0 if f(2) is True else 1)"
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_the_layers_are_told(outside: Outside) -> None:
    verdict = run.judge("def f():\n    return 1", "f", CHECK.format("assert f() == 1"), outside=outside)
    assert verdict.passed
    assert "seccomp" in verdict.isolation
    assert verdict.isolation.startswith("bwrap" if outside == "bwrap" else "landlock")


@pytest.mark.parametrize(
    "value", ["[1, (2.5, 'x'), {3}, None, True]", "{'a': b'y', (1, 2): -1j}", "float('inf')", "'ü\\n\\0'", "2 ** 4000"]
)
def test_literals_cross_the_border_both_ways_unchanged(value: str) -> None:
    check = CHECK.format(f"v = {value}\n    r = f(v)\n    assert r == v and type(r) is type(v)")
    verdict = run.judge("def f(x):\n    return x", "f", check, outside=run.outside_of(run.isolation(True)))
    assert verdict.passed, verdict


def test_what_a_function_prints_does_no_harm(outside: Outside) -> None:
    program = "import sys\ndef f():\n    print('x'); sys.stderr.write('y')\n    return 1"
    assert run.judge(program, "f", CHECK.format("assert f() == 1"), outside=outside).passed


def test_a_program_may_import_the_standard_library(outside: Outside) -> None:
    program = "import math, re, itertools, collections, hashlib, heapq, string, functools, datetime, decimal, random\n"
    check = CHECK.format("assert f('a') == '0cc175b9c0f1b6a831c399e269772661'")
    body = "def f(x):\n    return hashlib.md5(x.encode()).hexdigest()"
    assert run.judge(program + body, "f", check, outside=outside).passed


def test_a_function_that_raises_is_wrong_and_the_verdict_says_what_it_raised(outside: Outside) -> None:
    verdict = run.judge("def f():\n    return 1 / 0", "f", CHECK.format("f()"), outside=outside)
    assert (verdict.passed, verdict.detail) == (False, "raised ZeroDivisionError")


def test_no_worker_outlives_its_verdict(outside: Outside) -> None:
    began = time.time()
    run.judge("import time\ndef f():\n    time.sleep(60)", "f", CHECK.format("f()"), outside=outside, wall_s=1)
    ours = psutil.Process().children(recursive=True)
    lost = [one for one in psutil.process_iter(["ppid"]) if one.info["ppid"] == 1 and one.create_time() >= began]
    assert [one for one in (*ours, *lost) if "sandbox.worker" in command(one)] == []


def command(process: psutil.Process) -> str:
    """A process's command line, empty where it is gone by now."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_without_isolation_generated_code_is_refused_unless_a_flag_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "available", lambda: None)
    with pytest.raises(UsageError, match="unconfined"):
        run.isolation()
    assert run.isolation(unconfined=True) == "rlimits"


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(LITERALS)
def test_a_literal_survives_packing(value: object) -> None:
    assert unpack(json.loads(json.dumps(pack(value)))) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from("nbifsycdltez"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_whatever_a_worker_makes_up_is_unpacked_to_a_literal_or_refused(packed: object) -> None:
    try:
        value = unpack(packed)
    except MessageError:
        return
    assert type(value) in (type(None), bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset)
