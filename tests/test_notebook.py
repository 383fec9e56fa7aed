"""The notebook in the documentation runs from its first cell to its last."""

import json
from pathlib import Path

import pytest
from fixtures_run import run_events

from asd.store.store import Store

NOTEBOOK = Path(__file__).parents[1] / "docs" / "from-python.ipynb"


def cells() -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path).create("run-1") as log:
        log.append("main", list(run_events()))
    monkeypatch.setenv("ASD_STORE", str(tmp_path))
    names: dict[str, object] = {}
    for cell in cells():
        exec(compile(cell, str(NOTEBOOK), "exec"), names)
    assert names["wrong_together"].rows() == []  # type: ignore[attr-defined]
    assert {source.table for source in names["found"].sources} >= {"sample_answered"}  # type: ignore[attr-defined]


def test_the_notebook_keeps_no_output() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook["cells"])
