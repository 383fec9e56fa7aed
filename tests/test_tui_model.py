"""What the terminal view shows, without a terminal."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_run import HOSTILE, LAMBDAS, Made, write

from asd.core.event import decode
from asd.core.facts.analysis import RetentionCertified
from asd.core.facts.environment import EnvironmentCaptured
from asd.core.log import Record
from asd.store.files import FileLog
from asd.store.memory import MemoryLog
from asd.views.formats import markdown_text
from asd.views.sanitize import sanitize
from asd.views.tui.model import figures, outlook, watcher
from asd.views.tui.model.filters import events_where, samples_where
from asd.views.tui.model.fold import Fold
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.librarian import Answer, Librarian
from asd.views.tui.model.lists import SAMPLE_SORTS, Events, Samples
from asd.views.tui.model.past import Past
from asd.views.tui.model.rows import micros
from asd.views.tui.model.seed import seeded
from asd.views.tui.model.source import GoneError, Source, Tail, writer_alive
from asd.views.tui.model.state import Cell, Life, Pace, RunState
from asd.views.tui.model.story import Story, story
from asd.views.tui.model.survey import Survey
from asd.views.tui.model.tables import END_US, Cursor, Tables
from asd.views.tui.paint import events as paint_events
from asd.views.tui.paint import grid, header, words
from asd.views.tui.paint import report as paint_report
from asd.views.tui.paint import story as paint_story
from asd.views.tui.paint import tables as paint_tables
from asd.views.tui.panels.run import BLOCKS

START = datetime(2026, 1, 1, tzinfo=UTC)


def made_log(**made: int) -> MemoryLog:
    """A made-up run whose events are 0.7 s apart, but every 200th comes after a stall."""
    passed = count()

    def clock() -> datetime:
        n = next(passed)
        return START + timedelta(milliseconds=700 * n, seconds=30 * (n // 200))

    log = MemoryLog("made-up", clock=clock)
    for event in Made(**made).events():
        log.append("main", [event])
    return log


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    return made_log(samples=14)


@pytest.fixture(scope="module")
def records(log: MemoryLog) -> list[Record]:
    return list(log.read())


@pytest.fixture(scope="module")
def tables(log: MemoryLog) -> Iterator[Tables]:
    made = Tables(log)
    yield made
    made.close()


@pytest.fixture
def cursor(tables: Tables) -> Iterator[Cursor]:
    with tables.cursor() as one:
        yield one


def folded(records: list[Record], fold: Fold | None = None) -> Fold:
    fold = fold or Fold("made-up")
    for record in records:
        fold.apply(record)
    return fold


# same truth


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_after_k_live_events_the_state_is_that_of_sql_over_the_first_k(
    data: st.DataObject, records: list[Record], tables: Tables
) -> None:
    k = data.draw(st.integers(1, len(records)))
    before = data.draw(st.integers(1, k))
    with tables.cursor() as cursor:
        cursor.look(micros(records[before - 1].time))
        opened_earlier = folded(records[before:k], seeded("made-up", cursor))
        cursor.look(micros(records[k - 1].time))
        assert folded(records[:k]) == seeded("made-up", cursor) == opened_earlier


@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_after_k_live_events_the_screen_says_what_the_reports_projections_say(
    data: st.DataObject, records: list[Record], tables: Tables
) -> None:
    k = data.draw(st.integers(1, len(records)))
    state = folded(records[:k]).state()
    with tables.cursor() as cursor:
        cursor.look(micros(records[k - 1].time))
        ledger = {row["unit"]: (row["done"], row["planned"]) for row in cursor.projection("completeness").to_pylist()}
        assert {one.unit: (one.done, one.planned) for one in figures.work(state)} == ledger
        reached = [(row["lambda"], row["stage"], row["reached"]) for row in cursor.projection("funnel").to_pylist()]
        shown = [(row.lam, stage, n) for row in figures.funnel(state) for stage, n in enumerate(row.reached)]
        assert [one for one in shown if one[1] in {stage for _, stage, _ in reached}] == reached
        alone = {(row["stage"], row["task"]): row for row in cursor.projection("stage_tasks").to_pylist()}
        for key, answers in state.answers.items():
            assert answers.generated == (alone[key]["answers"] or 0)
            assert answers.correct == round(alone[key]["correct_samples"] or 0)
        heads = {row["stream"]: row["last_seq"] for row in cursor.projection("streams").to_pylist()}
        assert dict(state.streams) == heads


def test_the_finished_runs_accuracy_is_the_reports(records: list[Record], cursor: Cursor) -> None:
    state = folded(records).state()
    for row in cursor.projection("cells").to_pylist():
        cells = [one for key, one in state.cells.items() if key[1] == row["lambda"] and row["task"] in (key[2], "all")]
        answered = sum(one.answered for one in cells)
        assert sum(one.correct for one in cells) / answered == pytest.approx(row["accuracy"], abs=1e-12)
        assert sum(one.early for one in cells) / answered == pytest.approx(row["early_stop_rate"], abs=1e-12)


def test_tables_that_grew_answer_like_tables_opened_later(log: MemoryLog, records: list[Record]) -> None:
    early = MemoryLog("made-up", clock=iter([one.time for one in records]).__next__)
    for record in records[:300]:
        early.append("main", [record.event])
    grown = Tables(early)
    grown.queue(records[300:])
    grown.sync()
    with grown.cursor() as cursor:
        assert seeded("made-up", cursor) == folded(records)
        assert cursor.projection("cells").num_rows == 9
    grown.close()


# the past


def test_going_through_the_past_ends_where_jumping_there_does(records: list[Record], tables: Tables) -> None:
    past, end = Past("made-up", tables), micros(records[-1].time)
    for place in (10, 400, 420, 380, 600, 601):
        moment = micros(records[place].time)
        assert past.at(moment, 0, end) == (moment, folded(records[: place + 1]).state(moment))


def test_a_replay_goes_on_by_itself_and_stops_at_the_end(records: list[Record], tables: Tables) -> None:
    past, end = Past("made-up", tables), micros(records[-1].time)
    first, _ = past.at(micros(records[0].time), 0, end)
    time.sleep(0.02)
    later, state = past.at(first, 1000, end)
    assert first + 20_000 * 1000 <= later
    assert state.events > 1
    assert past.at(end - 1, 1000, end)[0] <= end


# the log


def test_a_tail_gives_each_event_once(tmp_path: Path) -> None:
    events = list(Made(6).events())
    with FileLog(tmp_path / "one") as log:
        tail, found = Tail(FileLog(tmp_path / "one")), []
        for start in range(0, len(events), 50):
            log.append("main", events[start : start + 50])
            log.flush()
            found += tail.poll(most=30)
        while more := tail.poll():
            found += more
        tail.close()
    assert [one.seq for one in found] == list(range(len(events)))


def test_a_tail_of_a_run_that_vanished_says_so(tmp_path: Path) -> None:
    write(tmp_path / "one", Made(2).events(), 0)
    tail = Tail(FileLog(tmp_path / "one"))
    shutil.rmtree(tmp_path / "one")
    with pytest.raises(GoneError, match="is gone"):
        tail.poll()


def test_a_writer_lives_as_long_as_it_holds_a_stream(tmp_path: Path) -> None:
    with FileLog(tmp_path / "one") as log:
        log.append("main", [Made().started()])
        assert writer_alive(tmp_path / "one") is True
    assert writer_alive(tmp_path / "one") is False
    assert writer_alive(tmp_path / "none") is None


def test_the_survey_tells_of_sealed_and_growing_runs_alike(tmp_path: Path) -> None:
    write(tmp_path / "sealed", Made(4).events(), 0)
    with FileLog(tmp_path / "growing") as log:
        log.append("main", [Made(4).started()])
        log.flush()
        survey = Survey(Source(tmp_path))
        listed = {one.state.run: one for one in survey.look()}
        assert listed["sealed"].state.events == len(list(Made(4).events()))
        assert listed["sealed"].state.life.finished_us
        assert listed["growing"].state.events == 1
        assert listed["growing"].writer is True
        log.append("main", list(Made(4).events())[1:5])
        log.flush()
        assert {one.state.run: one.state.events for one in survey.look()}["growing"] == 5


def test_the_survey_lists_a_damaged_run_with_what_is_wrong(tmp_path: Path) -> None:
    with FileLog(tmp_path / "one") as log:
        log.append("main", [Made().started()])
        log.flush()
        hot = next((tmp_path / "one" / "main").glob("*.jsonl"))
        data = bytearray(hot.read_bytes())
    data[60] ^= 1
    shutil.rmtree(tmp_path / "one" / "main")
    (tmp_path / "one" / "main").mkdir()
    (tmp_path / "one" / "main" / hot.name).write_bytes(data)
    (one,) = Survey(Source(tmp_path)).look()
    assert one.trouble


def test_a_store_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    source = Source(tmp_path / "none")
    assert not source.exists
    assert Survey(source).look() == []


# figures


def test_a_silent_run_is_stale_within_ten_seconds_even_where_locks_cannot_be_seen() -> None:
    state = RunState("one", events=1, last_us=1_000_000)
    assert figures.status(state, 5_000_000, None).word == "running"
    assert figures.status(state, 11_000_000, None).word == "stale"


def test_a_run_whose_writer_is_gone_is_stale_at_once_and_a_living_one_only_quiet() -> None:
    state = RunState("one", events=1, last_us=1_000_000)
    assert figures.status(state, 1_100_000, False).word == "stale"
    assert figures.status(state, 60_000_000, True).word == "quiet"


def test_a_failed_run_says_why() -> None:
    state = RunState("one", events=1, life=Life(failed_us=5, failure="EngineError: no memory"))
    assert figures.status(state, 6, None) == ("failed", "EngineError: no memory")


def test_the_remaining_time_says_how_many_stages_were_never_seen(records: list[Record]) -> None:
    at = next(i for i, one in enumerate(records) if one.kind == "stage.loaded" and one.json["stage"] == 2)
    left = outlook.remaining(folded(records[:at]).state())
    assert left is not None
    assert left.unseen == 2
    assert 0 < left.low_s <= left.high_s
    assert outlook.remaining(folded(records).state()) is None


def test_stalls_are_counted_but_not_the_break_before_a_resume(records: list[Record]) -> None:
    state = folded(records).state()
    assert state.stalls == (len(records) - 1) // 200
    assert state.longest_stall_us == pytest.approx(30_700_000)


def test_another_environment_on_resume_is_drift_and_names_the_packages() -> None:
    captured = next(event for event in Made().events() if isinstance(event, EnvironmentCaptured))
    other = captured.model_copy(update={"packages": {**captured.packages, "torch": "2"}, "kernel": "6.2"})
    log = MemoryLog("made-up")
    log.append("main", [captured, other])
    whats = {one.what for one in folded(list(log.read())).state().problems}
    assert whats == {"environment.captured: packages (torch)", "environment.captured: kernel"}


def test_the_rate_is_over_whole_seconds_and_old_seconds_are_forgotten() -> None:
    state = RunState("one", pace={second: Pace(5) for second in range(100, 110)})
    assert figures.per_second(state, 110_000_000) == 5.0
    assert figures.per_second(state, 115_000_000) == 2.5


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_between_the_least_and_the_most(values: list[float], share: float) -> None:
    found = figures.percentile(values, share)
    assert found is not None
    assert min(values) <= found <= max(values)


# lists


def test_every_order_of_the_samples_lists_each_sample_once(cursor: Cursor) -> None:
    samples = Samples()
    for order in SAMPLE_SORTS:
        assert samples.refresh(cursor, "", order) == 28
        assert len({row[0] for row in samples.page(cursor, 0)}) == 28


def test_filters_of_samples_hold_all_together(cursor: Cursor, records: list[Record]) -> None:
    samples = Samples()
    rows = samples.refresh(cursor, "task=gsm8k wrong", "log")
    wrong = {
        one.json["sample"]
        for one in records
        if one.kind == "sample.graded" and one.json["stage"] == 3 and not one.json["correct"]
    }
    assert {row[0] for row in samples.page(cursor, 0)} == {name for name in wrong if name.startswith("gsm8k")}
    assert rows == len({name for name in wrong if name.startswith("gsm8k")})


def test_only_what_was_decided_is_early_or_escalated(cursor: Cursor, records: list[Record]) -> None:
    stops: dict[str, list[bool]] = {}
    for one in records:
        if one.kind == "sample.answered":
            stops.setdefault(one.json["sample"], []).append(one.json["early"])
    samples = Samples()
    assert samples.refresh(cursor, "early", "log") == sum(all(early) for early in stops.values())
    assert samples.refresh(cursor, "escalated", "log") == sum(not all(early) for early in stops.values())


@settings(max_examples=30, deadline=None)
@given(st.text("abc%_!*'\"$[]", min_size=1, max_size=6))
def test_a_word_in_a_filter_stands_for_itself_whatever_it_is(tables: Tables, word: str) -> None:
    for where in (samples_where(word), events_where(word)):
        (pattern,) = where.parameters.values()
        with tables.cursor() as cursor:
            likes = "SELECT $text ILIKE $pattern ESCAPE '!' AS hit"
            assert cursor.rows(likes, {"text": f"x{word}x", "pattern": pattern})[0]["hit"]
            assert not cursor.rows(likes, {"text": "x", "pattern": pattern})[0]["hit"]


def test_the_events_keep_their_numbers_as_the_log_grows(records: list[Record]) -> None:
    log = MemoryLog("made-up", clock=iter([one.time for one in records]).__next__)
    log.append("main", [records[0].event])
    growing, events = Tables(log), Events()
    with growing.cursor() as cursor:
        assert events.refresh(cursor, "", "log") == 1
        growing.queue(records[1:250])
        growing.sync()
        assert events.refresh(cursor, "", "log") == 250
        assert [row[1] for row in events.page(cursor, 100)] == list(range(100, 200))
        assert events.refresh(cursor, "kind=sample.planned", "log") == 28
    growing.close()


def test_a_search_goes_round_at_the_end(cursor: Cursor) -> None:
    events = Events()
    rows = events.refresh(cursor, "", "log")
    first = events.find(cursor, "kind=stage.loaded", -1, False)
    assert first is not None
    second = events.find(cursor, "kind=stage.loaded", first, False)
    assert second is not None
    assert second > first
    assert events.find(cursor, "kind=stage.loaded", rows - 1, False) == first
    assert events.find(cursor, "kind=stage.loaded", second, True) == first
    assert events.find(cursor, "kind=nothing.such", 0, False) is None


def test_a_samples_story_has_answers_decisions_and_causes(cursor: Cursor) -> None:
    told = story(cursor, "gsm8k/test/13")
    assert [one["stage"] for one in told.answers] == [0, 1, 2, 3]
    assert {one["lam"] for one in told.decisions} == set(LAMBDAS[:3])
    text = paint_story.sample(told).plain
    assert "going on" in text
    assert "← sample.generated:gsm8k/test/13@0" in text


def test_at_an_earlier_moment_a_sample_has_only_what_was_logged_by_then(records: list[Record], tables: Tables) -> None:
    at = next(one for one in records if one.kind == "sample.graded" and one.subject == "gsm8k/test/13@1")
    with tables.cursor() as cursor:
        cursor.look(micros(at.time))
        told = story(cursor, "gsm8k/test/13")
        assert [one["stage"] for one in told.answers] == [0, 1]
        assert not told.decisions
        cursor.look(END_US)
        assert len(story(cursor, "gsm8k/test/13").answers) == 4


# text


@given(st.text())
def test_no_text_of_a_model_reaches_the_terminal_as_it_is(text: str) -> None:
    answer = {
        "stage": 0, "model": text, "sampling_seed": None, "correct": None, "extracted": text, "logprobs": None,
        "text": text, "input_tokens": 1, "output_tokens": 1, "finish_reason": text, "first_token_s": None,
        "latency_s": None, "busy_s": None, "nature": "simulated",
    }  # fmt: skip
    failure = {"stage": 0, "error": text, "message": text}
    planned = {"prompt": text, "reference": text, "task": text}
    chain = (("main", 0, 0, text, text, text, text),)
    shown = paint_story.sample(Story(text, planned, (answer,), (failure,), (), (), chain)).plain
    assert sanitize(shown, newlines=True) == shown


@pytest.mark.parametrize("size", [{}, {"tasks": 4, "lambdas": 6, "seeds": 5}])
@pytest.mark.parametrize("width", [51, 55, 75, 83, 116])
def test_every_block_fits_its_width(width: int, size: dict[str, int]) -> None:
    """The widths that the columns of the run's screen have in terminals of 80, 110, 120 and 200 columns."""
    state = folded(list(made_log(samples=6, **size).read())).state()
    for painter in BLOCKS.values() if width >= 75 else [one for one in BLOCKS.values() if one is not grid.grid]:
        made = painter(Frame(state, end_us=state.last_us), state.last_us, width)
        assert max(line.cell_len for line in made.body.split("\n")) <= width, painter.__name__


