"""The command lines: what they print where, how they end, and what they never load."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures_run import log_of, run_events

from asd.core.event import Event
from asd.core.facts.run import PhaseStarted, RunFinished
from asd.store.store import Store

RUN = "fixture-20260101-000000-abcdef"
HEAVY = ("torch", "scipy", "arviz", "statsmodels", "transformers", "datasets", "matplotlib", "textual", "pandas")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with Store(folder).create(RUN) as log:
        log.append("main", list(run_events()))
    return folder


def command(name: str, *args: str, store: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a process of its own."""
    places = {"asd": "asd.views.commands", "asd-runner": "asd.views.runner_commands"}
    code = f"import sys; sys.argv[0] = {name!r}; from {places[name]} import main; main()"
    given = {**os.environ, "ASD_STORE": str(store or "/nonexistent/store"), **env}
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, env=given, timeout=300)


@pytest.mark.parametrize(
    "args",
    [
        ("asd", "--help"),
        ("asd", "runs"),
        ("asd", "project", "--help"),
        ("asd-runner", "--help"),
        ("asd-runner", "list"),
    ],
)
def test_looking_around_loads_nothing_heavy(store: Path, args: tuple[str, ...]) -> None:
    place = {"asd": "asd.views.commands", "asd-runner": "asd.views.runner_commands"}[args[0]]
    code = (
        f"import sys, json\nsys.argv = {list(args)!r}\nfrom {place} import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)"
    )
    env = {**os.environ, "ASD_STORE": str(store)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=300)
    assert json.loads(done.stderr.splitlines()[-1]) == []


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_asking_for_the_runs_loads_neither_duckdb_nor_arrow(store: Path, options: list[str]) -> None:
    code = (
        f"import sys\nsys.argv = ['asd', 'runs', *{options!r}]\nfrom asd.views.commands import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('duckdb', 'pyarrow', 'numpy') if name in sys.modules], file=sys.stderr)"
    )
    env = {**os.environ, "ASD_STORE": str(store)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=300)
    assert done.stderr.splitlines()[-1] == "[]"


def test_runs_as_json_names_the_store_and_its_runs(store: Path) -> None:
    done = command("asd", "runs", "--json", store=store)
    shown = json.loads(done.stdout)
    assert shown["store"] == str(store)
    assert [(row["run"], row["state"]) for row in shown["runs"]] == [(RUN, "finished")]
    assert (done.returncode, done.stderr) == (0, "")


def test_runs_of_a_store_that_is_not_there_is_an_empty_list(tmp_path: Path) -> None:
    done = command("asd", "runs", "--json", store=tmp_path / "none")
    assert json.loads(done.stdout)["runs"] == []


def test_a_run_that_is_being_written_is_running_and_one_whose_writer_died_is_interrupted(tmp_path: Path) -> None:
    from asd.views.runs import summary

    events: list[Event] = [event for event in run_events() if not isinstance(event, RunFinished)]
    log = Store(tmp_path).create("going")
    log.append("main", events)
    log.flush()
    assert summary(log.path)["state"] == "running"
    log.close()
    assert summary(log.path)["state"] == "interrupted"


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
def test_a_projection_comes_in_four_formats(store: Path, form: str) -> None:
    done = command("asd", "project", "stages", "--format", form, store=store)
    assert done.returncode == 0
    assert "large" in done.stdout
    assert done.stderr == ""


def test_projections_are_listed_without_a_run(tmp_path: Path) -> None:
    done = command("asd", "project", "--json", store=tmp_path)
    assert {"results", "report"} <= {row["projection"] for row in json.loads(done.stdout)}


