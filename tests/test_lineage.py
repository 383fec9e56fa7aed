"""From a number to its events and back: what changes when an event changes, and what a handed-out report proves."""

from pathlib import Path

import pytest
from fixtures_run import log_of, run_events
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from asd.core.errors import DamageError, UsageError
from asd.core.event import Event
from asd.core.facts.analysis import AblationMeasured, ReportPublished
from asd.core.facts.run import RunFinished, RunStarted
from asd.store.catalogue_types import table_name
from asd.store.proof import verify_proof
from asd.store.store import Store
from asd.views import lineage, projections, why_command
from asd.views.as_of import as_of, heads_at
from asd.views.commands import app
from asd.views.markdown import to_markdown
from asd.views.publishing import check, publish
from asd.views.rendering import Wanted, open_session, report
from asd.views.report import build
from asd.views.session import Session

EVENTS = list(run_events())
BEFORE = Session(log_of(EVENTS))
KEYED = [name for name in projections.names() if projections.get(name).by]


def changed(event: Event) -> Event:
    """The event with another content: its numbers a little larger, its flags turned over."""
    return event.model_copy(update={name: _other(value) for name, value in event if name not in _NAMES})


_NAMES = {"sample", "task", "stage", "seed", "policy", "lam", "setting", "name", "role", "device", "part", "ablation",
          "arm", "samples", "model", "answer_stage", "next_stage", "phase"}  # fmt: skip


def _other(value: object) -> object:
    if isinstance(value, bool):
        return not value
    return value * 2 + 1 if isinstance(value, int | float) else value


def _sql_of(session: Session, source: lineage.Source, seq: int) -> bool:
    rows = session.catalogue.sql(f"SELECT seq FROM {source.table} WHERE seq = {seq} AND ({source.where})")
    return bool(rows.num_rows)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.integers(1, len(EVENTS) - 1))
@example(place=next(i for i, one in enumerate(EVENTS) if one.kind == "statistics.computed"))
def test_changing_one_event_changes_only_cells_that_say_they_rest_on_it(place: int) -> None:
    events = [*EVENTS[:place], changed(EVENTS[place]), *EVENTS[place + 1 :]]
    after = Session(log_of(events))
    for name in KEYED:
        old, new = BEFORE.rows(name), after.rows(name)
        assert len(old) == len(new)
        # A row that only stands elsewhere now, since what rows are sorted by changed in another, has not changed.
        for row in (one for one in old if one not in new):
            sources = lineage.sources(BEFORE, name, [row])
            told = [one for one in sources if one.table in ("events", table_name(EVENTS[place].kind))]
            assert any(_sql_of(BEFORE, one, place) for one in told), (name, row, EVENTS[place].kind)


def test_a_changed_answer_changes_the_cells_of_its_task_and_lambda_and_no_others() -> None:
    place = next(i for i, one in enumerate(EVENTS) if one.kind == "sample.answered" and one.baseline_correct)
    event = EVENTS[place]
    turned = event.model_copy(update={"correct": not event.correct})  # type: ignore[attr-defined]
    after = Session(log_of([*EVENTS[:place], turned, *EVENTS[place + 1 :]]))
    moved = [
        (old["task"], old["lambda"], column)
        for old, new in zip(BEFORE.rows("cells"), after.rows("cells"), strict=True)
        for column in old
        if old[column] != new[column]
    ]
    assert {cell[:2] for cell in moved} == {(event.task, event.lam), ("all", event.lam)}  # type: ignore[attr-defined]
    assert {cell[2] for cell in moved} == {
        "accuracy",
        "accuracy_difference",
        "both_correct",
        "correct_samples",
        "item_retention",
        "quality_retention",
    } - {"both_correct"}


def test_why_tells_the_query_and_the_events() -> None:
    found = lineage.why(BEFORE, "results", {"task": "sums"})
    sources = {one.table: one for one in found.sources}
    assert list(found.sql) == ["results", "cells", "answers"]
    assert sources["sample_answered"].events == 12
    assert len(list(lineage.events(BEFORE, sources["sample_answered"]))) == 12
    assert sources["statistics_computed"].events == 3