def test_figures_of_an_unfinished_run_are_marked(records: list[Record]) -> None:
    half, whole = (Frame(folded(some).state()) for some in (records[:600], records))
    for painter in (grid.ladder, grid.grid, grid.funnel):
        assert "not for inference" in painter(half, 0, 100).plain
        assert "not for inference" not in painter(whole, 0, 100).plain
    assert "not for inference" in header.header(half, "store", 0, 200).plain


def test_a_stage_that_learns_is_shown_with_its_steps_and_its_loss() -> None:
    """With the events of the training whose weights are shipped."""
    log = MemoryLog(run="made-up")
    lines = files("asd.runners").joinpath("pocket", "training.jsonl").read_text(encoding="utf-8").splitlines()
    events = [decode(one["kind"], one["v"], one["data"]) for one in map(json.loads, lines)]
    log.append("main", [one for one in events if one.kind.startswith("training.")])
    with Tables(log).cursor() as cursor:
        assert seeded("made-up", cursor) == folded(list(log.read()))
    told = grid.ladder(Frame(folded(list(log.read())).state()), 0, 80).plain
    assert "0 pocket-s0   3,000/3,000 ━━━━━━" in told
    assert "▁" in told


def test_the_rows_of_several_policies_are_under_their_names(records: list[Record]) -> None:
    state = folded(records).state()
    assert "optimal-stopping" not in grid.grid(Frame(state), 0, 100).plain
    one = next(iter(state.cells))
    other = replace(
        state,
        cells={**state.cells, ("myopic", *one[1:]): Cell(1, 1, 0, 1)},
        stops={**state.stops, ("myopic", one[1], 0): 1},
    )
    for painter in (grid.grid, grid.funnel):
        told = painter(Frame(other), 0, 100).plain
        assert told.index("myopic") < told.index("optimal-stopping")


