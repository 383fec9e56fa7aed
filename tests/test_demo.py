"""`make demo`'s commands do what the README says, on the models that come along."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
MAIN = "import sys; from asd.views.{} import main; sys.argv[0] = '{}'; main()"


def command(name: str, *words: str, store: Path) -> list[str]:
    module = {"asd": "commands", "asd-runner": "runner_commands"}[name]
    return [sys.executable, "-c", MAIN.format(module, name), *words, "--store", str(store)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store after `asd-runner start pocket`."""
    folder = tmp_path_factory.mktemp("demo")
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run(command("asd-runner", "start", "pocket", store=folder), env=env, check=True, capture_output=True)
    return folder


def rows(store: Path, projection: str) -> list[dict[str, object]]:
    words = command("asd", "project", projection, "--format", "json", store=store)
    found: list[dict[str, object]] = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return found


def on_a_terminal(words: list[str], columns: int) -> str:
    """What a command prints on a terminal that is `columns` wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**os.environ, "NO_COLOR": "1", "TERM": "dumb"}
    env.pop("COLUMNS", None)
    process = subprocess.Popen(words, stdout=slave, stdin=slave, env=env)
    os.close(slave)
    parts = []
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    assert process.wait() == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


def masked(text: str) -> list[str]:
    """Lines with every number and yes or no made the same, and runs of blanks one."""
    lines = [re.sub(r"\b(yes|no)\b", "yes/no", re.sub(r"[\d.,]+", "#", line)) for line in text.splitlines()]
    return [" ".join(line.split()) for line in lines if line.strip()]


def test_the_demo_prints_what_the_readme_shows(store: Path) -> None:
    shown = re.search(r"^```text demo\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    table = on_a_terminal(command("asd", "project", "lambdas", store=store), 80)
    assert masked(table) == masked(shown[1])[:-1]


def test_the_pocket_report_says_whether_the_cascade_keeps_what_was_promised(store: Path) -> None:
    (result,) = rows(store, "results")
    report = subprocess.run(
        command("asd", "project", "report", store=store), check=True, capture_output=True, text=True
    )
    pays = float(str(result["quality_retention"])) >= 0.98 and float(str(result["speedup"])) >= 1
    assert ("That is at least the 98.0% fixed before the run" in report.stdout) == pays
    assert ("It does not pay" in report.stdout) == (not pays)


def test_accuracy_and_cost_rise_from_stage_to_stage(store: Path) -> None:
    stages = rows(store, "stages")
    for column in ("accuracy", "theoretical_cost"):
        values = [float(str(row[column])) for row in stages]
        assert values == sorted(values), column


def test_early_stop_rate_never_rises_with_the_price_of_an_error(store: Path) -> None:
    rates = [float(str(row["early_stop_rate"])) for row in rows(store, "lambdas")]
    assert rates == sorted(rates, reverse=True)


def test_everything_derived_comes_back_byte_for_byte(store: Path) -> None:
    words = command("asd", "project", "report", store=store)
    before = subprocess.run(words, check=True, capture_output=True).stdout
    for cache in [*store.rglob(".cache"), *store.rglob("cache")]:
        subprocess.run(["rm", "-rf", str(cache)], check=True)
    assert subprocess.run(words, check=True, capture_output=True).stdout == before
