"""What an imported file holds, whatever tool wrote it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from asd.core.errors import MissingDataError

MOST_BYTES = 1 << 30
"""A larger file is refused rather than read into memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One graded answer. `name` is the sample's within its task; `draw` numbers repeated answers, None for one each;
    `score` as in `sample.graded`: where the measure is a share."""

    name: str
    prompt: str
    reference: str
    text: str
    correct: bool
    extracted: str | None
    draw: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    finish_reason: str = "unknown"
    latency_s: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One file: the answers of one model to one task, graded by `grader`."""

    path: Path
    sha256: str
    model: str
    task: str
    split: str
    grader: str
    answers: Sequence[Answer] = field(repr=False)
    hub_path: str | None = None


def read_bytes(path: Path) -> bytes:
    """The file's bytes. Raises `MissingDataError` where it is missing or too large."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MissingDataError(f"{path}: larger than {MOST_BYTES >> 20} MiB; split it")
        return path.read_bytes()
    except OSError as error:
        raise MissingDataError(f"{path}: {error.strerror}; name a file that can be read") from error


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return sha256(data).hexdigest()
