"""lm-evaluation-harness: `samples_TASK_TIME.jsonl`, as `--log_samples` writes it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from asd.core.errors import ConfigError
from asd.runners.imports.answers import Answer, Source, digest, read_bytes

NAME = re.compile(r"samples_(?P<task>.+?)(?:_\d{4}-\d{2}-\d{2}T[\d.\-:]+)?\.jsonl")
METRICS = ("exact_match", "acc", "pass@1", "pass_at_1", "acc_norm", "em")
"""Metrics that say right or wrong, the first that a record has is taken."""


def is_lm_eval(path: Path) -> bool:
    """Whether the file's name is one that the harness gives."""
    return NAME.fullmatch(path.name) is not None


def read(path: Path) -> Source:
    """The file's answers under its first filter. The model is named by the folder, as the harness does it.

    A metric between 0 and 1 is a share of the choices' probability (TruthfulQA's MC2) in a file whose answers are
    log-likelihoods of choices. Raises `ConfigError` for lines that are no samples and, in other files, for metrics that
    are neither right nor wrong.
    """
    data = read_bytes(path)
    records = [_record(path, number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    if not records:
        raise ConfigError(f"{path}: no samples in it")
    name = NAME.fullmatch(path.name)
    chosen = records[0].get("filter", "none")
    metric = _metric(path, records[0])
    kept = [record for record in records if record.get("filter", "none") == chosen]
    shares = any(record.get(metric) not in (0, 1) and _scores(record) for record in kept)
    return Source(
        path=path,
        sha256=digest(data),
        model=path.parent.name.replace("__", "/") or "unknown",
        task=name["task"] if name else path.stem,
        split="test",
        grader=f"lm-eval/{metric}/{chosen}",
        answers=[_answer(path, record, metric, shares) for record in kept],
    )


def _record(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{path}: line {number} is no JSON: {error}") from error
    if not isinstance(record, dict) or "doc_id" not in record or "target" not in record:
        raise ConfigError(f"{path}: line {number} is no sample of lm-eval (it has no doc_id or no target)")
    return record


def _metric(path: Path, record: Mapping[str, Any]) -> str:
    named = [*(record.get("metrics") or ()), *METRICS]
    found = next((name for name in named if isinstance(record.get(name), int | float)), None)
    if found is None:
        raise ConfigError(f"{path}: no metric that says right or wrong; there must be one of {', '.join(METRICS)}")
    return str(found)


def _answer(path: Path, record: Mapping[str, Any], metric: str, shares: bool) -> Answer:
    value = _share(path, record, metric) if shares else _right(path, record, metric)
    text, extracted = _response(record)
    return Answer(
        name=str(record["doc_id"]),
        prompt=_prompt(record.get("arguments")),
        reference=_text(record["target"]),
        text=text,
        correct=value > 0.5,
        extracted=extracted,
        score=value if shares else None,
    )


def _right(path: Path, record: Mapping[str, Any], metric: str) -> float:
    value = record.get(metric)
    if value not in (0, 1):
        raise ConfigError(f"{path}: sample {record['doc_id']}: {metric} is {value!r}, neither right (1) nor wrong (0)")
    return float(value)


def _share(path: Path, record: Mapping[str, Any], metric: str) -> float:
    value = record.get(metric)
    if not (isinstance(value, int | float) and 0 <= value <= 1 and _scores(record)):
        raise ConfigError(
            f"{path}: sample {record['doc_id']}: {metric} is {value!r}, where others have a share from 0 to 1 of the "
            "probability of choices, with each choice's log-likelihood"
        )
    return float(value)


def _prompt(arguments: object) -> str:
    """The first request's prompt: `[[prompt, …]]`, or `{"gen_args_0": {"arg_0": prompt}}` in newer files."""
    if isinstance(arguments, dict):
        arguments = [list(one.values()) if isinstance(one, dict) else one for one in arguments.values()]
    first = arguments[0] if isinstance(arguments, list) and arguments else ""
    return _text(first[0] if isinstance(first, list) and first else first)


def _response(record: Mapping[str, Any]) -> tuple[str, str | None]:
    """The answer's text and what was read out of it; for choices by log-likelihood, the likeliest choice's number."""
    scores = _scores(record)
    if scores:
        best = max(range(len(scores)), key=scores.__getitem__)
        return str(best), str(best)
    raw, filtered = record.get("resps"), record.get("filtered_resps")
    extracted = _first(filtered)
    return _first(raw) or extracted or "", extracted


def _scores(record: Mapping[str, Any]) -> list[float]:
    """Log-likelihoods of the choices, empty where the responses are texts."""
    return _choices(record.get("filtered_resps") or record.get("resps"))


def _choices(responses: object) -> list[float]:
    if not isinstance(responses, list):
        return []
    pairs = [one[0] if isinstance(one, list) and one and isinstance(one[0], list) else one for one in responses]
    try:
        return [float(pair[0]) for pair in pairs if isinstance(pair, list) and len(pair) == 2]
    except (TypeError, ValueError):
        return []


def _first(responses: object) -> str | None:
    while isinstance(responses, Sequence) and not isinstance(responses, str):
        if not responses:
            return None
        responses = responses[0]
    return None if responses is None else _text(responses)


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
