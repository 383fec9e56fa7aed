"""What can go wrong around a run: one line that says what to do, the right exit code, and no event lost."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ladders import settings, write_ladder

import asd.runners
from asd.core.log import Record
from asd.store.store import Store

START = "from asd.views.runner_commands import main; main()"


def asd_runner(*words: str, store: Path, program: str = START) -> tuple[int, list[str]]:
    """Exit code and the lines that `asd-runner` says of itself."""
    env = {**os.environ, "ASD_STORE": str(store), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program, *words], env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("asd:")]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_ladder(tmp_path)
    file = tmp_path / "sums.yaml"
    file.write_text(yaml.safe_dump(settings(tmp_path)))
    return file


def last_events(store: Path) -> list[str]:
    return [record.kind for record in main_stream(store)][-2:]


def main_stream(store: Path) -> list[Record]:
    return [record for record in Store(store).run().read() if record.stream == "main"]


def test_a_missing_dataset_ends_the_run_with_its_name_and_is_logged(config: Path, tmp_path: Path) -> None:
    code, lines = asd_runner("start", str(config), "-o", "tasks.0.path=./nowhere", store=tmp_path / "store")
    assert (code, last_events(tmp_path / "store")[-1]) == (2, "run.failed")
    assert "nowhere" in lines[-1]


def test_a_package_that_is_missing_is_named_before_a_run_begins(config: Path, tmp_path: Path) -> None:
    without = f"import sys; sys.modules['torch'] = None; {START}"
    code, lines = asd_runner("start", str(config), store=tmp_path / "store", program=without)
    assert (code, lines) == (2, ["asd: sums needs the package 'torch'; pip install 'asd[run]' brings it"])
    assert not (tmp_path / "store").exists()


def test_a_changed_byte_in_a_model_file_is_named(config: Path, tmp_path: Path) -> None:
    shipped = Path(asd.runners.__file__).parent / "pocket" / "pocket-s0"
    folder = tmp_path / "model"
    folder.mkdir()
    for file in shipped.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    code, lines = asd_runner("start", "pocket", "-o", f"stages.0.path={folder}", store=tmp_path / "store")
    assert (code, last_events(tmp_path / "store")[-1]) == (3, "run.failed")
    assert "model.safetensors" in lines[-1]


def test_a_second_writer_of_a_run_is_refused_while_the_first_goes_on(config: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    env = {**os.environ, "ASD_STORE": str(store), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    many = f"permutations: {10**9}"
    first = subprocess.Popen(
        [sys.executable, "-c", START, "start", str(config), "-o", f"analysis={{{many}}}"],
        env=env,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not any(file.stat().st_size for file in store.rglob("*.jsonl")):
            time.sleep(0.01)
        code, lines = asd_runner("resume", Store(store).latest(), store=store)
    finally:
        first.kill()
        first.wait()
    assert code == 5
    assert str(first.pid) in lines[-1]


def test_a_full_disk_loses_nothing_and_the_run_goes_on_where_there_is_room(config: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); {START}"
    code, lines = asd_runner("start", str(config), store=store, program=limited)
    assert code == 1
    assert "safe" in lines[-1]
    kept = [(record.seq, record.data) for record in main_stream(store)]
    assert [seq for seq, _ in kept] == list(range(len(kept)))
    assert asd_runner("resume", Store(store).latest(), store=store)[0] == 0
    after = [(record.seq, record.data) for record in main_stream(store)]
    assert after[: len(kept)] == kept
    assert last_events(store)[-1] == "run.finished"


def test_an_unreadable_configuration_starts_nothing(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("runner: [cascade")
    code, lines = asd_runner("start", str(file), store=tmp_path / "store")
    assert (code, (tmp_path / "store").exists()) == (2, False)
    assert "not YAML" in lines[-1]
