"""Other tools' results come in as events, and a run goes out in other tools' formats."""

import io
import json
import re
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pytest
from fixtures_run import SAMPLES, STAGES, TASKS, log_of, run_events

from asd.core.errors import ConfigError, MissingDataError
from asd.core.facts.analysis import StatisticsComputed
from asd.core.facts.sample import SampleGraded
from asd.core.statistics.intervals import matched_odds_ratio_interval
from asd.core.statistics.paired import PairedTable
from asd.runners.base import flat, record
from asd.runners.imports.runner import Import, read
from asd.store.memory import MemoryLog
from asd.views import exports
from asd.views.markdown import to_markdown
from asd.views.report import build
from asd.views.session import Session


def lm_eval_line(doc: int, right: bool, rule: str = "strict-match", **more: object) -> str:
    sample = {
        "doc_id": doc,
        "doc": {"question": f"q{doc}"},
        "target": f"#### {doc}",
        "arguments": {"gen_args_0": {"arg_0": f"Q: q{doc}\nA:", "arg_1": {"until": ["\n"]}}},
        "resps": [[f"so {doc}"]],
        "filtered_resps": [str(doc)],
        "filter": rule,
        "metrics": ["exact_match"],
        "exact_match": float(right),
    }
    return json.dumps(sample | more)


def lm_eval_file(folder: Path, model: str, right: list[bool]) -> Path:
    path = folder / model.replace("/", "__") / "samples_gsm8k_2026-01-01T00-00-00.000000.jsonl"
    path.parent.mkdir()
    lines = [lm_eval_line(doc, good) for doc, good in enumerate(right)]
    flexible = [lm_eval_line(doc, True, "flexible-extract") for doc in range(len(right))]
    path.write_text("\n".join([*lines, *flexible]) + "\n")
    return path


def inspect_file(folder: Path, values: list[object], suffix: str = ".eval") -> Path:
    head = {"eval": {"model": "openai/gpt-x", "task": "suite/gsm8k", "dataset": {"location": "openai/gsm8k"}}}
    samples = [
        {
            "id": doc,
            "epoch": 1,
            "input": [{"role": "user", "content": [{"type": "text", "text": f"q{doc}"}]}],
            "target": str(doc),
            "scores": {"match": {"value": value, "answer": str(doc)}},
            "output": {
                "choices": [{"message": {"content": f"it is {doc}"}, "stop_reason": "stop"}],
                "usage": {"input_tokens": 7, "output_tokens": 3},
                "time": 1.5,
            },
        }
        for doc, value in enumerate(values)
    ]
    path = folder / f"log{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps(head | {"samples": samples}))
        return path
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("header.json", json.dumps(head))
        for sample in samples:
            file.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
    return path


