"""Recorded labels as a task."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asd.core.errors import MissingDataError
from asd.runners.engines.base import Sampling
from asd.runners.engines.recorded import RecordedEngine
from asd.runners.tasks.recorded import RecordedLabels

LADDER = [f"Qwen2.5-{size}-Instruct" for size in ("3B", "7B", "32B", "72B")]


@pytest.mark.parametrize(("name", "samples"), [("crux", 800), ("math_l5", 721)])
def test_recorded_answers_get_the_labels_that_were_recorded(name: str, samples: int, benchmark_data: Path) -> None:
    file = benchmark_data / "qwen25_recorded" / f"{name}.parquet"
    task = RecordedLabels(path=str(file))
    (data,) = task.datasets()
    assert len(data.problems) == data.samples == samples
    rows = pq.read_table(file).to_pylist()
    for model in LADDER:
        with RecordedEngine(path=str(file), answers_of=model).load() as session:
            texts = [one.text for one in session.generate(session.prompts(data.problems), Sampling())]
        right = sum(task.grade(problem, text).correct for problem, text in zip(data.problems, texts, strict=True))
        assert right == sum(row["is_correct"] for row in rows if row["model"] == model)


def test_an_answer_that_was_not_recorded_is_wrong(tmp_path: Path) -> None:
    row = {"sample_index": 0, "question": "?", "model": "a", "solution": "1", "is_correct": True}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "record.parquet")
    task = RecordedLabels(path=str(tmp_path / "record.parquet"))
    (problem,) = task.datasets()[0].problems
    assert task.grade(problem, "1").correct
    assert not task.grade(problem, "2").correct


def test_a_record_without_labels_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"question": ["?"]}), tmp_path / "record.parquet")
    with pytest.raises(MissingDataError, match="is_correct"):
        RecordedLabels(path=str(tmp_path / "record.parquet")).datasets()


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="gone"):
        RecordedLabels(path=str(tmp_path / "gone.parquet")).datasets()
