"""Projections, formats and the report: the same events give the same bytes, and hostile text stays text."""

import csv
import io
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from fixtures_founding import founding_log
from fixtures_run import SAMPLES, SEEDS, STAGES, TASKS, log_of, run_events
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.text import Text

import asd
from asd.core.errors import UsageError
from asd.core.event import Event, JsonObject
from asd.core.facts.analysis import CertificateTest, FrontierMeasured, RetentionCertified
from asd.core.facts.data import SplitAssigned
from asd.core.facts.run import PhaseFinished, PhaseStarted, RunFailed, RunFinished, RunResumed, RunStarted
from asd.core.facts.sample import SampleGraded
from asd.store.memory import MemoryLog
from asd.store.store import Store
from asd.views import digits, glossary, projections, schemas
from asd.views.diff import diff
from asd.views.document import Figure, Table
from asd.views.formats import markdown_text, render, to_csv, to_terminal
from asd.views.japanese import KEPT, WORDS
from asd.views.latex import latex_text
from asd.views.linting import findings
from asd.views.markdown import to_markdown
from asd.views.rendering import open_session, report
from asd.views.report import TITLES, build
from asd.views.sanitize import safe, sanitize
from asd.views.sentences import abstract, verdict
from asd.views.session import Session


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(log_of(run_events()))


def of(events: list[Event]) -> Session:
    return Session(log_of(events))


def test_every_projection_says_what_it_answers_and_runs(session: Session) -> None:
    for name in projections.names():
        assert projections.get(name).answers.endswith((".", "?")), name
        assert session.table(name).num_columns > 0, name


def test_every_projection_runs_on_a_run_that_has_only_just_begun() -> None:
    begun = of([event for event in run_events() if isinstance(event, RunStarted)])
    for name in projections.names():
        assert begun.table(name).num_columns > 0, name


def test_every_projection_runs_on_an_empty_log() -> None:
    empty = of([])
    for name in projections.names():
        assert empty.table(name).num_columns > 0, name


def test_a_projection_s_columns_are_snake_case_and_each_seconds_and_bytes_column_says_so(session: Session) -> None:
    for name in projections.names():
        for column in session.table(name).schema.names:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column), (name, column)


OF_THE_MACHINE = {
    *("attempts", "completeness", "datasets", "device_use", "devices", "environment", "leakage", "packages"),
    *("parameters", "phases", "plan", "streams", "training"),
}
"""What happened here, whatever the answers are: machine, files, configuration, the log itself."""


def test_every_table_of_figures_says_whether_they_are_measured_recorded_or_simulated(session: Session) -> None:
    for name in set(projections.names()) - OF_THE_MACHINE:
        table = session.table(name)
        assert "nature" in table.schema.names, name
        assert set(table["nature"].to_pylist()) <= {"simulated"}, name


def test_listing_projections_imports_none_of_a_plugin() -> None:
    assert {row["projection"] for row in projections.listing()} >= {"results", "stages", "lambdas"}


def test_a_projection_may_build_on_others() -> None:
    parsed = projections.parse("mine", "-- What?\n-- uses: run, stages\nSELECT 1")
    assert (parsed.answers, parsed.uses) == ("What?", ("run", "stages"))


def test_a_stage_s_accuracy_is_right_over_samples(session: Session) -> None:
    rows = session.rows("stages")
    assert [row["model"] for row in rows] == list(STAGES)
    assert [(row["correct_samples"], row["samples"]) for row in rows] == [(10, 24), (16, 24), (24, 24)]
    assert [row["accuracy"] for row in rows] == [10 / 24, 16 / 24, 1.0]


def test_speedup_is_a_ratio_of_sums_and_retention_a_ratio_of_accuracies(session: Session) -> None:
    for row in session.rows("cells"):
        assert row["speedup"] == row["baseline_total_time_s"] / row["total_time_s"]
        assert row["quality_retention"] == pytest.approx(row["accuracy"] / row["baseline_accuracy"], abs=1e-12)


def test_seeds_are_averaged_per_sample_first(session: Session) -> None:
    found = session.catalogue.sql(
        "SELECT task, lam, avg(correct) FROM (SELECT task, lam, sample, avg(correct::INT) AS correct"
        " FROM sample_answered GROUP BY ALL) GROUP BY ALL ORDER BY ALL"
    )
    cells = {(row["task"], row["lambda"]): row["accuracy"] for row in session.rows("cells")}
    for task, lam, accuracy in zip(*(column.to_pylist() for column in found.columns), strict=True):
        assert cells[task, lam] == pytest.approx(accuracy)