def test_what_is_certified_is_said_under_the_grid(records: list[Record]) -> None:
    log = MemoryLog(run="made-up")
    log.append("main", [one.event for one in records])
    for seed, lam in ((42, 5.0), (123, None)):
        certificate = RetentionCertified(
            seed=seed, policy="optimal-stopping", lam=lam, target=0.98, alpha=0.05, samples=100, baseline_right=90,
            tested=(), method="learn then test",
        )  # fmt: skip
        log.append("main", [certificate])
    with Tables(log).cursor() as cursor:
        assert seeded("made-up", cursor).certified == folded(list(log.read())).certified
    told = grid.grid(Frame(folded(list(log.read())).state()), 0, 120).plain
    assert "98% kept, 95% sure: seed 42 λ ≥ 5, seed 123 none" in told
    assert "was chosen by the rule: made up" in told


MARKDOWN = """# Record

Told by **us** in `code`, of [λ](glossary.md#l) and a \\[/\\] &lt;b&gt;.

| name | n |
| --- | ---: |
| a \\| b | 1 |
| c | 20 |

```sh
# no heading
```
"""


def test_the_report_is_shown_with_its_tables_in_line_and_without_marks() -> None:
    shown = paint_report.report(MARKDOWN, 40).plain.split("\n")
    assert shown[0].startswith("Record ───")
    assert shown[2] == "Told by us in code, of λ and a [/] <b>."
    assert shown[4:7] == ["name    n", "a | b   1", "c      20"]
    assert "  # no heading" in shown