def packed(path: Path, damage: bool = False) -> Path:
    """The same log with its members packed by Zstandard, as inspect_ai 0.3.285 writes it."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, plain in members.items():
            out = pa.BufferOutputStream()
            with pa.CompressedOutputStream(out, "zstd") as stream:
                stream.write(plain)
            file.writestr(name, out.getvalue().to_pybytes())
            entry = file.getinfo(name)
            entry.compress_type, entry.file_size, entry.CRC = 93, len(plain), zlib.crc32(plain) ^ damage
    return path


def imported(*paths: Path) -> MemoryLog:
    log = MemoryLog("imported")
    record(Import(sources=paths), log, command=())
    return log


def test_lm_eval_samples_become_stages_in_the_order_of_the_files(tmp_path: Path) -> None:
    small = lm_eval_file(tmp_path, "org/small", [True, False, False, False])
    large = lm_eval_file(tmp_path, "org/large", [True, True, True, False])
    rows = Session(imported(small, large)).rows("stages")
    assert [(row["model"], row["correct_samples"], row["samples"]) for row in rows] == [
        ("org/small", 1, 4),
        ("org/large", 3, 4),
    ]


def test_an_imported_run_is_marked_as_recorded_and_its_grades_as_imported(tmp_path: Path) -> None:
    log = imported(lm_eval_file(tmp_path, "org/small", [True]))
    session = Session(log)
    assert session.rows("run")[0]["nature"] == "recorded"
    assert {one.event.grader for one in log.read(only=(SampleGraded,))} == {  # type: ignore[attr-defined]
        "lm-eval/exact_match/strict-match (imported)"
    }


def test_imported_models_are_compared_by_a_paired_test(tmp_path: Path) -> None:
    small = lm_eval_file(tmp_path, "org/small", [False] * 8 + [True] * 4)
    large = lm_eval_file(tmp_path, "org/large", [True] * 12)
    [found] = [one.event for one in imported(small, large).read(only=(StatisticsComputed,))]
    assert isinstance(found, StatisticsComputed)
    assert (found.method, found.samples, found.exploratory) == ("exact McNemar", 12, True)
    assert found.p_value == pytest.approx(2 / 2**8)
    assert found.estimate == pytest.approx(-8 / 12)


def test_imported_models_are_told_apart_by_odds_ratio_and_power(tmp_path: Path) -> None:
    small = lm_eval_file(tmp_path, "org/small", [False, False, False, True, True])
    large = lm_eval_file(tmp_path, "org/large", [True, True, True, True, False])
    [row] = Session(imported(small, large)).rows("effects")
    exact = matched_odds_ratio_interval(PairedTable(both=1, only_ours=1, only_baseline=3, neither=0))
    assert (row["only_ours"], row["only_baseline"]) == (1, 3)
    assert (row["odds_ratio_low"], row["odds_ratio_high"]) == pytest.approx((exact.low, exact.high))
    assert 0 < row["attainable_margin_retention"] < 1


def test_an_imported_run_has_a_report_without_a_figure_that_it_cannot_have(tmp_path: Path) -> None:
    text = to_markdown(build(Session(imported(lm_eval_file(tmp_path, "org/small", [True, False])))))
    assert "1/2" in text
    assert "exploratory" in text
    assert "| 0 | org/small | not recorded |" in text


def test_choices_by_log_likelihood_give_the_likeliest_choice(tmp_path: Path) -> None:
    path = tmp_path / "samples_mmlu.jsonl"
    scored = {
        "resps": [[["-3.0", "False"]], [["-1.0", "True"]]],
        "filtered_resps": [["-3.0", "False"], ["-1.0", "True"]],
    }
    path.write_text(lm_eval_line(0, True, acc=1.0, metrics=["acc"], arguments=[["Q", " A"], ["Q", " B"]], **scored))
    [answer] = read(path).answers
    assert (answer.text, answer.extracted, answer.prompt, answer.correct) == ("1", "1", "Q", True)


def mc2_lines(*shares: float) -> list[str]:
    scored = {"resps": [[["-3.0", "False"]], [["-1.0", "True"]]], "metrics": ["acc"], "target": 0}
    return [lm_eval_line(doc, True, "none", acc=share, filtered_resps=[], **scored) for doc, share in enumerate(shares)]


def test_a_file_of_shares_gives_every_sample_its_score_and_grades_it_by_the_half(tmp_path: Path) -> None:
    path = tmp_path / "org__small" / "samples_truthfulqa_mc2_2026-01-01T00-00-00.000000.jsonl"
    path.parent.mkdir()
    path.write_text("\n".join(mc2_lines(0.75, 0.25, 1.0, 0.5)))
    [row] = Session(imported(path)).rows("scores")
    assert (row["task"], row["samples"], row["mean_score"], row["accuracy"]) == ("truthfulqa_mc2", 4, 0.625, 0.5)


def test_answers_that_are_right_or_wrong_have_no_score(tmp_path: Path) -> None:
    path = tmp_path / "samples_truthfulqa_mc1.jsonl"
    path.write_text("\n".join(mc2_lines(1, 0)))
    assert [(one.correct, one.score) for one in read(path).answers] == [(True, None), (False, None)]


@pytest.mark.parametrize("other", [mc2_lines(0.5, 1.5)[1], lm_eval_line(1, True, "none", acc=0.5)])
def test_what_is_no_share_in_a_file_of_shares_is_refused(tmp_path: Path, other: str) -> None:
    path = tmp_path / "samples_truthfulqa_mc2.jsonl"
    path.write_text("\n".join([*mc2_lines(0.75), other]))
    with pytest.raises(ConfigError, match="sample 1: acc is"):
        read(path)


@pytest.mark.parametrize("suffix", [".eval", ".json"])
def test_inspect_logs_bring_answers_tokens_and_times(tmp_path: Path, suffix: str) -> None:
    source = read(inspect_file(tmp_path, ["C", "I", 1, False], suffix))
    assert (source.model, source.task, source.hub_path) == ("openai/gpt-x", "gsm8k", "openai/gsm8k")
    assert [one.correct for one in source.answers] == [True, False, True, False]
    first = source.answers[0]
    assert (first.prompt, first.text, first.input_tokens, first.output_tokens) == ("q0", "it is 0", 7, 3)
    assert first.latency_s == 1.5


def test_inspect_logs_packed_by_zstandard_are_read(tmp_path: Path) -> None:
    source = read(packed(inspect_file(tmp_path, ["C", "I", 1, False])))
    assert [one.correct for one in source.answers] == [True, False, True, False]


def test_a_packed_log_that_was_damaged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not have its checksum"):
        read(packed(inspect_file(tmp_path, ["C"]), damage=True))


def test_importing_again_what_is_there_adds_nothing(tmp_path: Path) -> None:
    runner = Import(sources=(lm_eval_file(tmp_path, "org/small", [True, False]),))
    first = list(flat(runner.run(())))
    assert list(runner.run(first)) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("samples_x.jsonl", "{}", "no sample of lm-eval"),
        ("samples_x.jsonl", "nonsense", "line 1 is no JSON"),
        ("samples_x.jsonl", "", "no samples in it"),
        ("samples_x.jsonl", lm_eval_line(0, True, exact_match=0.5), "neither right"),
        ("samples_x.jsonl", lm_eval_line(0, True, exact_match="yes", metrics=["bleu"]), "no metric"),
        ("log.eval", "nonsense", "cannot be unpacked"),
        ("log.json", "{}", "no log of inspect"),
        ("answers.csv", "a,b", "neither samples_"),
    ],
)
def test_a_file_that_is_no_log_is_refused_in_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_a_score_that_is_neither_right_nor_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither right"):
        read(inspect_file(tmp_path, ["P"]))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"samples_x\.jsonl"):
        read(tmp_path / "samples_x.jsonl")


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(log_of(run_events()))


def test_a_crate_describes_the_run_and_holds_its_files(session: Session) -> None:
    data = exports.ro_crate(session, [b"{}\n"], b"# report\n")
    assert exports.ro_crate(session, [b"{}\n"], b"# report\n") == data
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        graph = {one["@id"]: one for one in json.loads(file.read("ro-crate-metadata.json"))["@graph"]}
        assert set(file.namelist()) == {"ro-crate-metadata.json", "config.json", "events.jsonl", "report.md"}
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert graph["./"]["mainEntity"] == {"@id": "config.json"}
    action = graph["#run"]
    assert action["@type"] == "CreateAction"
    assert action["actionStatus"].endswith("CompletedActionStatus")
    for reference in (
        *action["object"],
        *action["result"],
        action["instrument"],
        graph["config.json"]["softwareRequirements"],
        graph["config.json"]["programmingLanguage"],
        *graph["./"]["hasPart"],
    ):
        assert reference["@id"] in graph


def test_a_crate_has_what_the_profile_of_workflow_runs_requires(session: Session) -> None:
    with zipfile.ZipFile(io.BytesIO(exports.ro_crate(session, [], b""))) as file:
        metadata = json.loads(file.read("ro-crate-metadata.json"))
    graph = {one["@id"]: one for one in metadata["@graph"]}
    # The terms of RO-Crate 1.1 alone do not know `sha256`.
    assert metadata["@context"] == [f"{exports.CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
    workflow, action = graph[graph["./"]["mainEntity"]["@id"]], graph[graph["./"]["mentions"]["@id"]]
    assert action["instrument"] == graph["./"]["mainEntity"]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} == set(workflow["@type"])
    profiles = {one["@id"] for one in graph["./"]["conformsTo"]}
    assert {one for one in graph if "/ro/wfrun/" in one or "workflow-ro-crate" in one} == profiles
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+\d\d:\d\d"
    assert all(re.fullmatch(moment, action[name]) for name in ("startTime", "endTime"))
    assert all(value is not None for entity in graph.values() for value in entity.values())


def test_every_eval_ever_has_a_record_a_model_with_what_its_schema_requires(session: Session) -> None:
    records = [json.loads(line) for line in exports.every_eval_ever(session).splitlines()]
    assert [one["model_info"]["name"] for one in records] == list(STAGES)
    required = {"schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata", "model_info"}
    for one in records:
        assert float(one["retrieved_timestamp"]) > 1.7e9
        assert required | {"eval_library", "evaluation_results"} <= one.keys()
        assert len(one["evaluation_results"]) == len(TASKS)
        for result in one["evaluation_results"]:
            assert {"evaluation_name", "source_data", "metric_config", "score_details"} == result.keys()


def test_generations_are_spans_with_the_conventions_names(session: Session) -> None:
    told = json.loads(exports.otel(session))
    spans = told["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert len(spans) == SAMPLES * len(TASKS) * len(STAGES)
    names = {one["key"] for one in spans[0]["attributes"]}
    assert {"gen_ai.operation.name", "gen_ai.request.model", "gen_ai.usage.output_tokens"} <= names
    assert int(spans[0]["endTimeUnixNano"]) - int(spans[0]["startTimeUnixNano"]) == 10**9
    assert len({one["spanId"] for one in spans}) == len(spans)
