"""A run for other tools: a Workflow Run RO-Crate, Every Eval Ever records, OpenTelemetry spans.

Everything comes from events; the same events give the same bytes.
"""

import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from math import sqrt

import orjson

from asd.core.statistics.intervals import wilson
from asd.views.document import Row
from asd.views.session import Session

CRATE = "https://w3id.org/ro/crate/1.1"
PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
"""What the profiles add to the crate's own terms, `sha256` among them."""
EVERY_EVAL_EVER = "0.2.1"
_DUMPED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def ro_crate(session: Session, lines: Iterable[bytes], report: bytes) -> bytes:
    """A zip with `ro-crate-metadata.json`, the events as `lines`, the report and the configuration."""
    started = session.catalogue.sql("SELECT config::VARCHAR AS config FROM run_started").to_pylist()
    config = str(started[0]["config"]) if started else "{}"
    files = {
        "ro-crate-metadata.json": orjson.dumps(_graph(session, sha256(config.encode()).hexdigest()), option=_DUMPED),
        "config.json": config.encode(),
        "events.jsonl": b"".join(lines),
        "report.md": report,
    }
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _graph(session: Session, config: str) -> dict[str, object]:
    run = next(iter(session.rows("run")), {})
    data = [_dataset(row) for row in session.rows("datasets")]
    models = [_model(row) for row in session.rows("models")]
    profiles = [{"@id": one} for one in PROFILES]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Record of the run {session.run}",
        "description": "A run's events, the report made from them, and its configuration.",
        "datePublished": _moment(run.get("finished") or run.get("started")),
        "license": "not recorded",
        "conformsTo": profiles,
        "hasPart": [{"@id": name} for name in ("config.json", "events.jsonl", "report.md")],
        "mainEntity": {"@id": "config.json"},
        "mentions": {"@id": "#run"},
    }
    descriptor = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [{"@id": CRATE}, {"@id": PROFILES[-1]}],
    }
    known = [{"@id": one, "@type": "CreativeWork", "name": one.rpartition("/ro/")[2] or one} for one in PROFILES]
    action = _action(session, run, [*data, *models])
    entities: list[Mapping[str, object]] = [descriptor, root, *known, *_files(run, config), action, *data, *models]
    told = [{name: value for name, value in entity.items() if value is not None} for entity in entities]
    return {"@context": [f"{CRATE}/context", RUN_TERMS], "@graph": told}


def _moment(time: object) -> str | None:
    """A time as the profile writes it: milliseconds, and the offset in digits."""
    if not isinstance(time, str):
        return None
    return datetime.fromisoformat(time).isoformat(timespec="milliseconds")


def _files(run: Row, config: str) -> list[dict[str, object]]:
    software: dict[str, object] = {
        "@id": "#asd",
        "@type": "SoftwareApplication",
        "name": "asd",
        "softwareVersion": run.get("asd_version"),
    }
    language: dict[str, object] = {"@id": "#yaml", "@type": "ComputerLanguage", "name": "asd runner configuration"}
    return [
        {
            "@id": "config.json",
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": f"configuration of the runner {run.get('runner')}",
            "encodingFormat": "application/json",
            "sha256": config,
            "version": config,
            "programmingLanguage": {"@id": "#yaml"},
            "softwareRequirements": {"@id": "#asd"},
        },
        {"@id": "events.jsonl", "@type": "File", "name": "the run's events", "encodingFormat": "application/jsonl"},
        {"@id": "report.md", "@type": "File", "name": "the report", "encodingFormat": "text/markdown"},
        software,
        language,
    ]


def _action(session: Session, run: Row, used: list[dict[str, object]]) -> dict[str, object]:
    finished = run.get("state") == "finished"
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": session.run,
        "description": run.get("command"),
        "instrument": {"@id": "config.json"},
        "startTime": _moment(run.get("started")),
        "endTime": _moment(run.get("finished")),
        "actionStatus": f"http://schema.org/{'Completed' if finished else 'Failed'}ActionStatus",
        "object": [{"@id": one["@id"]} for one in used],
        "result": [{"@id": "events.jsonl"}, {"@id": "report.md"}],
    }


def _dataset(row: Row) -> dict[str, object]:
    return {
        "@id": "#dataset-" + sha256(f"{row['task']}/{row['role']}".encode()).hexdigest()[:12],
        "@type": "Dataset",
        "name": f"{row['task']} ({row['role']})",
        "identifier": row["fingerprint"],
        "license": row["licence"],
        "url": f"https://huggingface.co/datasets/{row['hub_path']}" if row["hub_path"] else None,
    }


def _model(row: Row) -> dict[str, object]:
    return {
        "@id": f"#stage-{row['stage']}",
        "@type": "CreativeWork",
        "additionalType": "https://schema.org/SoftwareApplication",
        "name": row["model"],
        "identifier": row["weights_sha256"],
    }


