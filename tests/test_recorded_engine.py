"""Engines: how a stage answers."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asd.core.errors import EngineError, MissingDataError
from asd.core.facts.run import Nature
from asd.runners.engines.base import Sampling
from asd.runners.engines.recorded import RecordedEngine
from asd.runners.tasks.base import Problem

ROWS = [
    {"sample_index": n, "question": f"{n} + 1?", "model": model, "solution": f"A: {n + 1}", "is_correct": True}
    for n in range(3)
    for model in ("small", "large")
]


@pytest.fixture
def record(tmp_path: Path) -> str:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "record.parquet")
    return str(tmp_path / "record.parquet")


def asked(n: int, question: str) -> Problem:
    return Problem(f"sums/test/{n}", f"Question: {question}", str(n + 1))


def test_recorded_answers_come_as_they_were_recorded_without_times(record: str) -> None:
    with RecordedEngine(path=record, answers_of="large").load() as session:
        (one,) = session.generate(session.prompts([asked(2, "2 + 1?")]), Sampling())
    assert (one.text, one.input_tokens, one.output_tokens) == ("A: 3", 4, 3)
    assert (one.logprobs, one.latency_s, one.busy_s, one.token_ids) == (None, None, None, ())


def test_recorded_answers_say_that_they_are_recorded(record: str) -> None:
    assert RecordedEngine(path=record, answers_of="large").nature is Nature.RECORDED


def test_a_record_of_another_question_is_refused(record: str) -> None:
    engine = RecordedEngine(path=record, answers_of="small")
    with engine.load() as session, pytest.raises(EngineError, match="another question"):
        session.prompts([asked(2, "5 + 5?")])


def test_a_sample_that_was_not_recorded_is_named(record: str) -> None:
    engine = RecordedEngine(path=record, answers_of="small")
    with engine.load() as session, pytest.raises(EngineError, match="sums/test/7"):
        session.prompts([asked(7, "7 + 1?")])


def test_a_model_without_recorded_answers_is_refused_with_those_that_have_some(record: str) -> None:
    with pytest.raises(MissingDataError, match="large, small"), RecordedEngine(path=record, answers_of="huge").load():
        pass


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    engine = RecordedEngine(path=str(tmp_path / "gone.parquet"), answers_of="small")
    with pytest.raises(MissingDataError, match=r"gone\.parquet"), engine.load():
        pass


def test_a_file_without_the_columns_of_a_record_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"model": ["small"]}), tmp_path / "other.parquet")
    engine = RecordedEngine(path=str(tmp_path / "other.parquet"), answers_of="small")
    with pytest.raises(MissingDataError, match="question, sample_index, solution"), engine.load():
        pass