def test_speedup_is_in_cost_where_answers_have_no_times() -> None:
    def timeless(event: Event) -> Event:
        none = {"time_s": None, "baseline_time_s": None}
        return event.model_copy(update=none) if event.kind == "sample.answered" else event

    rows = of([timeless(event) for event in run_events()]).rows("lambdas")
    assert {row["speedup_unit"] for row in rows} == {"cost"}
    assert all(row["total_time_s"] is None and row["speedup"] is not None for row in rows)


def test_results_have_a_row_a_task_and_one_for_all_where_there_are_several(session: Session) -> None:
    assert [row["task"] for row in session.rows("results")] == [*TASKS, "all"]
    alone = [event for event in run_events() if getattr(event, "task", TASKS[0]) in (TASKS[0], "all")]
    assert [row["task"] for row in of(alone).rows("results")] == [TASKS[0]]


def test_results_carry_the_intervals_and_p_values_of_the_run_s_own_analysis(session: Session) -> None:
    row = session.rows("results")[0]
    assert (row["speedup_low"], row["speedup_high"]) == (0.1, 0.9)
    assert (row["p_value"], row["p_value_raw"], row["effect_size"]) == (0.5, 0.25, -0.1)


def test_phases_partition_the_run(session: Session) -> None:
    rows = {row["phase"]: row["time_s"] for row in session.rows("phases")}
    total = rows.pop("total")
    assert sum(rows.values()) == pytest.approx(total)
    assert rows["other"] >= 0


def test_time_between_attempts_is_shown_as_interrupted_and_not_hidden() -> None:
    events = [event for event in run_events() if not isinstance(event, RunFinished)]
    resumed = RunResumed(attempt=2, command=("asd-runner", "resume", "x"), asd_version="0.1.0")
    session = of([*events[:50], resumed, *events[50:], RunFinished(duration_s=1.0)])
    rows = {row["phase"]: row["time_s"] for row in session.rows("phases")}
    assert rows["interrupted"] == 1
    assert sum(rows.values()) == pytest.approx(2 * rows["total"])
    assert [row["ended"] for row in session.rows("attempts")] == ["killed", "finished"]


def test_a_phase_that_was_cut_off_counts_up_to_the_last_event_of_its_attempt() -> None:
    started, *_ = run_events()
    resumed = RunResumed(attempt=2, command=(), asd_version="0.1.0")
    begun, ended = PhaseStarted(phase="sums"), PhaseFinished(phase="sums", duration_s=1.0)
    samples = [event for event in run_events() if event.kind == "sample.planned"][:3]
    session = of([started, begun, *samples, resumed, begun, ended, RunFinished(duration_s=1.0)])
    row = session.rows("phases")[0]
    assert (row["phase"], row["entries"], row["unfinished"], row["time_s"]) == ("sums", 2, 1, 3 + 1.0)


def test_a_failed_run_says_so() -> None:
    events = [event for event in run_events() if not isinstance(event, RunFinished)]
    failed = RunFailed(error="EngineError", message="no memory", duration_s=1.0)
    row = of([*events, failed]).rows("run")[0]
    assert (row["state"], row["message"]) == ("failed", "EngineError: no memory")


def test_missing_units_are_counted_by_name() -> None:
    events = list(run_events())
    gone = next(event for event in events if event.kind == "sample.answered")
    rows = {row["unit"]: row for row in of([one for one in events if one is not gone]).rows("completeness")}
    assert rows["answered"]["missing"] == 1
    assert rows["generated"]["missing"] == 0


def test_a_sentence_over_an_incomplete_run_says_that_it_is(session: Session) -> None:
    cut = [one for one in run_events() if not (one.kind == "sample.answered" and one.seed == SEEDS[1])]  # type: ignore[attr-defined]
    assert "Incomplete: 24 of 48 planned decisions are in it." in abstract(of(cut))
    assert "Incomplete: 24 of 48" in verdict(of(cut))
    assert "Incomplete" not in abstract(session) + verdict(session)


def test_an_evaluation_sample_among_the_predictor_s_ancestors_is_found() -> None:
    leaked = SplitAssigned(seed=SEEDS[0], role="calibrate", part=0, samples=(f"{TASKS[0]}/test/{SAMPLES - 1}",))
    rows = of([*run_events(), leaked]).rows("leakage")
    assert [(row["shared_samples"], row["shared_prompts"]) for row in rows] == [(1, 1), (0, 0)]


