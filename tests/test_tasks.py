"""Tasks: which rows they read, what they ask, and how they grade."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asd.core.errors import MissingDataError
from asd.runners.tasks import hub
from asd.runners.tasks.gsm8k import Gsm8k, final_number

ROWS = [{"question": f"What is {n} plus 1?", "answer": f"{n} + 1 = {n + 1}\n#### {n + 1}"} for n in range(20)]


@pytest.fixture
def arithmetic(tmp_path: Path) -> Path:
    """A small folder laid out like a hub's GSM8K."""
    return write(tmp_path, ROWS)


def write(folder: Path, rows: list[dict[str, str]], file: str = "test.parquet") -> Path:
    (folder / "main").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "main" / file)
    return folder


def test_a_folder_laid_out_like_a_hub_is_read_in_order(arithmetic: Path) -> None:
    (data,) = Gsm8k(path=str(arithmetic)).datasets()
    assert [problem.reference for problem in data.problems] == [str(n + 1) for n in range(20)]
    assert (data.role, data.samples, data.loaded_from, data.hub_path) == ("any", 20, str(arithmetic), None)


def test_shards_named_as_hubs_name_them_are_read_in_order(tmp_path: Path) -> None:
    write(tmp_path, ROWS[:12], "test-00000-of-00002.parquet")
    write(tmp_path, ROWS[12:], "test-00001-of-00002.parquet")
    assert hub.read(str(tmp_path), "main", "test").rows == tuple(ROWS)


def test_a_hubs_name_is_looked_for_in_the_folder_of_data_first(
    arithmetic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_sums").mkdir()
    (arithmetic / "main").rename(tmp_path / "some_sums" / "main")
    monkeypatch.setenv("ASD_DATA", str(tmp_path))
    (data,) = Gsm8k(path="some/sums").datasets()
    assert (data.samples, data.loaded_from) == (20, str(tmp_path / "some_sums"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="nowhere"):
        Gsm8k(path=str(tmp_path / "nowhere")).datasets()


def test_a_missing_split_is_named_by_its_file(arithmetic: Path) -> None:
    with pytest.raises(MissingDataError, match=r"main/train\.parquet is missing"):
        Gsm8k(path=str(arithmetic), fit="train").datasets()


def test_with_a_fit_split_each_split_plays_one_role(arithmetic: Path) -> None:
    write(arithmetic, ROWS[:5], "train.parquet")
    fit, evaluate = Gsm8k(path=str(arithmetic), fit="train").datasets()
    assert (fit.role, fit.split, len(fit.problems)) == ("fit", "train", 5)
    assert (evaluate.role, evaluate.split, len(evaluate.problems)) == ("evaluate", "test", 20)


def test_a_limit_uses_the_first_rows_and_says_how_many_there_are(arithmetic: Path) -> None:
    (data,) = Gsm8k(path=str(arithmetic), limit=3).datasets()
    assert [problem.sample for problem in data.problems] == ["gsm8k/test/0", "gsm8k/test/1", "gsm8k/test/2"]
    assert data.samples == 20


def test_a_seeded_limit_keeps_each_samples_name_and_order(arithmetic: Path) -> None:
    (data,) = Gsm8k(path=str(arithmetic), limit=6, limit_seed=1).datasets()
    indices = [int(problem.sample.rsplit("/", 1)[1]) for problem in data.problems]
    assert indices == sorted(indices) != list(range(6))
    assert [problem.reference for problem in data.problems] == [str(n + 1) for n in indices]


def test_the_fingerprint_covers_the_rows_that_are_used_and_no_others(arithmetic: Path, tmp_path: Path) -> None:
    def of(folder: Path, limit: int | None) -> str:
        return Gsm8k(path=str(folder), limit=limit).datasets()[0].fingerprint

    changed = write(tmp_path / "changed", [*ROWS[:19], {"question": "?", "answer": "#### 0"}])
    assert of(arithmetic, None) != of(changed, None)
    assert of(arithmetic, 19) == of(changed, 19)


def test_the_fingerprint_depends_on_the_order_of_rows() -> None:
    assert hub.fingerprint(ROWS) != hub.fingerprint(ROWS[::-1])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3 + 4 = 7\n#### 7", "7"),
        ("A: 1,234", "1234"),
        ("The answer is $12.50.", "12.5"),
        (r"so \boxed{-3}", "-3"),
        ("first 5, then 6.", "6"),
        ("#### 5\n#### 0.50", "0.5"),
        ("#### -0", "0"),
        ("#### none", None),
        ("no number", None),
        ("", None),
    ],
)
def test_the_final_number_is_read_in_one_spelling(text: str, number: str | None) -> None:
    assert final_number(text) == number


@given(st.text())
def test_no_text_makes_grading_raise(text: str) -> None:
    task = Gsm8k()
    task.grade(task.problem(ROWS[0], 0, "test"), text)


def test_every_recorded_label_of_gsm8k_is_reproduced(benchmark_data: Path) -> None:
    task = Gsm8k(path=str(benchmark_data / "gsm8k"))
    problems = task.datasets()[0].problems
    rows = pq.read_table(benchmark_data / "gsm8k_recorded_solutions" / "test.parquet").to_pylist()
    same = [task.grade(problems[row["sample_index"]], row["solution"]).correct == row["is_correct"] for row in rows]
    assert (sum(same), len(same)) == (5276, 5276)
