"""Outcomes per sample, seeds averaged first: what every statistic is computed from."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.policy import Decisions
from asd.runners.ladder import Table, policy_costs, spent_seconds
from asd.runners.state import Outcome, State


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Some samples under one λ, each value the mean over the seeds in which the sample was evaluated: shape [samples].

    `cost` and `baseline_cost` are in units of stage 0's mean; `spent` and `baseline_spent` are seconds where answers
    have times on both sides (`timed`), else costs; `disagree` is the share of seeds in which ours and the
    baseline differ; `clusters` numbers the groups, None where every sample stands alone.
    """

    names: tuple[str, ...]
    right: FloatArray
    baseline_right: FloatArray
    disagree: FloatArray
    cost: FloatArray
    baseline_cost: FloatArray
    spent: FloatArray
    baseline_spent: FloatArray
    clusters: IntArray | None
    timed: bool

    @property
    def difference(self) -> FloatArray:
        """Ours minus the baseline's, per sample."""
        return self.right - self.baseline_right

    @property
    def speedup(self) -> float:
        """Σ baseline ÷ Σ ours."""
        return float(self.baseline_spent.sum() / self.spent.sum())

    @property
    def groups(self) -> IntArray:
        """The clusters, or every sample as its own."""
        return np.arange(len(self.names)) if self.clusters is None else self.clusters


def outcomes(state: State, lam: float, seeds: Sequence[int], task: str | None) -> Outcomes:
    """The evaluated samples of one task (None: of all), in the order in which they were first answered."""
    found: dict[str, list[Outcome]] = defaultdict(list)
    for seed in seeds:
        for name, outcome in state.answered[lam, seed].items():
            if task is None or state.planned[name].task == task:
                found[name].append(outcome)
    return averaged(state, found)


def averaged(state: State, found: Mapping[str, Sequence[Outcome]]) -> Outcomes:
    """The means over each sample's outcomes."""
    timed = all(None not in (one.time_s, one.baseline_time_s) for several in found.values() for one in several)
    return Outcomes(
        tuple(found),
        _means(found.values(), lambda one: one.correct),
        _means(found.values(), lambda one: one.baseline_correct),
        _means(found.values(), lambda one: one.correct != one.baseline_correct),
        _means(found.values(), lambda one: one.cost),
        _means(found.values(), lambda one: one.baseline_cost),
        _means(found.values(), lambda one: one.time_s if timed else one.cost),
        _means(found.values(), lambda one: one.baseline_time_s if timed else one.baseline_cost),
        _clusters(state, tuple(found)),
        timed,
    )


class Tally:
    """Outcomes of one way of deciding, collected seed by seed."""

    def __init__(self, state: State) -> None:
        """Nothing is decided yet."""
        self.state, self.costs = state, policy_costs(state)
        self.found: dict[str, list[Outcome]] = defaultdict(list)

    def add(self, seen: Table, decided: Decisions, *, predictor: bool = True) -> None:
        """Count one seed's samples in; without the `predictor` its time is not paid."""
        time_s = spent_seconds(seen, decided.used, predictor=predictor)
        cost = np.where(decided.used, self.costs, 0.0).sum(axis=1)
        for row, name in enumerate(seen.names):
            self.found[name].append(
                Outcome(
                    correct=bool(seen.right[row, decided.answer_stage[row]]),
                    baseline_correct=bool(seen.right[row, -1]),
                    cost=float(cost[row]),
                    baseline_cost=float(self.costs[-1]),
                    time_s=None if time_s is None else float(time_s[row]),
                    baseline_time_s=None if seen.seconds is None else float(seen.seconds[row, -1]),
                )
            )

    def outcomes(self) -> Outcomes:
        """Seeds averaged per sample."""
        return averaged(self.state, self.found)


def _means(several: Iterable[Sequence[Outcome]], value: Callable[[Outcome], float | None]) -> FloatArray:
    return np.array([sum(value(one) or 0.0 for one in each) / len(each) for each in several], dtype=np.float64)


def _clusters(state: State, names: Sequence[str]) -> IntArray | None:
    labels = [state.planned[name].cluster for name in names]
    if None in labels or len(set(labels)) < 2:
        return None
    return np.unique(np.array(labels), return_inverse=True)[1].ravel()