def test_datasets_are_compared_with_those_of_the_parent_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for run, parent in (("first", None), ("second", "first")):
        events = list(run_events())
        assert isinstance(events[0], RunStarted)
        events[0] = events[0].model_copy(update={"parent": parent})
        with store.create(run) as log:
            log.append("main", events if run == "first" else [*events[:1], *events[2:]])
    rows = open_session(store, "second").rows("datasets")
    assert [row["compared_with"] for row in rows] == ["first", "first"]
    assert [row["samples_difference"] for row in rows] == [0, 0]
    assert all(row["same_rows"] for row in rows)


def test_no_answer_reports_zero_seconds_where_nothing_was_timed(session: Session) -> None:
    rows = session.rows("timings")
    assert all(row["mean_queue_s"] is None for row in rows)


# The report


def test_the_report_has_the_ten_sections_in_order(session: Session) -> None:
    for language, place in (("en", 0), ("ja", 1)):
        found = re.findall(r"^## (\d+)\. (.+)$", to_markdown(build(session, language)), re.MULTILINE)  # type: ignore[arg-type]
        assert found == [(str(number), titles[place]) for number, titles in enumerate(TITLES, 1)]


def test_deleting_everything_derived_and_projecting_again_gives_the_same_bytes(tmp_path: Path) -> None:
    with Store(tmp_path).create("run-1") as log:
        log.append("main", list(run_events()))
    reports = []
    for _ in range(2):
        reports.append(to_markdown(build(open_session(Store(tmp_path), None))))
        shutil.rmtree(log.cache)
    assert reports[0] == reports[1]


def test_a_report_of_an_empty_log_says_not_recorded_everywhere() -> None:
    text = to_markdown(build(of([])))
    assert text.count("not recorded") > 15
    assert "None" not in text


def test_every_term_that_the_report_uses_is_defined_and_has_its_place_in_the_glossary(session: Session) -> None:
    text = (Path(asd.__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for term in glossary.DEFINITIONS:
        assert glossary.anchor(term) in anchors, term
    assert {term for term, _ in build(session).terms} <= set(glossary.DEFINITIONS)


def test_the_report_says_plainly_that_the_ladder_does_not_pay(session: Session) -> None:
    assert "It does not pay: it keeps less than the 98.0% fixed before the run" in to_markdown(build(session))


def test_a_run_without_a_plan_is_called_exploratory() -> None:
    unplanned = of([event for event in run_events() if event.kind != "run.planned"])
    assert "this run is exploratory" in to_markdown(build(unplanned))


def test_a_report_as_csv_has_a_line_for_every_cell_of_every_table(session: Session) -> None:
    lines = list(csv.DictReader(io.StringIO(report(session, "csv", "en").decode())))
    found = {(one["projection"], one["row"], one["column"]): one["value"] for one in lines}
    assert float(found["results", "1", "speedup"]) == session.rows("results")[0]["speedup"]
    tables = json.loads(report(session, "json", "en"))["projections"]
    assert {name for name, _, _ in found} == {name for name, rows in tables.items() if rows}


@pytest.mark.parametrize("form", ["md", "html", "latex", "macros", "json", "csv"])
def test_every_format_of_a_report_carries_the_signed_head(tmp_path: Path, form: str) -> None:
    with Store(tmp_path).create("run-1") as log:
        log.append("main", list(run_events()))
    session = open_session(Store(tmp_path), None)
    root = session.notes["main"].splitlines()[2]
    text = report(session, form, "en").decode()  # type: ignore[arg-type]
    assert root in text.replace(r"\allowbreak{}", "").replace("\\/", "/").replace("&#43;", "+")


def test_certificates_and_whole_frontiers_stand_among_the_results() -> None:
    tested = (CertificateTest(lam=4.0, kept=95, p_value=0.001), CertificateTest(lam=1.0, kept=80, p_value=0.4))
    certified = RetentionCertified(
        seed=42,
        policy="optimal-stopping",
        lam=4.0,
        target=0.9,
        alpha=0.01,
        samples=120,
        baseline_right=100,
        tested=tested,
        method="Learn then Test",
    )
    frontier = FrontierMeasured(
        policy="optimal-stopping",
        seed=42,
        points=6,
        area=0.5192,
        hull_area=0.53,
        retention=0.95,
        cost_at_retention=0.575,
        gap_closed=0.4,
    )
    text = to_markdown(build(of([*run_events(), certified, frontier])))
    results = text[text.index("## 7. Results") : text.index("## 8. Ablations")]
    assert "| 42 | 4 | yes | 95/100 | 0.950 | 0.9 | 0.0010 | 0.01 | 120 | Learn then Test |" in results
    assert "| optimal-stopping | 0.519 | not recorded | 0 | 1 | 0.575 | 0.400 | simulated |" in results


def test_a_report_says_first_whether_it_pays_and_how_many_warnings_it_bears() -> None:
    founding = json.loads(report(Session(founding_log()), "json", "en"))
    assert any(one["warning"] and "in section 7" in one["text"] for one in founding["preface"])
    sound = json.loads(report(of(list(run_events())), "json", "en"))
    assert "It does not pay" in sound["preface"][1]["text"]


def test_a_measure_that_is_a_share_has_a_table_where_there_is_one() -> None:
    events = [
        event.model_copy(update={"score": 0.25 if event.stage == 0 else 0.75})
        if isinstance(event, SampleGraded)
        else event
        for event in run_events()
    ]
    assert "mean score" not in report(of(list(run_events())), "md", "en").decode()
    section = report(of(events), "md", "en").decode().partition("## 7.")[2].partition("## 8.")[0]
    rows = [line for line in section.splitlines() if "| 0.2500 |" in line]
    assert [row.split(" | ")[1] for row in rows] == ["0"] * len(rows) != []


# Digits


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("accuracy", 0.6581, "0.658"),
        ("speedup", 1.2345, "1.23"),
        ("p_value", 0.000999, "< 0.001"),
        ("p_value", 0.00123, "0.0012"),
        ("p_value", 0.5, "0.50"),
        ("lambda", 10.0, "10"),
        ("early_stop_rate", 0.785, "0.785"),
        ("total_time_s", 11671.0, "11,671.0"),
        ("mean_latency_s", 0.515, "0.515"),
        ("gpu_memory_bytes", 14_200_000_000, "14.20 GB"),
        ("samples", 14042, "14,042"),
        ("correct_samples", 11950.4, "11,950.4"),
        ("correct_samples", 1139.0, "1,139"),
        ("config", None, "not recorded"),
        ("chosen", True, "yes"),
    ],
)
def test_digits_follow_the_column(column: str, value: object, shown: str) -> None:
    assert digits.shown(column, value) == shown