@given(st.text(min_size=1))
def test_what_the_report_quotes_is_shown_as_it_was_and_inert(text: str) -> None:
    quoted = paint_report.report(f"| {markdown_text(text)} |", 80).plain
    assert quoted == sanitize(text).strip()


def test_a_bar_is_full_only_where_all_is_done() -> None:
    assert words.bar(1.0, 10).plain == "━" * 10
    assert words.bar(0.9999, 10).plain == "━" * 9 + "╸"
    assert words.bar(0.0, 4).plain == words.bar(None, 4).plain == "─" * 4
    assert words.bar(0.5, 3).plain == "━╸─"


def test_what_an_event_says_is_shown_without_its_punctuation_and_inert() -> None:
    data = '{"answer_stage":0,"correct":true,"cost":1.6800000001,"note":null,"q":0.25,"text":"a \\"quote\\" \x1b[2J"}'
    said = paint_events.brief(data, 100).plain
    assert said.startswith("correct true  answer_stage 0  q 0.25  cost 1.68  ")
    assert "note" not in said
    assert "\x1b" not in said
    assert paint_events.brief('{"text":"cut in the midd', 100).plain == 'text "cut in the midd  '


def test_a_wide_table_of_few_rows_is_turned_round_and_bytes_are_said_as_people_say_them() -> None:
    rows = pa.table(
        {
            "stage": [0, 1],
            "gpu_memory_bytes": [14 * 10**9, None],
            "a_rather_long_column_name": ["x", "y"],
            "weights_sha256": ["0" * 64, "1" * 64],
        }
    )
    assert paint_tables.table(rows, 200).plain.split("\n")[0].split() == rows.schema.names
    turned = paint_tables.table(rows, 60).plain.split("\n")
    assert [line.split() for line in turned[:2]] == [["stage", "0", "1"], ["gpu_memory_bytes", "14.00", "GB", "–"]]
    assert max(map(len, turned)) <= 60
    facts = pa.table({"field": ["memory_bytes", "python"], "value": ["8000000000", "3.11"]})
    assert "8.00 GB" in paint_tables.table(facts, 80).plain