@pytest.mark.parametrize(
    ("name", "where", "said"),
    [
        ("results", {"nothing": "1"}, "has no column"),
        ("results", {"task": "none"}, "no row of results has task = none"),
        ("certificates", {}, "certificates is empty"),
    ],
)
def test_why_refuses_what_is_not_there(name: str, where: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        lineage.why(BEFORE, name, where)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a run and a finished run that measures an ablation of it, both signed."""
    store = Store(tmp_path_factory.mktemp("varied"))
    arms = [one.model_copy(update={"ablation": "recall"}) for one in EVENTS if isinstance(one, AblationMeasured)][:2]
    opened = next(one for one in EVENTS if isinstance(one, RunStarted))
    child = opened.model_copy(update={"runner": "ablation", "parent": "made-run"})
    name = f"{opened.name}-ablation-20260101-000000-abcdef"
    for run, events in (("made-run", EVENTS), (name, [child, *arms, RunFinished(duration_s=1.0)])):
        with store.create(run) as log:
            log.append("main", events)
    return store


def why_of(store: Store, what: str, *words: str) -> str:
    done = CliRunner().invoke(app, ["why", what, "--store", str(store.path), "--run", "made-run", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_row_of_an_ablation_leads_to_the_events_of_the_run_that_measured_it(varied: Store, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    told = why_of(varied, "ablations.speedup", "--proof", str(proof), "--where", f"run={child(varied)}")
    assert f"rests on these events of the run {child(varied)}" in told.replace("\n  ", " ")
    assert "2 ablation_measured: main 1 to main 2" in told
    assert {record.run for record in verify_proof(proof.read_bytes()).records} == {child(varied)}


def child(store: Store) -> str:
    return next(run for run in store.runs() if "ablation" in run)


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("what", ["results.speedup", "results", "ablations.speedup", "statistics.p_value"])
def test_an_answer_fits_into_a_terminal(varied: Store, what: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(why_command, "width", lambda: width)
    told = why_of(varied, what)
    assert max(map(len, told.splitlines())) <= width
    assert "inclusion proof: " in told
    assert "SELECT" not in told
    assert "SELECT" in why_of(varied, what, "--sql")


def test_every_declared_column_is_there() -> None:
    for name in KEYED:
        for table, columns in projections.get(name).by.items():
            assert table in lineage.tables(name), (name, table)
            assert set(columns) <= set(BEFORE.table(name).schema.names), (name, table)


# As of an earlier head


@pytest.mark.parametrize("seq", [0, 1, 100, 397, len(EVENTS) - 1])
def test_the_past_reads_as_it_did_then(seq: int) -> None:
    then = Session(log_of(EVENTS[: seq + 1]))
    now = Session(as_of(log_of(EVENTS), heads_at(log_of(EVENTS), str(seq))))
    assert to_markdown(build(now)) == to_markdown(build(then))


def test_a_time_is_a_head_too() -> None:
    assert heads_at(log_of(EVENTS), "2026-01-01T00:01:00Z") == {"main": 60}


@pytest.mark.parametrize("told", ["100000", "yesterday", "1999-01-01T00:00:00Z"])
def test_a_head_that_never_was_is_refused(told: str) -> None:
    with pytest.raises(UsageError, match="--as-of"):
        heads_at(log_of(EVENTS), told)


# Reports that were handed out


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store(tmp_path / "store").create("run-1") as log:
        log.append("main", EVENTS)
    return Store(tmp_path / "store")


def handed_out(store: Store, file: Path, form: Wanted = "md") -> Path:
    session = open_session(store, None)
    data = report(session, form, "en")
    file.write_bytes(data)
    publish(store, session, data, form, "en")
    return file


def test_a_handed_out_report_is_rebuilt_byte_for_byte_also_after_more_was_logged(store: Store, tmp_path: Path) -> None:
    file = handed_out(store, tmp_path / "report.md")
    with store.run(None) as log:
        log.append("later", [EVENTS[1]])
    assert "rebuilt byte for byte" in check(store, None, file)


@pytest.mark.parametrize("form", ["json", "csv", "latex", "macros", "html"])
def test_what_is_handed_out_after_another_report_is_rebuilt_too(store: Store, tmp_path: Path, form: Wanted) -> None:
    handed_out(store, tmp_path / "report.md")
    assert "rebuilt byte for byte" in check(store, None, handed_out(store, tmp_path / "report", form))


def test_handing_out_is_logged_with_the_hash_and_the_heads(store: Store, tmp_path: Path) -> None:
    handed_out(store, tmp_path / "report.md")
    [event] = [one.event for one in store.run(None).read(only=(ReportPublished,))]
    assert isinstance(event, ReportPublished)
    assert (event.format, event.heads) == ("md/en", {"main": len(EVENTS) - 1})


def test_handing_out_twice_gives_the_same_bytes(store: Store, tmp_path: Path) -> None:
    one = handed_out(store, tmp_path / "one.md").read_bytes()
    assert handed_out(store, tmp_path / "two.md").read_bytes() == one


def test_a_report_that_was_edited_by_hand_is_found(store: Store, tmp_path: Path) -> None:
    file = handed_out(store, tmp_path / "report.md")
    file.write_text(file.read_text().replace("0.750", "0.950"))
    with pytest.raises(DamageError, match="edited"):
        check(store, None, file)