def test_a_duration_is_told_in_hours_minutes_and_seconds() -> None:
    assert digits.duration(11671) == "3 h 14 min 31 s"


def test_columns_of_one_name_are_told_apart() -> None:
    rows = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["seq", "seq", "seq_2"])
    assert json.loads(render(rows, "json")) == [{"seq": 1, "seq_2": 2, "seq_2_2": 3}]
    assert render(rows, "csv").splitlines() == ["seq,seq_2,seq_2_2", "1,2,3"]


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("TIMESTAMP '2026-01-02 03:04:05' - TIMESTAMP '2026-01-01 00:00:00'", "1 day, 3:04:05"),
        ("INTERVAL 14 MONTH", "14 months, 0:00:00"),
        ("INTERVAL '-1 second'", "-0:00:01"),
        ("'a\\xFF'::BLOB", "61ff"),
    ],
)
def test_spans_of_time_and_bytes_are_written_as_text(sql: str, text: str) -> None:
    with duckdb.connect() as db:
        assert json.loads(render(db.sql(f"SELECT {sql} AS x").to_arrow_table(), "json")) == [{"x": text}]


def test_what_does_not_fit_beside_its_name_goes_on_below_itself() -> None:
    rows = pa.table({"sample": ["a"], "prompt": ["long " * 30], **{f"column_{n}": ["x" * 70] for n in range(5)}})
    lines = render(rows, "table", width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert [line.split()[0] for line in lines if line[0] != " "] == rows.schema.names
    assert all(line.startswith(" " * 10) for line in lines if line[0] == " ")


# Hostile text


HOSTILE = "[/] [@click=app.quit] \x1b[31m\x07 \u202e\u200b\ufeff | ` <script>& $x_1%#{}~^\\ =1+1\r\n\x00\x9b"


@given(st.text())
def test_sanitized_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = sanitize(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", shown)
    shown.encode()


def test_plain_text_in_any_language_is_left_as_it_is() -> None:
    for text in ("plain", "実験記録", "Übung", "λ = 0.5", "naïve ½ ✓"):
        assert sanitize(text) == text


def test_rich_never_reads_an_answer_as_markup() -> None:
    assert isinstance(safe(HOSTILE), Text)
    assert safe("[red]x[/red]").plain == "[red]x[/red]"


@pytest.mark.parametrize("form", ["table", "md", "csv", "json"])
def test_no_format_passes_on_a_control_character(form: str) -> None:
    table = Session(log_of(run_events())).catalogue.sql("SELECT text FROM sample_generated LIMIT 3")
    text = render(table, form)  # type: ignore[arg-type]
    assert "\x1b" not in text
    assert form == "json" or "\u202e" not in text


def test_markdown_escapes_cells_and_html() -> None:
    assert markdown_text("a|b<script>*_`") == "a\\|b&lt;script>\\*\\_\\`"
    assert "\n" not in markdown_text("a\nb")


@pytest.mark.parametrize("text", ["stages[0].rng_seed", "[0.1, 0.5]", "< 0.001", "-0.3", "R & D", "C\\x1b", "a > b"])
def test_markdown_leaves_alone_what_it_reads_as_text(text: str) -> None:
    assert markdown_text(text) == text


ANY_TEXT = st.text("ab_*`[]()<>&#;|~$!^:\\/ é", min_size=1) | st.text(min_size=1)


@given(ANY_TEXT)
@example("[a](b)")
@example("**a** __b__ ~~c~~")
@example("&lt;b&gt; &#35;")
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    found = page.parse(f"| a |\n| --- |\n| {markdown_text(text)} |\n")
    cells = [one for one in found if one.type == "inline"]
    assert len(cells) == 2
    assert {child.type for child in cells[1].children or ()} <= {"text"}
    assert cells[1].children is None or "".join(one.content for one in cells[1].children) == sanitize(text).strip()


@pytest.mark.parametrize(
    ("column", "value"), [("estimate", -0.0001), ("speedup", -0.001), ("time_s", -0.0), ("x", -0.0)]
)
def test_zero_has_no_sign(column: str, value: float) -> None:
    assert not digits.shown(column, value).startswith("-")


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_csv_never_begins_a_cell_with_a_formula(formula: str) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(["text", "n"], [{"text": formula, "n": -1.5}]))))
    assert rows[1][0].startswith("'")
    assert rows[1][1] == "-1.5"