def test_output_goes_to_the_file_that_was_named(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    done = command("asd", "project", "results", "--json", "-o", str(file), store=store)
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(file.read_text())[0]["task"] == "sums"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("project", "nothing"), 2, "no projection 'nothing'; there are:"),
        (("project", "stages", "--run", "no-such-run"), 2, "`asd runs` lists what is there"),
        (("project", "stages", "--format", "html"), 2, "stages is a table and comes as table, json, csv or md"),
        (("sql", "COPY (SELECT 1) TO 'x'"), 2, "one SELECT at a time"),
        (("sql", "SELECT * FROM nowhere"), 2, "nowhere"),
        (("project", "stages", "-o", "/nonexistent/x.json"), 1, "choose another file with -o"),
    ],
)
def test_an_error_is_one_line_on_standard_error_with_its_exit_code(
    store: Path, args: tuple[str, ...], code: int, said: str
) -> None:
    done = command("asd", *args, store=store)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.startswith("asd: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("start", "no-such-config"), 2),
        (("resume", "no-such-run"), 2),
        (("start", "gsm8k-recorded", "-o", "nonsense=1"), 2),
    ],
)
def test_a_run_that_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, args: tuple[str, ...], code: int
) -> None:
    done = command("asd-runner", *args, store=tmp_path / "store")
    assert done.returncode == code
    assert done.stderr.startswith("asd: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "store").exists()


def test_an_unknown_option_is_a_usage_error(store: Path) -> None:
    assert command("asd", "runs", "--nonsense", store=store).returncode == 2


def test_a_store_without_runs_says_what_to_do(tmp_path: Path) -> None:
    done = command("asd", "project", "results", store=tmp_path)
    assert done.returncode == 2
    assert "asd-runner" in done.stderr


def test_sql_reads_the_tables_of_all_runs(store: Path) -> None:
    done = command("asd", "sql", "SELECT count(*) AS answers FROM sample_generated", "--json", store=store)
    assert json.loads(done.stdout) == [{"answers": 72}]


def test_verify_names_what_is_wrong_and_exits_with_3(store: Path, tmp_path: Path) -> None:
    assert command("asd", "verify", store=store).returncode == 0
    shutil.copytree(store, tmp_path / "copy")
    file = next((tmp_path / "copy").glob("*/main/*-*.parquet"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    done = command("asd", "verify", "--json", store=tmp_path / "copy")
    assert done.returncode == 3
    assert json.loads(done.stdout)["streams"][0]["problems"]


def test_the_tail_is_one_safe_line_an_event(store: Path) -> None:
    done = command("asd", "log", "tail", "-n", "1000", "--kind", "sample.generated", store=store)
    assert len(done.stdout.splitlines()) == 72
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_the_tail_as_json_is_one_object_a_line(store: Path) -> None:
    done = command("asd", "log", "tail", "-n", "2", "--json", store=store)
    assert [json.loads(line)["kind"] for line in done.stdout.splitlines()] == ["phase.finished", "run.finished"]


def test_the_tail_is_the_end_of_all_streams_by_time(tmp_path: Path) -> None:
    events = list(run_events())
    with Store(tmp_path).create("run-1") as log:
        log.append("main", events[:100])
        log.append("other", events[100:103])
        log.append("main", events[103:110])
    done = command("asd", "log", "tail", "-n", "9", "--json", store=tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["stream"], line["seq"]) for line in lines] == [
        *(("other", seq) for seq in (1, 2)),
        *(("main", seq) for seq in range(100, 107)),
    ]


def test_a_report_is_written_also_where_the_log_cannot_say_so(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "store")
    with Store(tmp_path / "store").run(RUN) as log:
        log.append("reports", [next(run_events())])
        done = command("asd", "project", "report", "-o", str(tmp_path / "report.md"), store=tmp_path / "store")
    assert done.returncode == 0
    assert "is writing this stream" in done.stderr
    assert (tmp_path / "report.md").read_text().startswith("# Record of the run")


def following(store: Path, *args: str) -> subprocess.Popen[str]:
    code = "import sys; from asd.views.commands import main; main()"
    given = [sys.executable, "-u", "-c", code, "log", "tail", "-f", "-n", "1", *args]
    return subprocess.Popen(given, stdout=subprocess.PIPE, text=True, env={**os.environ, "ASD_STORE": str(store)})


def test_the_tail_follows_what_another_process_writes(tmp_path: Path) -> None:
    events = list(run_events())
    with Store(tmp_path).create("run-1") as log:
        log.append("main", events[:2])
        log.flush()
        with following(tmp_path, "--json") as tail:
            assert tail.stdout is not None
            lines = [json.loads(tail.stdout.readline())]
            log.append("main", events[2:5])
            log.flush()
            lines += [json.loads(tail.stdout.readline()) for _ in range(3)]
            tail.terminate()
    assert [line["seq"] for line in lines] == [1, 2, 3, 4]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_with_its_own_code(tmp_path: Path, number: int, code: int) -> None:
    with Store(tmp_path).create("run-1") as log:
        log.append("main", list(run_events()))
        log.flush()
        with following(tmp_path) as tail:
            assert tail.stdout is not None
            tail.stdout.readline()
            tail.send_signal(number)
            assert tail.wait(timeout=60) == code


def test_a_reader_that_goes_away_ends_the_command_quietly(store: Path) -> None:
    code = "from asd.views.commands import main; main()"
    args = [sys.executable, "-c", code, "log", "tail", "-n", "100000", "--json"]
    env = {**os.environ, "ASD_STORE": str(store)}
    done = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert done.stdout is not None
    assert done.stderr is not None
    done.stdout.readline()
    done.stdout.close()
    assert done.stderr.read() == b""
    done.wait(timeout=60)


def test_no_colour_is_written_where_there_is_no_terminal(store: Path) -> None:
    assert "\x1b" not in command("asd", "project", "stages", store=store).stdout
    assert "\x1b" not in command("asd", "runs", store=store, NO_COLOR="1", FORCE_COLOR="1").stdout


def test_progress_in_plain_lines_tells_each_phase_and_each_tenth() -> None:
    from asd.views.progress import Plain

    out, ticks = io.StringIO(), iter(range(10_000))
    watch = Plain(out, clock=lambda: float(next(ticks)))
    for record in log_of(run_events()).read():
        watch(record.event)
    lines = out.getvalue().splitlines()
    assert lines[0] == "preparation"
    assert any(line.startswith("generated 72 of 72 (100%)") for line in lines)
    assert sum(line.startswith("generated") for line in lines) <= 10


def test_progress_says_which_stage_is_loaded_and_which_model_answers() -> None:
    from asd.views.progress import Plain

    out = io.StringIO()
    watch = Plain(out)
    for phase in (PhaseStarted(phase="stage loading", stage=1, model="two"), PhaseStarted(phase="costs")):
        watch(phase)
    assert out.getvalue().splitlines() == ["stage loading: stage 1, two", "costs"]


def test_why_tells_the_query_and_lists_the_events(store: Path) -> None:
    done = command("asd", "why", "results.speedup", "--where", "task=sums", "--events", "--json", store=store)
    told = json.loads(done.stdout)
    assert told["rows"][0]["speedup"] == pytest.approx(24 / 28, abs=1e-3)
    answers = next(one for one in told["rests_on"] if one["table"] == "sample_answered")
    assert answers["events"] == len(answers["list"]) == 12
    assert set(told["sql"]) == {"results", "cells", "answers"}
    assert "rests on" in command("asd", "why", "stages", store=store).stdout


def test_why_proves_that_the_events_are_in_the_log(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    done = command("asd", "why", "results.speedup", "--where", "task=sums", "--proof", str(file), store=store)
    told = json.loads(file.read_text())
    for stream in told["streams"]:
        assert f"by {sum(len(line['path']) for line in stream['lines'])} hashes" in done.stdout
        assert stream["note"].splitlines()[2] in done.stdout
    assert len(told["events"]) == len({*told["events"]}) >= 4
    checked = command("asd", "verify", "--proof", str(file), store=tmp_path / "no store")
    assert f"{len(told['events'])} events are in the log" in checked.stdout
    told["streams"][0]["lines"][0]["line"] = told["streams"][0]["lines"][0]["line"].replace("fixture", "another")
    file.write_text(json.dumps(told))
    assert command("asd", "verify", "--proof", str(file), store=store).returncode == 3


def test_two_runs_are_compared(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "two")
    with Store(tmp_path / "two").create("other") as log:
        log.append("main", [_turned(event) for event in run_events()])
    told = json.loads(command("asd", "diff", RUN, "other", "--json", store=tmp_path / "two").stdout)
    assert told["facts"]["datasets"] == []
    flips = {one["condition"]: one for one in told["flips"]}
    assert flips["stage 0 alone"]["lost"] == ["sums/test/1"]
    assert flips["stage 0 alone"]["method"] == "exact McNemar"
    assert {one["projection"] for one in told["moved"]} >= {"stages", "stage_tasks"}
    text = command("asd", "diff", RUN, "other", store=tmp_path / "two").stdout
    assert "1 lost" in text


def _turned(event: Event) -> Event:
    is_it = event.kind == "sample.graded" and event.subject == "sums/test/1@0"
    return event.model_copy(update={"correct": False}) if is_it else event


def test_a_run_compared_with_itself_differs_in_nothing(store: Path) -> None:
    told = json.loads(command("asd", "diff", RUN, RUN, "--json", store=store).stdout)
    assert not any(told["facts"].values())
    assert told["moved"] == []
    assert all(one["p_value"] == 1 for one in told["flips"])


def test_figures_are_written_to_a_folder(store: Path, tmp_path: Path) -> None:
    done = command("asd", "figures", "-o", str(tmp_path / "figures"), store=store)
    assert done.returncode == 0
    assert {file.name for file in (tmp_path / "figures").iterdir()} >= {"frontier.svg", "funnel.svg", "phases.svg"}


def test_results_of_another_tool_are_imported_as_a_run(tmp_path: Path) -> None:
    file = tmp_path / "org__model" / "samples_quiz.jsonl"
    file.parent.mkdir()
    sample = {"doc_id": 0, "target": "1", "arguments": [["Q"]], "resps": [["1"]], "acc": 1.0, "metrics": ["acc"]}
    file.write_text(json.dumps(sample))
    assert command("asd", "import", str(file), "--name", "quiz", store=tmp_path / "store").returncode == 0
    rows = json.loads(command("asd", "project", "stages", "--json", store=tmp_path / "store").stdout)
    assert [(row["model"], row["accuracy"], row["nature"]) for row in rows] == [("org/model", 1.0, "recorded")]


def test_a_file_that_cannot_be_imported_leaves_no_run(tmp_path: Path) -> None:
    done = command("asd", "import", str(tmp_path / "samples_none.jsonl"), store=tmp_path / "store")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("form", ["jsonl", "ro-crate", "every-eval-ever", "otel"])
def test_a_run_is_exported(store: Path, tmp_path: Path, form: str) -> None:
    file = tmp_path / "out"
    assert command("asd", "log", "export", "--format", form, "-o", str(file), store=store).returncode == 0
    assert file.stat().st_size > 100


def test_a_report_that_was_handed_out_verifies_until_it_is_edited(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "store")
    file = tmp_path / "report.md"
    assert command("asd", "project", "report", "-o", str(file), store=tmp_path / "store").returncode == 0
    assert command("asd", "verify", "--report", str(file), store=tmp_path / "store").returncode == 0
    file.write_text(file.read_text().replace("0.750", "0.950"))
    done = command("asd", "verify", "--report", str(file), store=tmp_path / "store")
    assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.parametrize(("closed", "shown"), [("<&-", True), ("2>&-", True), (">&-", False)])
def test_a_stream_that_was_closed_beforehand_is_no_harm(store: Path, closed: str, shown: bool) -> None:
    for words in (("runs",), ("sql", "SELECT run FROM run_started")):
        code = "from asd.views.commands import main; main()"
        line = f'"$0" "$@" {closed}'
        env = {**os.environ, "ASD_STORE": str(store)}
        done = subprocess.run(
            ["sh", "-c", line, sys.executable, "-c", code, *words], capture_output=True, text=True, env=env, timeout=300
        )
        assert (done.returncode, RUN in done.stdout, done.stderr) == (0, shown, "")
