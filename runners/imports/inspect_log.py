"""inspect_ai: `.eval` logs (a zip of JSON files) and its `.json` logs."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson

from asd.core.errors import ConfigError
from asd.runners.imports.answers import Answer, Source, digest, read_bytes

RIGHT = ("C", "CORRECT", True, 1)
WRONG = ("I", "INCORRECT", "N", False, 0)
ZSTANDARD = 93
"""The number of this way of packing in zip files."""
MOST_BYTES = 1 << 28
"""A member of a log that would be larger than this when unpacked is refused."""


def is_inspect(path: Path) -> bool:
    """Whether the file's name is one of inspect's."""
    return path.suffix in (".eval", ".json")


def read(path: Path) -> Source:
    """The log's answers, by its first scorer; epochs are draws.

    Raises `ConfigError` for files that are no such log and for scores that are neither right nor wrong.
    """
    data = read_bytes(path)
    header, samples = _zipped(path, data) if path.suffix == ".eval" else _plain(path, data)
    about = header.get("eval") or {}
    dataset = about.get("dataset") or {}
    scored = [sample for sample in samples if sample.get("scores")]
    if not scored:
        raise ConfigError(f"{path}: no sample with a score in it")
    scorer = next(iter(scored[0]["scores"]))
    several = len({sample.get("epoch") for sample in scored}) > 1
    return Source(
        path=path,
        sha256=digest(data),
        model=str(about.get("model") or "unknown"),
        task=str(about.get("task") or path.stem).rpartition("/")[2],
        split=str((about.get("task_args") or {}).get("split") or "test"),
        grader=f"inspect/{scorer}",
        answers=[_answer(path, sample, scorer, several) for sample in scored],
        hub_path=dataset.get("location") if dataset.get("location") and not _is_local(dataset["location"]) else None,
    )


def _is_local(location: str) -> bool:
    return location.startswith(("/", ".", "file:")) or location.endswith((".csv", ".json", ".jsonl"))


def _zipped(path: Path, data: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as file:
            names = file.namelist()
            header = next((name for name in ("header.json", "_journal/start.json") if name in names), None)
            if header is None:
                raise ConfigError(f"{path}: no log of inspect (it has no header.json)")
            samples = [name for name in names if name.startswith("samples/") and name.endswith(".json")]
            return _member(path, file, data, header), [_member(path, file, data, name) for name in samples]
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise ConfigError(f"{path}: cannot be unpacked ({error}); `inspect log convert --to json` may help") from error


def _member(path: Path, file: zipfile.ZipFile, data: bytes, name: str) -> dict[str, Any]:
    member = file.getinfo(name)
    if member.file_size > MOST_BYTES:
        raise ConfigError(f"{path}: {name} unpacks to more than {MOST_BYTES >> 20} MiB")
    return _object(path, _zstandard(member, data) if member.compress_type == ZSTANDARD else file.read(name))


def _zstandard(member: zipfile.ZipInfo, data: bytes) -> bytes:
    """A member that is packed as inspect packs since 2025; Python's own zip reader learns it with 3.14."""
    import pyarrow as pa

    at = member.header_offset
    start = at + 30 + sum(int.from_bytes(data[at + place : at + place + 2], "little") for place in (26, 28))
    packed = pa.BufferReader(data[start : start + member.compress_size])
    unpacked: bytes = pa.CompressedInputStream(packed, "zstd").read(member.file_size)
    if zlib.crc32(unpacked) != member.CRC:
        raise zipfile.BadZipFile(f"{member.filename} does not have its checksum")
    return unpacked


def _plain(path: Path, data: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    log = _object(path, data)
    if "eval" not in log:
        raise ConfigError(f"{path}: no log of inspect (it has no 'eval')")
    return log, list(log.get("samples") or ())


def _object(path: Path, data: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{path}: no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: no log of inspect")
    return found


def _answer(path: Path, sample: Mapping[str, Any], scorer: str, several: bool) -> Answer:
    score = sample["scores"].get(scorer) or {}
    output = sample.get("output") or {}
    choice = (output.get("choices") or [{}])[0]
    usage = output.get("usage") or {}
    return Answer(
        name=str(sample["id"]),
        prompt=_words(sample.get("input")),
        reference=_words(sample.get("target")),
        text=_words((choice.get("message") or {}).get("content")),
        correct=_right(path, sample, score.get("value")),
        extracted=None if score.get("answer") is None else str(score["answer"]),
        draw=int(sample["epoch"]) if several else None,
        input_tokens=int(usage.get("input_tokens") or 0),
        output_tokens=int(usage.get("output_tokens") or 0),
        finish_reason=str(choice.get("stop_reason") or "unknown"),
        latency_s=float(output["time"]) if isinstance(output.get("time"), int | float) else None,
    )


def _right(path: Path, sample: Mapping[str, Any], value: object) -> bool:
    if value in RIGHT or value in WRONG:
        return value in RIGHT
    raise ConfigError(f"{path}: sample {sample['id']}: the score {value!r} is neither right (C) nor wrong (I)")


def _words(value: object) -> str:
    """A text, or the texts of messages and of their parts, in order."""
    return "\n".join(_parts(value))


def _parts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _parts(one)
    elif isinstance(value, Mapping):
        yield from _parts(value.get("content") if "content" in value else value.get("text"))
