"""What differs between two runs: settings, code, machine, models, data, answers, tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from asd.core.statistics.paired import PairedTable, mcnemar_exact, sign_flip_test
from asd.views.document import Row
from asd.views.session import Session

RESAMPLES = 99_999
RNG_SEED = 20240612
NAMED = 20
"""Of the samples that flipped, this many are named unless all are asked for."""
TABLES = {
    "results": ("task", "lambda", "policy"),
    "lambdas": ("lambda", "policy"),
    "stages": ("stage",),
    "stage_tasks": ("stage", "task"),
    "timings": ("task",),
    "ablations": ("ablation", "arm"),
    "predictor": ("stage", "role"),
    "frontier": ("policy", "setting", "task"),
    "statistics": ("name", "task", "lambda"),
    "phases": ("phase",),
}
"""The tables that are compared, with the columns that name a row."""


@dataclass(frozen=True, slots=True)
class Flips:
    """Samples of both runs under one condition whose answers differ in being right; p by `method`, two-sided."""

    condition: str
    samples: int
    lost: tuple[str, ...]
    won: tuple[str, ...]
    p_value: float | None
    method: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A table whose rows differ: how many cells of how many differ, in which columns, and rows of one run alone."""

    projection: str
    cells: int
    differing: int
    columns: tuple[str, ...]
    only_first: int
    only_second: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs. Each of `facts` has the keys what, first and second."""

    first: str
    second: str
    facts: dict[str, tuple[Row, ...]]
    flips: tuple[Flips, ...]
    moved: tuple[Moved, ...]


def diff(first: Session, second: Session) -> Difference:
    """Compare two runs by their projections. A flip is a sample that the first answers rightly and the second does
    not (lost), or the other way round (won)."""
    facts: dict[str, Callable[[Session], dict[str, object]]] = {
        "settings": lambda session: _by(session, "parameters", "parameter", "value"),
        "code": _code,
        "environment": lambda session: _by(session, "environment", "field", "value"),
        "packages": lambda session: _by(session, "packages", "package", "version"),
        "models": _models,
        "datasets": _datasets,
    }
    told = {name: tuple(_differing(read(first), read(second))) for name, read in facts.items()}
    flips = (*_stage_flips(first, second), *_policy_flips(first, second))
    moved = tuple(one for one in (_moved(first, second, name) for name in TABLES) if one is not None)
    return Difference(first.run, second.run, told, flips, moved)


def _by(session: Session, name: str, key: str, value: str) -> dict[str, object]:
    hidden = ("git_", "memory_available", "disk_used", "disk_share_used")
    return {str(row[key]): row[value] for row in session.rows(name) if not str(row[key]).startswith(hidden)}


def _code(session: Session) -> dict[str, object]:
    fields = {str(row["field"]): row["value"] for row in session.rows("environment")}
    version = next((row["asd_version"] for row in session.rows("run")), None)
    return {"asd_version": version} | {name: value for name, value in fields.items() if name.startswith("git_")}


def _models(session: Session) -> dict[str, object]:
    names = ("model", "weights_sha256", "engine", "dtype", "gpus", "tensor_parallel")
    return {f"stage {row['stage']}: {name}": row[name] for row in session.rows("models") for name in names}


def _datasets(session: Session) -> dict[str, object]:
    names = ("fingerprint", "samples_used", "split", "config", "hub_path")
    return {f"{row['task']} ({row['role']}): {name}": row[name] for row in session.rows("datasets") for name in names}


def _differing(first: dict[str, object], second: dict[str, object]) -> Iterable[Row]:
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            yield {"what": name, "first": first.get(name), "second": second.get(name)}


_GRADED = "SELECT stage, sample, avg(correct::INT) AS accuracy FROM sample_graded GROUP BY ALL"
_ANSWERED = """
SELECT sample, avg(correct::INT) AS accuracy FROM sample_answered
WHERE lam = (SELECT max(lam) FROM lambda_chosen) GROUP BY ALL
"""


def _stage_flips(first: Session, second: Session) -> Iterable[Flips]:
    one, other = (_accuracies(session, _GRADED, ("stage", "sample")) for session in (first, second))
    for stage in sorted({key[0] for key in one} & {key[0] for key in other}, key=str):
        yield _flips(f"stage {stage} alone", _of_stage(one, stage), _of_stage(other, stage))


def _of_stage(accuracies: dict[tuple[object, ...], float], stage: object) -> dict[str, float]:
    return {str(key[1]): value for key, value in accuracies.items() if key[0] == stage}


def _policy_flips(first: Session, second: Session) -> Iterable[Flips]:
    one, other = (
        {str(key[0]): value for key, value in _accuracies(session, _ANSWERED, ("sample",)).items()}
        for session in (first, second)
    )
    if one and other:
        yield _flips("the policy at each run's chosen λ", one, other)


def _accuracies(session: Session, query: str, keys: tuple[str, ...]) -> dict[tuple[object, ...], float]:
    rows = session.catalogue.sql(query).to_pylist()
    return {tuple(row[key] for key in keys): row["accuracy"] for row in rows}


def _flips(condition: str, first: dict[str, float], second: dict[str, float]) -> Flips:
    common = sorted(first.keys() & second.keys())
    lost = tuple(name for name in common if first[name] > 0.5 >= second[name])
    won = tuple(name for name in common if second[name] > 0.5 >= first[name])
    change = np.array([second[name] - first[name] for name in common])
    if not common:
        return Flips(condition, 0, (), (), None, "no sample in common")
    if np.isin(change, (-1.0, 0.0, 1.0)).all():
        table = PairedTable(len(common) - len(lost) - len(won), len(won), len(lost), 0)
        return Flips(condition, len(common), lost, won, mcnemar_exact(table), "exact McNemar")
    p = sign_flip_test(change, RNG_SEED, RESAMPLES)
    return Flips(condition, len(common), lost, won, p, f"sign-flip permutation, {RESAMPLES:,} resamples")


def _moved(first: Session, second: Session, name: str) -> Moved | None:
    keys = TABLES[name]
    one, other = ({tuple(row[key] for key in keys): row for row in session.rows(name)} for session in (first, second))
    common = [key for key in one if key in other]
    pairs = [(column, one[key][column] == other[key][column]) for key in common for column in one[key]]
    columns = tuple(dict.fromkeys(column for column, same in pairs if not same))
    differing = sum(not same for _, same in pairs)
    if not differing and one.keys() == other.keys():
        return None
    return Moved(name, len(pairs), differing, columns, len(one) - len(common), len(other) - len(common))
