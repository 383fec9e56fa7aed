"""Small ladders for tests: recorded answers of made-up models to made-up sums, in the layouts of the real data."""

from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from asd.core.event import JsonObject
from asd.runners.cascade import Cascade
from asd.runners.config import build

SKILL = {"small": 0.4, "middle": 0.6, "large": 0.9}


def write_ladder(folder: Path, samples: int = 240) -> None:
    """A GSM8K-like folder of sums and a Parquet file in which better models are right more often and say so."""
    random = Random(7)
    rows: list[JsonObject] = []
    answers: list[JsonObject] = []
    for index in range(samples):
        a, b = random.randrange(100), random.randrange(100)
        question = f"Ann has {a} pens and gets {b} more. How many pens has she now? (Sum {index})"
        rows.append({"question": question, "answer": f"{a}+{b}={a + b}\n#### {a + b}"})
        for model, skill in SKILL.items():
            correct = random.random() < skill
            value = a + b if correct else a + b + random.randrange(1, 9)
            words = "so surely" if correct and random.random() < 0.8 else "perhaps it may be that"
            text = f"{a} and {b}, {words}\n#### {value}"
            answers.append({"sample_index": index, "question": question, "model": model, "solution": text})
    (folder / "sums" / "main").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "sums" / "main" / "test.parquet")
    pq.write_table(pa.Table.from_pylist(answers), folder / "answers.parquet")


def settings(folder: Path) -> JsonObject:
    """A configuration of three stages, two λ and two seeds over `folder`; few resamples, a small network."""
    stages = [
        {
            "engine": "recorded",
            "path": str(folder / "answers.parquet"),
            "answers_of": model,
            "parameters": size,
            "batch": 32,
        }
        for model, size in zip(SKILL, (1_000, 4_000, 20_000), strict=True)
    ]
    return {
        "runner": "cascade",
        "name": "sums",
        "tasks": [{"task": "gsm8k", "path": str(folder / "sums")}],
        "stages": stages,
        "lambdas": [5, 50],
        "seeds": [1, 2],
        "shares": {"fit": 0.2, "calibrate": 0.4, "evaluate": 0.4},
        "predictor": {"hidden": [16], "epochs": 3},
        "policy": {"costs": "theoretical"},
        "analysis": {"permutations": 199, "bootstraps": 199},
    }


def ladder(folder: Path) -> Cascade:
    """The runner of `settings`."""
    runner = build(settings(folder)).at(folder / "files")
    assert isinstance(runner, Cascade)
    return runner
