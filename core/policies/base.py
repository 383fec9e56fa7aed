"""What every policy shares: estimates in one shape, decisions in batch and one stage at a time.

A policy walks a ladder of stages. After each one it compares the value of stopping, λ·(1 − q), with the value of
going on, the expected cost still to pay, errors included; both are in units of cost. The lower value wins, a tie
stops. Batch and online decisions run the same code on the same numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from asd.core.arrays import BoolArray, FloatArray, IntArray
from asd.core.errors import UsageError

Estimates = FloatArray | Mapping[tuple[int, ...], FloatArray]
TIE = 1e-12


@dataclass(frozen=True)
class Decisions:
    """What a policy decided for m samples on a ladder of n stages.

    `stop_stage` [m] is the last stage that ran, `answer_stage` [m] the one whose answer is given (an earlier one
    only under recall), `used` [m, n] the stages that ran, `cost` [m] the sum of their costs. `stop_value` and
    `go_value` [m, n] are in the unit of cost; nan where a stage did not run, and `go_value` is inf after the last.
    """

    stop_stage: IntArray
    answer_stage: IntArray
    stop_value: FloatArray
    go_value: FloatArray
    used: BoolArray
    cost: FloatArray


@dataclass(frozen=True)
class Step:
    """What a policy decided after one stage of one sample. `next_stage` is None where it stops."""

    stop: bool
    stop_value: float
    go_value: float
    answer_stage: int
    next_stage: int | None


@dataclass(frozen=True)
class FittedPolicy:
    """A policy that can decide: the price of an error `lam`, and the `stages` of the ladder that it uses, in order.

    Subclasses say what each stage's values are; `to_data` gives plain data that `policy_from_data` rebuilds.
    """

    lam: float
    stages: tuple[int, ...]
    name: ClassVar[str] = ""

    def values(self, position: int, quality: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Value of stopping and of going on, and the answer's position, after `position` of the own ladder.

        `quality` [m, k, k] holds at [s, i, j] the probability that the answer of the ladder's stage j is right,
        given its stages up to i; only i ≤ `position` is read. Each result has shape [m].
        """
        raise NotImplementedError

    def first_stage(self, prompt_quality: FloatArray | None = None, draw: float = 0.0) -> int:
        """The stage to run first. `prompt_quality` [n] is for routers, `draw` in [0, 1) for random mixes."""
        return self.stages[0]

    def stop_or_go(self, stage: int, history: FloatArray) -> Step:
        """Decide for one sample after `stage`.

        `history` holds the estimates so far: [stage + 1] own-stage probabilities, or [stage + 1, n] rows of
        judgements and forecasts, as in `decide`. Stages outside the policy's ladder may hold nan.
        Raises UsageError if the policy does not use `stage`.
        """
        if stage not in self.stages:
            raise UsageError(f"stage {stage} is not one of the stages {self.stages} that this policy uses")
        position = self.stages.index(stage)
        quality = on_ladder(self._so_far(np.asarray(history, dtype=np.float64), stage), self.stages)
        stop, go, answer = self.values(position, quality)
        ends = bool(_stops(stop, go)[0])
        following = None if ends else self.stages[position + 1]
        return Step(ends, float(stop[0]), float(go[0]), self.stages[int(answer[0])], following)

    def _so_far(self, history: FloatArray, stage: int) -> FloatArray:
        """The estimates up to `stage` in the batch's shape, nan where nothing is known yet: [1, n, n]."""
        count = max(self.stages[-1], stage) + 1
        table = np.full((1, count, count), np.nan)
        rows = history[: stage + 1]
        if rows.ndim == 1:
            rows = judged(rows[None])[0]
        width = min(rows.shape[1], count)
        table[0, : len(rows), :width] = rows[:, :width]
        return table

    def decide(self, q: Estimates, costs: FloatArray) -> Decisions:
        """Decide for m samples at once.

        `q` is [m, n], the calibrated probability that stage i's answer is right given the history up to i; or
        [m, n, n], where [s, i, j] re-judges the answer of stage j ≤ i after stage i and, for j > i, forecasts
        whether stage j will be right (nan: no forecast); or such arrays by sub-ladder. `costs` is [m, n] or [n].
        """
        full = judged(of_ladder(q, self.stages))
        samples, count = full.shape[:2]
        quality = on_ladder(full, self.stages)
        paid = per_sample(costs, samples, count)
        stop, go = (np.full((samples, count), np.nan) for _ in range(2))
        used = np.zeros((samples, count), dtype=np.bool_)
        stop_stage, answer_stage = (np.full(samples, -1, dtype=np.int64) for _ in range(2))
        running = np.ones(samples, dtype=np.bool_)
        for position, stage in enumerate(self.stages):
            here, onward, answer = self.values(position, quality)
            used[running, stage] = True
            stop[running, stage], go[running, stage] = here[running], onward[running]
            ends = running & _stops(here, onward)
            stop_stage[ends] = stage
            answer_stage[ends] = np.asarray(self.stages)[answer[ends]]
            running &= ~ends
        return Decisions(stop_stage, answer_stage, stop, go, used, np.where(used, paid, 0.0).sum(axis=1))

    def to_data(self) -> dict[str, object]:
        """The policy as JSON-able data."""
        return {"policy": self.name, "lam": self.lam, "stages": list(self.stages)}


