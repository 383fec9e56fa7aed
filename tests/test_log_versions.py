"""Logs written by every past version of the format are read by this one; `tests/logs/` keeps them."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from log_events import started
from log_files import read_all

from asd.core.errors import EventError
from asd.core.event import Event, JsonObject, decode
from asd.core.log import Record
from asd.store.files import FileLog
from asd.store.notes import read_note
from asd.store.proof import verify_proof
from asd.store.signing import signers_of
from asd.store.verify import verify

LOGS = sorted(path.parent for path in Path(__file__).parent.glob("logs/v*/*/main"))


@pytest.fixture(params=LOGS, ids=lambda path: f"{path.parent.name}-{path.name}")
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a run that a past version wrote."""
    path: Path = request.param
    return copytree(path, tmp_path / path.name)


def test_there_are_logs_of_every_version() -> None:
    assert {path.parent.name for path in LOGS} == {"v1"}


def test_every_event_that_was_ever_written_decodes(kept: Path) -> None:
    assert all(isinstance(one.event, Event) for one in read_all(kept))


def test_a_log_of_a_past_version_verifies(kept: Path) -> None:
    found = verify(kept)
    assert found.problems == ()
    assert found.events == len(read_all(kept)) > 0


def test_a_log_of_a_past_version_can_be_appended_to(kept: Path) -> None:
    before = read_all(kept)
    with FileLog(kept) as log:
        log.append("main", [started("now")])
    assert [one.data for one in read_all(kept)][: len(before)] == [one.data for one in before]
    assert verify(kept).ok


def test_heads_and_proofs_of_a_past_version_hold() -> None:
    for path in Path(__file__).parent.glob("logs/v*/*.proof.json"):
        assert verify_proof(path.read_bytes()).records
    for run in LOGS:
        for note in (run / "main").glob("*.note"):
            assert read_note(note.read_text(), signers_of(run / "main")[0]).size > 0


@pytest.fixture
def lifted() -> Iterator[type[Event]]:
    """An event that has been changed twice since it was first written."""
    from asd.core import event as registry

    class Weighed(Event, kind="test.weighed", v=3):
        weight_kg: float
        scale: str

        @classmethod
        def upcast_v1(cls, data: JsonObject) -> JsonObject:
            """Grams became kilograms."""
            return {"weight_kg": data["weight_g"] / 1000}

        @classmethod
        def upcast_v2(cls, data: JsonObject) -> JsonObject:
            """The scale was added."""
            return {**data, "scale": "unknown"}

    yield Weighed
    del registry._registry["test.weighed"]


@pytest.mark.parametrize(
    ("v", "data"),
    [(1, {"weight_g": 1500.0}), (2, {"weight_kg": 1.5}), (3, {"weight_kg": 1.5, "scale": "unknown"})],
)
def test_data_of_an_old_version_is_lifted_step_by_step(lifted: type[Event], v: int, data: JsonObject) -> None:
    assert decode("test.weighed", v, data) == lifted(weight_kg=1.5, scale="unknown")


def test_data_of_a_newer_version_is_refused_and_kept(lifted: type[Event], tmp_path: Path) -> None:
    with FileLog(tmp_path / "run-1") as log:
        log.append("main", [lifted(weight_kg=1.5, scale="new")])
    lifted.v = 2
    (record,) = read_all(tmp_path / "run-1")
    assert isinstance(record, Record)
    with pytest.raises(EventError, match="upgrade"):
        _ = record.event
    assert record.json == {"weight_kg": 1.5, "scale": "new"}
    assert dict(verify(tmp_path / "run-1").streams[0].unknown) == {"test.weighed version 3": 1}