def test_latex_escapes_everything_that_it_would_obey() -> None:
    assert latex_text(r"a_b & 50% #1 {x} $y$ ~ ^ \input") == (
        r"a\_b \& 50\% \#1 \{x\} \$y\$ \textasciitilde{} \textasciicircum{} \textbackslash{}input"
    )


def test_json_is_an_array_of_rows_that_json_reads(session: Session) -> None:
    rows = json.loads(render(session.table("results"), "json"))
    assert [row["task"] for row in rows] == [*TASKS, "all"]


# Schemas


def test_the_schemas_in_the_repository_are_what_the_classes_say() -> None:
    assert schemas.differences() == [], "run python -m asd.views.schemas"


def test_a_schema_that_was_edited_or_left_over_is_named(tmp_path: Path) -> None:
    assert schemas.write(tmp_path)
    assert schemas.write(tmp_path) == []
    (tmp_path / "run.started.v1.json").write_text("{}")
    (tmp_path / "gone.kind.v1.json").write_text("{}")
    (tmp_path / "run.started.v0.json").write_text("{}")
    assert sorted(schemas.differences(tmp_path)) == ["gone.kind.v1.json", "run.started.v1.json"]


# From Python


def test_a_table_comes_as_arrow_and_pandas(tmp_path: Path) -> None:
    with Store(tmp_path).create("run-1") as log:
        log.append("main", list(run_events()))
    store = asd.open(tmp_path)
    assert store.runs() == ("run-1",)
    table = store.run("run-1").table("stages")
    assert table.arrow().num_rows == len(table) == len(STAGES)
    assert list(table.df()["model"]) == list(STAGES)
    assert store.sql("SELECT count(*) AS n FROM sample_generated").rows() == [{"n": SAMPLES * len(TASKS) * len(STAGES)}]


