"""A run that is killed and resumed, from the command line, ends like one that was not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ladders import settings, write_ladder

TABLES = ("results", "lambdas", "stages", "datasets", "frontier", "funnel", "completeness", "statistics", "predictor")
RUNNER = "from asd.views.runner_commands import main; main()"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ladder")
    write_ladder(folder)
    file = folder / "sums.yaml"
    file.write_text(yaml.safe_dump(settings(folder)))
    return file


@pytest.fixture(scope="module")
def uninterrupted(config: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    store = tmp_path_factory.mktemp("whole")
    assert asd_runner("start", str(config), store=store).wait() == 0
    return tables(store)


def asd_runner(*words: str, store: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "ASD_STORE": str(store), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", RUNNER, *words], env=env, stderr=subprocess.DEVNULL)


def tables(store: Path) -> dict[str, object]:
    """Every table, less the head that was read: attempts are events too. Recorded answers have no clock times."""
    import asd

    run = asd.open(store).run()
    found = {name: json.loads(json.dumps(run.table(name).arrow().to_pylist(), default=str)) for name in TABLES}
    return {name: [{**row, "head_read": None} for row in rows] for name, rows in found.items()}


def logged_bytes(store: Path) -> int:
    return sum(file.stat().st_size for file in store.rglob("*.jsonl"))


def kill_after(process: subprocess.Popen[bytes], store: Path, size: int) -> None:
    """SIGKILL as soon as the log has `size` bytes, or let it finish."""
    while process.poll() is None and logged_bytes(store) < size:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_and_resumed_run_ends_with_the_same_tables(
    seed: int, config: Path, uninterrupted: dict[str, object], tmp_path: Path
) -> None:
    dice = random.Random(seed)
    kill_after(asd_runner("start", str(config), store=tmp_path), tmp_path, dice.randrange(5_000, 600_000))
    run = next(folder.name for folder in tmp_path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    kill_after(asd_runner("resume", run, store=tmp_path), tmp_path, dice.randrange(200_000, 900_000))
    assert asd_runner("resume", run, store=tmp_path).wait() == 0
    assert tables(tmp_path) == uninterrupted


def test_resuming_a_finished_run_changes_nothing(config: Path, tmp_path: Path) -> None:
    assert asd_runner("start", str(config), store=tmp_path).wait() == 0
    run = next(folder.name for folder in tmp_path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.parquet")}
    assert asd_runner("resume", run, store=tmp_path).wait() == 0
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.parquet")} == before
