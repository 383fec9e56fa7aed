"""What each of the other tools does in a round, by its documented interface; run by its own Python, not by ours."""

COMMON = """
import json, sys, time
from pathlib import Path
rows = json.loads(Path(sys.argv[1]).read_text())
folder = Path(sys.argv[2]); folder.mkdir(parents=True, exist_ok=True)
parts = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
SCRIPT
for number, _ in enumerate(sys.stdin):
    ready = prepare(number)
    begin = time.perf_counter()
    work(ready)
    print("seconds", time.perf_counter() - begin, flush=True)
"""

EVENTSOURCING = """
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from uuid import uuid4
def prepare(number):
    recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(folder / f"es-{number}.db")))
    recorder.create_table()
    return recorder
def work(recorder):
    key, at = uuid4(), 0
    for part in parts:
        recorder.insert_events([StoredEvent(key, at + n, "sample.generated", json.dumps(row).encode())
                                for n, row in enumerate(part)])
        at += len(part)
"""

WANDB = """
import os
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=str(folder))
import wandb
def prepare(number):
    return wandb.init(project="p", dir=str(folder))
def work(run):
    for row in rows:
        run.log({key: value for key, value in row.items() if isinstance(value, (int, float, str))})
    run.finish()
"""

MLFLOW = """
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
experiment = client.create_experiment("p")
def prepare(number):
    return client.create_run(experiment).info.run_id
def work(run):
    at = 0
    for part in parts:
        metrics = [Metric(key, row[key], 0, at + n) for n, row in enumerate(part)
                   for key in ("latency_s", "output_tokens")]
        client.log_batch(run, metrics=metrics)
        at += len(part)
"""

LM_EVAL = """
import os
def prepare(number):
    return open(folder / f"samples-{number}.jsonl", "a", encoding="utf-8")
def work(file):
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False) + "\\n")
        file.flush()
    os.fsync(file.fileno())
"""

TRACKIO = """
import os
os.environ.update(TRACKIO_DIR=str(folder), HF_HUB_OFFLINE="1")
import trackio
def prepare(number):
    trackio.init(project=f"p{number}", embed=False, auto_log_gpu=False, auto_log_cpu=False)
def work(_):
    for row in rows:
        trackio.log({key: value for key, value in row.items() if isinstance(value, (int, float, str))})
    trackio.finish()
"""

INSPECT = """
import asyncio
from inspect_ai.log import EvalConfig, EvalDataset, EvalPlan, EvalSample, EvalSpec, EvalStats
from inspect_ai.log._recorders.eval import EvalRecorder
from inspect_ai.model import ModelOutput
def prepare(number):
    place = folder / str(number)
    place.mkdir()
    spec = EvalSpec(created="2026-01-01T00:00:00+00:00", task="t", task_id="t", run_id="r", eval_id=str(number),
                    dataset=EvalDataset(), model="m", config=EvalConfig())
    return EvalRecorder(str(place)), spec
async def record(recorder, spec):
    await recorder.log_init(spec)
    await recorder.log_start(spec, EvalPlan())
    often = recorder.default_log_buffer(len(rows), False)
    for at, row in enumerate(rows, 1):
        sample = EvalSample(id=row["sample"], epoch=1, input="", target="", metadata=row,
                            output=ModelOutput.from_content(row["model"], row["text"]))
        await recorder.log_sample(spec, sample)
        if at % often == 0:
            await recorder.flush(spec)
    await recorder.log_finish(spec, "success", EvalStats(), None, None)
def work(ready):
    asyncio.run(record(*ready))
"""