def test_hostile_names_of_runs_and_errors_are_inert() -> None:
    problem = figures.RunState("one", events=1, life=Life(failed_us=1, failure=HOSTILE))
    text = header.header(Frame(problem), HOSTILE, 1, 200)
    assert sanitize(text.plain, newlines=True) == text.plain
    assert "[@click" in text.plain


def test_a_run_that_grows_for_long_is_opened_anew_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "MOST_GROWN", 200)
    events, frames = list(Made(20).events()), list[Frame]()
    with FileLog(tmp_path / "one") as log:
        log.append("main", events[:10])
        log.flush()
        watching = watcher.Watcher(FileLog(tmp_path / "one"), frames.append)
        watching.start()
        opened = [watching.tables]
        for start in range(10, len(events), 100):
            log.append("main", events[start : start + 100])
            log.flush()
            end = time.monotonic() + 60
            while not (frames and frames[-1].whole and frames[-1].state.events >= min(start + 100, len(events))):
                assert time.monotonic() < end
                time.sleep(0.02)
            assert watching.tables is not None
            watching.tables.sync()
            if watching.tables is not opened[-1]:
                opened.append(watching.tables)
        watching.stop()
        watching.join(10)
    assert len(opened) > 2
    assert frames[-1].state.life.finished_us
    assert dict(frames[-1].state.kinds) == folded(list(FileLog(tmp_path / "one").read())).kinds


