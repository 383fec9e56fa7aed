"""The ladder as arrays: what the state holds of some samples, shaped [samples, stages]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asd.core.arrays import BoolArray, FloatArray
from asd.core.errors import ConfigError
from asd.core.facts.cost import CostMeasured
from asd.core.facts.data import SplitAssigned
from asd.core.facts.sample import SampleGenerated
from asd.core.policies.ladders import Ladder
from asd.core.policy import full_ladder, prefixes, sub_ladders
from asd.core.text_features import same_form
from asd.runners.settings import PredictorSettings
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


def contexts(stages: int, settings: PredictorSettings) -> tuple[Ladder, ...]:
    """What may have run when an answer is judged, the last being the one that is: each prefix of the ladder, and each
    sub-ladder's where estimates are told of skipped stages."""
    whole = prefixes(full_ladder(stages))
    return whole + tuple(one for one in sub_ladders(stages) if one not in whole) if settings.told else whole


def after(ran: Ladder, told: bool) -> Ladder | None:
    """The earlier stages that an estimate after `ran` is told of, as events say it: None for all."""
    return ran[:-1] if told and ran != full_ladder(ran[-1] + 1) else None


def quality_table(
    judged: Mapping[Ladder, FloatArray], stages: int, settings: PredictorSettings
) -> dict[Ladder, FloatArray]:
    """Estimates by ladder [samples, stages], nan at skipped stages, from those after each thing that may have run.

    There are ladders that skip stages where estimates are told of what ran, or of no other answer.
    """
    apart = settings.told or "agreement" not in settings.information
    found = {}
    for ladder in sub_ladders(stages) if apart else (full_ladder(stages),):
        table = np.full((len(judged[0,]), stages), np.nan)
        for ran in prefixes(ladder):
            table[:, ran[-1]] = judged[ran if settings.told else full_ladder(ran[-1] + 1)]
        found[ladder] = table
    return found


def qualities(
    state: State, names: Sequence[str], seed: int, stages: int, settings: PredictorSettings
) -> dict[Ladder, FloatArray]:
    """One seed's estimates by ladder, as events have them."""
    judged = {
        ran: np.array([state.quality[seed, ran[-1], after(ran, settings.told), name] for name in names])
        for ran in contexts(stages, settings)
    }
    return quality_table(judged, stages, settings)


def same_answers(state: State, names: Sequence[str], draw: int | None, stages: Sequence[int]) -> BoolArray:
    """Whether two stages gave the same answer, by one spelling; none read out of the text is like no other:
    [samples, stages, stages]."""
    forms = [[same_form(state.graded[name, stage, draw].extracted) for stage in stages] for name in names]
    first = [[place if one is None else row.index(one) for place, one in enumerate(row)] for row in forms]
    table = np.array(first, dtype=np.int64).reshape(len(names), len(stages))
    return np.asarray(table[:, :, None] == table[:, None, :])


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
    table = [[state.predict_s[seed, stage, None, name] for stage in range(stages)] for name in names]
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
    """Some samples of one seed: labels and times, each [samples, stages].

    `qualities` are the estimates by ladder [samples, stages], where what stands at stages that it skips is not read:
    sub-ladders are there where there are honest estimates for them, told of what ran or of no other answer.
    `same` [samples, stages, stages] says which answers are the same.
    """

    names: tuple[str, ...]
    right: BoolArray
    qualities: Mapping[Ladder, FloatArray]
    same: BoolArray
    seconds: FloatArray | None
    predict_s: FloatArray

    @property
    def labels(self) -> FloatArray:
        """1 for right, 0 for wrong."""
        return self.right.astype(np.float64)

    @property
    def quality(self) -> FloatArray:
        """The estimates when no stage is skipped: [samples, stages]."""
        return self.qualities[full_ladder(self.right.shape[1])]


def table(
    state: State, seed: int, roles: Sequence[str], draw: int | None, stages: int, settings: PredictorSettings
) -> Table:
    """The samples that play `roles` for `seed`. Raises `ConfigError` where nobody plays one."""
    names = tuple(name for role in roles for name in players(state, seed, role))
    return Table(
        names,
        right(state, names, draw, stages),
        qualities(state, names, seed, stages, settings),
        same_answers(state, names, draw, range(stages)),
        seconds(state, names, draw, stages),
        predict_seconds(state, names, seed, stages),
    )