def _stops(stop: FloatArray, go: FloatArray) -> BoolArray:
    finite = np.where(np.isfinite(go), go, 0.0)
    return np.asarray((stop <= finite + TIE * (1.0 + np.abs(finite))) | np.isinf(go))


def of_ladder(q: Estimates, stages: tuple[int, ...]) -> FloatArray:
    """The estimates for a sub-ladder: its own where they were made by sub-ladder, else the same for all.

    An estimate that uses the answers of earlier stages is another one when a stage is skipped, so policies that
    skip need one array per sub-ladder, shaped like the full ladder's (what stands at skipped stages is not read),
    or estimates that look at the judged stage's own answer alone. Raises UsageError for a sub-ladder without one.
    """
    if not isinstance(q, Mapping):
        return q
    if stages not in q:
        raise UsageError(f"there are no estimates for the sub-ladder {stages}")
    return q[stages]


def judged(q: FloatArray) -> FloatArray:
    """Estimates as [m, n, n]: from [m, n], an earlier answer keeps the probability that it had at its own stage.

    What is above the diagonal is then nan: nothing is forecast. Raises UsageError for any other shape.
    """
    if q.ndim == 3 and q.shape[1] == q.shape[2]:
        return q
    if q.ndim == 2:
        table = np.repeat(q[:, None, :], q.shape[1], axis=1)
        table[:, *np.triu_indices(q.shape[1], 1)] = np.nan
        return table
    raise UsageError(f"estimates must have shape [samples, stages] or [samples, stages, stages], not {q.shape}")


def on_ladder(quality: FloatArray, stages: Sequence[int]) -> FloatArray:
    """The estimates [m, n, n] of a sub-ladder's k stages: [m, k, k]."""
    rows = np.asarray(stages)
    return quality[:, rows[:, None], rows[None, :]]


def per_sample(costs: FloatArray, samples: int, stages: int) -> FloatArray:
    """Costs as [m, n], from [m, n] or [n]. Raises UsageError where they do not fit or one is negative."""
    table = (
        np.broadcast_to(np.asarray(costs, dtype=np.float64), (samples, stages))
        if (np.shape(costs) in ((stages,), (samples, stages)))
        else None
    )
    if table is None:
        raise UsageError(f"costs must have shape [{stages}] or [{samples}, {stages}], not {np.shape(costs)}")
    if not (table >= 0).all():
        raise UsageError("costs must be numbers that are not negative")
    return table


def check_price(lam: float) -> float:
    """λ as a float. Raises UsageError unless it is a positive, finite number."""
    if not (np.isfinite(lam) and lam > 0):
        raise UsageError(f"the price of an error must be a positive number, not {lam}")
    return float(lam)


def weights_or_equal(weights: FloatArray | None, samples: int) -> FloatArray:
    """Sample weights that sum to 1: equal ones where none are given."""
    given = np.ones(samples) if weights is None else np.asarray(weights, dtype=np.float64)
    return np.asarray(given / given.sum())


def objective(decisions: Decisions, right: FloatArray, lam: float, weights: FloatArray | None = None) -> float:
    """Mean of cost + λ·1(answer wrong), the quantity that a policy minimises. `right` is [m, n]."""
    rows = np.arange(len(right))
    wrong = 1.0 - right[rows, decisions.answer_stage]
    return float(weights_or_equal(weights, len(right)) @ (decisions.cost + lam * wrong))