def test_a_table_comes_as_a_polars_frame_with_its_types(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    with Store(tmp_path).create("run-1") as log:
        log.append("main", list(run_events()))
    frame = asd.open(tmp_path).run().table("stages").pl()
    assert list(frame["model"]) == list(STAGES)
    assert (frame.schema["stage"], frame.schema["accuracy"]) == (polars.Int64, polars.Float64)


def test_a_circle_of_projections_is_named(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    circle = {"a": "-- A.\n-- uses: b\nSELECT 1", "b": "-- B.\n-- uses: a\nSELECT 1"}
    monkeypatch.setattr(projections, "get", lambda name: projections.parse(name, circle[name]))
    with pytest.raises(UsageError, match="a > b > a"):
        session.make("a")


# The record against itself


def test_the_founding_example_fails_all_eight_checks_and_the_report_says_so_with_figures() -> None:
    session = Session(founding_log())
    assert {finding.check for finding in findings(session)} == set(range(1, 9))
    text = to_markdown(build(session))
    assert text.count("**Warning.** Check ") >= 8
    assert "accuracy 0.658 is no k/164" in text
    assert "8 parts sum to 9,830.8 s, not 11671 s" in text
    assert "0.852 / 0.847 = 100.6 %, not 90.5 %" in text


def test_a_sound_record_is_passed_in_silence(session: Session) -> None:
    events = [event for event in run_events() if event.kind not in ("policy.evaluated", "statistics.computed")]
    checks = {finding.check for finding in findings(of(events))}
    assert checks <= {6, 7}, "the fixture's clock ticks once an event, whatever its seconds say"


def _phases(pause_s: int, claimed_s: float) -> Session:
    """A run of two phases of ten seconds, each of which claims to have lasted `claimed_s`, with a pause between."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = iter([0, 0, 10, 10 + pause_s, 20 + pause_s, 20 + pause_s])
    log = MemoryLog("run-1", clock=lambda: start + timedelta(seconds=next(times)))
    begun, *_ = run_events()
    marks = [
        (PhaseStarted(phase=name), PhaseFinished(phase=name, duration_s=claimed_s)) for name in ("costs", "replay")
    ]
    for event in (begun, *(mark for pair in marks for mark in pair), RunFinished(duration_s=20.0 + pause_s)):
        log.append("main", [event])
    return Session(log)


def test_time_between_phases_on_a_busy_machine_is_shown_and_contradicts_nothing() -> None:
    busy = _phases(pause_s=300, claimed_s=10)
    assert not [one for one in findings(busy) if one.check == 6]
    assert {row["phase"]: row["time_s"] for row in busy.rows("phases")}["other"] == 300


def test_phases_that_claim_more_than_the_time_there_was_are_found() -> None:
    [found] = [one for one in findings(_phases(pause_s=300, claimed_s=60)) if one.check == 6]
    assert "3 parts sum to 420.0 s, not 320 s" in found.message


def test_a_report_without_ablations_says_how_to_measure_them(session: Session) -> None:
    plain = of([event for event in run_events() if event.kind != "ablation.measured"])
    assert "asd-runner ablate run-1 measures" in to_markdown(build(plain))
    assert "asd-runner ablate" not in to_markdown(build(session))


# Settings


def test_a_setting_that_is_a_list_is_one_row_and_one_difference() -> None:
    started = next(one for one in run_events() if isinstance(one, RunStarted))
    config: JsonObject = {"lambdas": [0.1, 2, None], "reuse": [], "stages": [{"path": "a", "gpus": [0, 1]}], "more": {}}
    first = of([started.model_copy(update={"config": config})])
    told = [(row["parameter"], row["value"]) for row in first.rows("parameters")]
    assert sorted(told) == [
        ("lambdas", "[0.1, 2, null]"),
        ("more", "{}"),
        ("reuse", "[]"),
        ("stages[0].gpus", "[0, 1]"),
        ("stages[0].path", "a"),
    ]
    second = of([started.model_copy(update={"config": {**config, "lambdas": [0.1, 5]}})])
    [differing] = diff(first, second).facts["settings"]
    assert differing == {"what": "lambdas", "first": "[0.1, 2, null]", "second": "[0.1, 5]"}


@pytest.mark.parametrize("width", [20, 200, None])
def test_a_table_without_rows_still_names_its_columns(width: int | None) -> None:
    names = [f"column_{number}" for number in range(9)]
    shown = to_terminal(names, [], width=width, color=False)
    assert all(name in shown for name in names)


def test_every_heading_and_caption_of_a_japanese_report_is_japanese(session: Session) -> None:
    assert all(english != japanese for english, japanese in WORDS.items())
    told = [block for section in build(session, "ja").sections for block in section.blocks]
    words = {word for block in told if isinstance(block, Table) for word in (block.caption, *_headings(block))}
    words |= {block.caption for block in told if isinstance(block, Figure)}
    assert [word for word in words if word not in KEPT and word not in WORDS.values()] == []


def _headings(table: Table) -> list[str]:
    return [column.heading for column in table.columns]
