"""Rows of a dataset, by name on a hub or from a local folder laid out like one, by the same call.

A folder holds `config/split.parquet`, or a hub's shards `config/split-00000-of-00002.parquet`; `path` is taken for
a folder where it is written like one (it starts with `.`, `/`, `~` or `$`) or where such a folder exists. A hub's name
is looked for in the folder that the environment variable ASD_DATA names before the hub is asked: `cais/mmlu` as
`cais_mmlu`.
"""

import os
import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import orjson
from pydantic import Field

from asd.core.errors import MissingDataError
from asd.core.event import JsonObject
from asd.runners.paths import PACKAGED, written_path
from asd.runners.tasks.base import Dataset, Problem, Role, Task


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one split, in order, and where they were read: `hub_path` is None for a folder."""

    rows: tuple[JsonObject, ...]
    loaded_from: str
    hub_path: str | None


def read(path: str, config: str, split: str) -> Rows:
    """Every row of `split`. Raises `MissingDataError` naming the folder, the file or the hub path."""
    folder = _folder(path)
    return _from_hub(path, config, split) if folder is None else _from_folder(folder, config, split)


def fingerprint(rows: Iterable[JsonObject]) -> str:
    """SHA-256 (hex) over the rows in order: each as JSON with sorted keys and no spaces, then a line feed."""
    digest = sha256()
    for row in rows:
        digest.update(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return digest.hexdigest()


def chosen(total: int, limit: int | None, seed: int | None) -> list[int]:
    """The indices of the rows that are used, rising: all; the first `limit`; or, with a seed, `limit` at random."""
    if limit is None or limit >= total:
        return list(range(total))
    if seed is None:
        return list(range(limit))
    return sorted(random.Random(seed).sample(range(total), limit))


class HubTask(Task, ABC):
    """A task whose problems are rows of a dataset.

    `evaluate` is the split that is evaluated. With `fit` (another split), predictor and policy are fitted there;
    without it, the rows of `evaluate` are parted among the roles by each seed. `limit` rows of each split are used:
    the first ones, or those that `limit_seed` draws.
    """

    packages = frozenset({"datasets"})
    config: str
    path: str
    evaluate: str = "test"
    fit: str | None = None
    limit: int | None = Field(default=None, ge=1)
    fit_limit: int | None = Field(default=None, ge=1)
    limit_seed: int | None = None
    licence: ClassVar[str | None] = None

    @abstractmethod
    def problem(self, row: JsonObject, index: int, split: str) -> Problem:
        """The problem that row `index` of `split` asks."""

    def support(self) -> Sequence[JsonObject]:
        """Rows of other splits that the prompts are built with (few-shot examples); part of the fingerprint."""
        return ()

    def wanted(self, row: JsonObject) -> bool:
        """Whether a row belongs to the part of the dataset that is asked for."""
        return True

    def datasets(self) -> tuple[Dataset, ...]:
        if self.fit is None:
            return (self._dataset("any", self.evaluate, self.limit),)
        return (
            self._dataset("fit", self.fit, self.fit_limit or self.limit),
            self._dataset("evaluate", self.evaluate, self.limit),
        )

    def _dataset(self, role: Role, split: str, limit: int | None) -> Dataset:
        found = read(self.path, self.config, split)
        wanted = [index for index, row in enumerate(found.rows) if self.wanted(row)]
        indices = [wanted[place] for place in chosen(len(wanted), limit, self.limit_seed)]
        rows = [found.rows[index] for index in indices]
        return Dataset(
            role=role,
            problems=tuple(self.problem(row, index, split) for row, index in zip(rows, indices, strict=True)),
            samples=len(found.rows),
            split=split,
            fingerprint=fingerprint([*rows, *self.support()]),
            loaded_from=found.loaded_from,
            hub_path=found.hub_path,
            config=self.config,
            licence=self.licence,
        )


def _folder(path: str) -> Path | None:
    written = written_path(path)
    if path.startswith((".", "/", "~", "$", PACKAGED)) or written.is_dir():
        return written
    kept = os.environ.get("ASD_DATA")
    local = written_path(kept) / path.replace("/", "_") if kept else None
    return local if local is not None and local.is_dir() else None


def _from_folder(folder: Path, config: str, split: str) -> Rows:
    if not folder.is_dir():
        raise MissingDataError(f"no dataset folder {folder}; set the task's path to a folder or to a hub name")
    files = sorted((folder / config).glob(f"{split}-*.parquet")) or [folder / config / f"{split}.parquet"]
    if not files[0].is_file():
        raise MissingDataError(f"{files[0]} is missing; the folder must hold config/split.parquet as a hub does")
    return Rows(_load("parquet", None, {split: [str(file) for file in files]}, split), str(folder), None)


def _from_hub(path: str, config: str, split: str) -> Rows:
    try:
        return Rows(_load(path, config, None, split), f"hub:{path}", path)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        message = (
            f"dataset {path} ({config}, {split}) cannot be read: {reason}; set the task's path to a folder, or ASD_DATA"
        )
        raise MissingDataError(message) from error


def _load(name: str, config: str | None, files: dict[str, list[str]] | None, split: str) -> tuple[JsonObject, ...]:
    # Imported here since it takes a second and listing tasks must not. Local files are streamed: nothing of them
    # is copied into a cache, which could outlive a change of the file.
    from datasets import load_dataset

    return tuple(load_dataset(name, config, data_files=files, split=split, streaming=files is not None))