def _epoch(time: object) -> str:
    return f"{datetime.fromisoformat(time).timestamp():.6f}" if isinstance(time, str) else "unknown"


def every_eval_ever(session: Session) -> bytes:
    """Records of the schema of evalevalai.com, one JSON line a model, a result a task."""
    lines = [orjson.dumps(_record(session, row), option=orjson.OPT_APPEND_NEWLINE) for row in session.rows("models")]
    return b"".join(lines)


def _record(session: Session, model: Row) -> dict[str, object]:
    run = next(iter(session.rows("run")), {})
    made = str(run.get("finished") or run.get("started"))
    results = [row for row in session.rows("stage_tasks") if row["stage"] == model["stage"]]
    return {
        "schema_version": EVERY_EVAL_EVER,
        "evaluation_id": f"{session.run}/{model['model']}/{made}",
        "evaluation_timestamp": str(run.get("started")),
        "retrieved_timestamp": _epoch(run.get("finished") or run.get("started")),
        "source_metadata": {
            "source_name": session.run,
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
            "additional_details": {"nature": str(model["nature"]), "config_sha256": str(run.get("config_sha256"))},
        },
        "eval_library": {"name": "asd", "version": str(run.get("asd_version"))},
        "model_info": {
            "name": str(model["model"]),
            "id": str(model["model"]),
            "inference_engine": {"name": str(model["engine"] or "unknown")},
            "additional_details": {"weights_sha256": str(model["weights_sha256"])},
        },
        "evaluation_results": [_result(session, row) for row in results],
    }


def _result(session: Session, row: Row) -> dict[str, object]:
    accuracy, samples = float(str(row["accuracy"])), int(str(row["samples"]))
    error = sqrt(accuracy * (1 - accuracy) / samples) if samples else 0.0
    return {
        "evaluation_name": f"{row['task']} accuracy",
        "source_data": _source_data(session, str(row["task"])),
        "metric_config": {"lower_is_better": False, "score_type": "continuous", "min_score": 0, "max_score": 1},
        "score_details": {
            "score": accuracy,
            "details": {"correct": f"{row['correct_samples']:g}", "samples": str(samples)},
            "uncertainty": {
                "standard_error": {"value": error, "method": "analytic"},
                "confidence_interval": _interval(row),
                "num_samples": samples,
            },
        },
    }


def _interval(row: Row) -> dict[str, object]:
    found = wilson(round(float(str(row["correct_samples"]))), int(str(row["samples"])))
    return {"lower": found.low, "upper": found.high, "confidence_level": found.level, "method": found.method}


def _source_data(session: Session, task: str) -> dict[str, object]:
    loaded = next((row for row in session.rows("datasets") if row["task"] == task), None)
    if loaded is None or not loaded["hub_path"]:
        return {"dataset_name": task, "source_type": "other"}
    return {
        "dataset_name": task,
        "source_type": "hf_dataset",
        "hf_repo": loaded["hub_path"],
        "hf_split": loaded["split"],
        "samples_number": loaded["samples_used"],
    }


_SPANS = """
SELECT id, epoch_us(time)::BIGINT AS ended_us, task, sample, stage, model, input_tokens, output_tokens, finish_reason,
    latency_s, first_token_s
FROM sample_generated ORDER BY stream, seq
"""


def otel(session: Session) -> bytes:
    """Every generation as a span in OTLP's JSON, named by the conventions for generative AI."""
    trace = sha256(session.run.encode()).hexdigest()[:32]
    spans = [_span(row, trace) for row in session.catalogue.sql(_SPANS).to_pylist()]
    resource = {"attributes": [_attribute("service.name", "asd"), _attribute("service.instance.id", session.run)]}
    told = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "asd"}, "spans": spans}]}]}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _span(row: Row, trace: str) -> dict[str, object]:
    ended = int(str(row["ended_us"])) * 1000
    latency = row["latency_s"] if isinstance(row["latency_s"], float) else 0.0
    attributes = {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.request.model": row["model"],
        "gen_ai.usage.input_tokens": row["input_tokens"],
        "gen_ai.usage.output_tokens": row["output_tokens"],
        "gen_ai.response.finish_reasons": [row["finish_reason"]],
        "gen_ai.response.time_to_first_chunk": row["first_token_s"],
        "asd.sample": row["sample"],
        "asd.task": row["task"],
        "asd.stage": row["stage"],
    }
    return {
        "traceId": trace,
        "spanId": sha256(str(row["id"]).encode()).hexdigest()[:16],
        "name": f"text_completion {row['model']}",
        "kind": 3,
        "startTimeUnixNano": str(ended - round(latency * 1e9)),
        "endTimeUnixNano": str(ended),
        "attributes": [_attribute(name, value) for name, value in attributes.items() if value is not None],
    }


def _attribute(key: str, value: object) -> dict[str, object]:
    return {"key": key, "value": _value(value)}


def _value(value: object) -> dict[str, object]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}