def test_what_arrives_while_the_tables_are_being_filled_waits_for_nobody(
    records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the screen would stand still as often and as long as the tables grow."""
    tables = Tables(MemoryLog(run="made-up"))
    filling, arrived, add = Event(), Event(), tables._add

    def slowly(some: list[Record]) -> None:
        filling.set()
        assert arrived.wait(30)
        add(some)

    monkeypatch.setattr(tables, "_add", slowly)
    tables.queue(records[:10])
    syncing = Thread(target=tables.sync)
    syncing.start()
    assert filling.wait(30)
    tables.queue(records[10:20])
    assert tables.waiting == 10
    arrived.set()
    syncing.join(30)
    tables.sync()
    with tables.cursor() as cursor:
        assert cursor.rows("SELECT count(*)::BIGINT AS events FROM events") == [{"events": 20}]


def test_a_run_that_cannot_be_opened_stays_unreadable_while_it_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "AGAIN_S", 0.01)
    monkeypatch.setattr(watcher, "Tables", lambda log: (_ for _ in ()).throw(OSError("no")))
    write(tmp_path / "bad", Made(2).events(), 0)
    frames: list[Frame] = []
    watching = watcher.Watcher(FileLog(tmp_path / "bad"), frames.append)
    watching.start()
    end = time.monotonic() + 60
    while sum(bool(one.trouble) for one in frames) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    watching.stop()
    watching.join(10)
    first = next(i for i, one in enumerate(frames) if one.trouble)
    assert [one.trouble for one in frames[first:]] == ["no"] * (len(frames) - first)
    assert len(frames) - first >= 3


def test_the_librarian_answers_only_the_latest_of_one_question(tables: Tables) -> None:
    answers: list[Answer] = []
    held = Event()
    librarian = Librarian(Tables(made_log(samples=1, lambdas=1, seeds=1)), answers.append)
    librarian.start()
    librarian.ask("first", lambda cursor: held.wait(30))
    for n in range(5):
        librarian.ask("same", lambda cursor, n=n: n)  # type: ignore[misc]
    librarian.ask("wrong", lambda cursor: cursor.rows("SELECT nothing"))
    librarian.ask(":silent", lambda cursor: 1)
    held.set()
    librarian.ask("last", lambda cursor: None)
    end = time.monotonic() + 60
    while not any(one.key == "last" for one in answers) and time.monotonic() < end:
        time.sleep(0.02)
    librarian.stop()
    librarian.join(10)
    assert [one.value for one in answers if one.key == "same"][-1] == 4
    assert [one.key for one in answers if one.trouble] == ["wrong"]
    assert ":silent" not in {one.key for one in answers}


def test_the_runs_blocks_look_as_they_did(records: list[Record]) -> None:
    """Set ASD_SNAPSHOTS=write to accept how they look now."""
    frame = Frame(folded(records[:600]).state(), end_us=micros(records[-1].time))
    now_us = frame.state.last_us + 1_000_000
    parts = [header.header(frame, "asd-store", now_us, 120), *(block(frame, now_us, 100) for block in BLOCKS.values())]
    parts += [header.time_line(frame, 100)]
    looks = "\n\n".join("\n".join(line.rstrip() for line in part.plain.split("\n")) for part in parts) + "\n"
    snapshot = Path(__file__).parent / "snapshots" / "tui-run.txt"
    if os.environ.get("ASD_SNAPSHOTS") == "write":
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(looks, encoding="utf-8")
    assert looks == snapshot.read_text(encoding="utf-8")
