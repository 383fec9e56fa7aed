"""The ladder as arrays: what the state holds of some samples, shaped [samples, stages]."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asd.core.arrays import BoolArray, FloatArray
from asd.core.errors import ConfigError
from asd.core.facts.cost import CostMeasured
from asd.core.facts.data import SplitAssigned
from asd.core.facts.sample import SampleGenerated
from asd.runners.state import State


def split(state: State, seed: int, role: str) -> list[str]:
    """The names of the samples that play `role` for `seed`, in the order of the plan."""
    parts = (one for one in state.all(SplitAssigned) if one.seed == seed and one.role == role)
    return [name for one in parts for name in one.samples]


def players(state: State, seed: int, role: str) -> list[str]:
    """Like `split`, for a role that somebody must play. Raises `ConfigError` where nobody does."""
    names = split(state, seed, role)
    if not names:
        raise ConfigError(f"no sample plays the role {role!r} for seed {seed}; give it a share or more rows")
    return names


def answers(state: State, name: str, draw: int | None, stages: int) -> list[SampleGenerated]:
    """What every stage answered to one sample, in order of stages."""
    return [state.generated[name, stage, draw] for stage in range(stages)]


def right(state: State, names: Sequence[str], draw: int | None, stages: int) -> BoolArray:
    """Which answers are right: [samples, stages]."""
    table = [[state.graded[name, stage, draw].correct for stage in range(stages)] for name in names]
    return np.array(table, dtype=np.bool_).reshape(len(names), stages)


def quality(state: State, names: Sequence[str], seed: int, stages: int) -> FloatArray:
    """The predicted probabilities of one seed's predictor: [samples, stages]."""
    table = [[state.quality[seed, stage, name] for stage in range(stages)] for name in names]
    return np.array(table, dtype=np.float64).reshape(len(names), stages)


def seconds(state: State, names: Sequence[str], draw: int | None, stages: int) -> FloatArray | None:
    """The engine's busy seconds per answer: [samples, stages]; None where any answer has no time."""
    table = [[answer.busy_s for answer in answers(state, name, draw, stages)] for name in names]
    if any(value is None for row in table for value in row):
        return None
    return np.array(table, dtype=np.float64).reshape(len(names), stages)


def tokens(state: State, names: Sequence[str], draw: int | None, stages: int) -> FloatArray:
    """Input and output tokens per answer: [samples, stages, 2]."""
    table = [[(one.input_tokens, one.output_tokens) for one in answers(state, name, draw, stages)] for name in names]
    return np.array(table, dtype=np.float64).reshape(len(names), stages, 2)


def predict_seconds(state: State, names: Sequence[str], seed: int, stages: int) -> FloatArray:
    """What asking the predictor took after each stage: [samples, stages]; 0 after the last, which asks nothing."""
    table = [[state.predict_s[seed, stage, name] for stage in range(stages)] for name in names]
    asked = np.array(table, dtype=np.float64).reshape(len(names), stages)
    asked[:, -1] = 0.0
    return asked


def policy_costs(state: State) -> FloatArray:
    """The stages' costs that decisions reckon with, stage 0 = 1: [stages]."""
    return np.array([one.policy_cost for one in state.all(CostMeasured)], dtype=np.float64)


def spent_seconds(seen: "Table", used: BoolArray, *, predictor: bool = True) -> FloatArray | None:
    """Seconds per sample over the stages that were `used` [samples, stages], with or without the predictor's."""
    if seen.seconds is None:
        return None
    each = seen.seconds + seen.predict_s if predictor else seen.seconds
    return np.asarray(np.where(used, each, 0.0).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Table:
    """Some samples of one seed: labels, predictions and times, each [samples, stages]."""

    names: tuple[str, ...]
    right: BoolArray
    quality: FloatArray
    seconds: FloatArray | None
    predict_s: FloatArray


def table(state: State, seed: int, role: str, draw: int | None, stages: int) -> Table:
    """The samples that play `role` for `seed`. Raises `ConfigError` where there are none."""
    names = tuple(players(state, seed, role))
    return Table(
        names,
        right(state, names, draw, stages),
        quality(state, names, seed, stages),
        seconds(state, names, draw, stages),
        predict_seconds(state, names, seed, stages),
    )
