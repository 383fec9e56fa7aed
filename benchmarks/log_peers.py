"""Other tools that keep runs or events, measured in environments of their own."""

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).parents[1] / "build" / "peers"
ROUNDS = 3
MARK = "s/event "


@dataclass(frozen=True)
class Peer:
    """A tool: what to install, and a script that reads events from the file `argv[1]`, appends them in the folder
    `argv[2]` and prints seconds per event, once a round."""

    title: str
    requirement: str
    script: str
    target: str
    count: int
    batch: int
    durability: str = "group"


_COMMON = """
import json, sys, time
from pathlib import Path
rows = json.loads(Path(sys.argv[1]).read_text())
folder = Path(sys.argv[2]); folder.mkdir(parents=True, exist_ok=True)
"""

_EVENTSOURCING = """
import os
os.environ["PERSISTENCE_MODULE"] = "eventsourcing.sqlite"
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from uuid import uuid4
for number in range(ROUNDS):
    store = SQLiteDatastore(str(folder / f"es-{number}.db"))
    recorder = SQLiteApplicationRecorder(store)
    recorder.create_table()
    key = uuid4()
    begin = time.perf_counter()
    for at in range(0, len(rows), BATCH):
        part = rows[at : at + BATCH]
        recorder.insert_events([StoredEvent(key, at + n, "sample.generated", json.dumps(row).encode())
                                for n, row in enumerate(part)])
    print('s/event', (time.perf_counter() - begin) / len(rows))
"""

_WANDB = """
import os
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=str(folder))
import wandb
for number in range(ROUNDS):
    run = wandb.init(project="p", dir=str(folder))
    begin = time.perf_counter()
    for row in rows:
        run.log({key: value for key, value in row.items() if isinstance(value, (int, float, str))})
    run.finish()
    print('s/event', (time.perf_counter() - begin) / len(rows))
"""

_MLFLOW = """
import mlflow
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
experiment = client.create_experiment("p")
for number in range(ROUNDS):
    run = client.create_run(experiment).info.run_id
    begin = time.perf_counter()
    for at in range(0, len(rows), BATCH):
        metrics = [Metric(key, row[key], 0, at + n) for n, row in enumerate(rows[at : at + BATCH])
                   for key in ("latency_s", "output_tokens")]
        client.log_batch(run, metrics=metrics)
    print('s/event', (time.perf_counter() - begin) / len(rows))
"""

_LM_EVAL = """
import os
for number in range(ROUNDS):
    begin = time.perf_counter()
    with open(folder / f"samples-{number}.jsonl", "a", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\\n")
            file.flush()
        os.fsync(file.fileno())
    print('s/event', (time.perf_counter() - begin) / len(rows))
"""

_ES = "eventsourcing>=9.5"
PEERS = (
    Peer("against eventsourcing (SQLite), one by one", _ES, _EVENTSOURCING, "≥ 40×", 1_000, 1),
    Peer("against eventsourcing (SQLite), batches of 256", _ES, _EVENTSOURCING, "≥ 2×", 4_000, 256),
    Peer("against lm-eval's loop of JSON lines", "", _LM_EVAL, "≥ 2×", 4_000, 1),
    Peer("against wandb offline", "wandb", _WANDB, "≥ 25×", 1_000, 1),
    Peer("against MLflow `log_batch` (sqlite), two figures an event", "mlflow", _MLFLOW, "≥ 25×", 1_000, 256),
)


def measured(peer: Peer, rows: list[dict[str, object]], folder: Path) -> list[float] | str:
    """Seconds per event, once a round; a text where the peer cannot be measured here."""
    python = _environment(peer.requirement)
    if isinstance(python, str):
        return python
    place = folder / f"peer-{abs(hash(peer.title))}"
    place.mkdir()
    (place / "rows.json").write_text(json.dumps(rows[: peer.count]))
    script = _COMMON + peer.script.replace("ROUNDS", str(ROUNDS)).replace("BATCH", str(peer.batch))
    command = [str(python), "-c", script, str(place / "rows.json"), str(place / "data")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:
        return "took more than five minutes"
    found = [float(line.removeprefix(MARK)) for line in done.stdout.splitlines() if line.startswith(MARK)]
    return found if len(found) == ROUNDS else f"failed: {(done.stderr.strip().splitlines() or ['?'])[-1][:80]}"


def _environment(requirement: str) -> Path | str:
    """The Python of an environment that has `requirement`."""
    if not requirement:
        return Path(sys.executable)
    folder = BUILD / requirement.split(">")[0]
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return "could not be installed here"
        (folder / ".ready").touch()
    return python
