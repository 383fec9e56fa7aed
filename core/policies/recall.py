"""Re-judging earlier answers in the light of later ones, which recall needs.

An answer that a later stage repeats is the same answer, so it takes the later estimate. An answer that a later
stage contradicts loses or keeps credit as a logistic regression on both estimates learned from held-out labels;
probabilities of different stages are never multiplied.

After each stage it is also forecast what a later one would gain: a logistic regression of whether the answer in hand is
right, and of whether each later stage's will be, both on that answer's estimate and on how many other stages gave it. A
forecast is the estimate in hand plus the difference of the two, in which what both get wrong alike cancels.

A sub-ladder that skips stages needs a model of its own, fitted to and asked with its own stages' columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from asd.core.arrays import BoolArray, FloatArray, IntArray
from asd.core.calibration import fit_logistic, logit
from asd.core.errors import UsageError
from asd.core.policies.ladders import Ladder
from asd.core.policies.stopping import in_hand

RIDGE = 1.0


@dataclass(frozen=True)
class RecallModel:
    """Coefficients [n, n, 3] of (1, log-odds of the earlier answer, log-odds of the new one), by stage and answer.

    `outlooks` holds for each stage but the last the coefficients [1 + later stages, 3] of (1, log-odds of the answer in
    hand, how many other stages gave it), first for that answer and then for each later stage; nothing is forecast
    where there are none.
    """

    coefficients: FloatArray
    outlooks: tuple[FloatArray, ...] = ()

    def apply(self, q: FloatArray, same: BoolArray) -> FloatArray:
        """Estimates [m, n, n] from own-stage probabilities `q` [m, n].

        `same` [m, n, n] says whether the answers of two stages are the same. Row i of the result holds the
        judgements after stage i, then forecasts of later stages. It depends on stages up to i only, so it can be used
        while the ladder runs. A forecast may lie a little outside 0 to 1; only its distance to the estimate in hand
        counts.
        """
        count = q.shape[1]
        if count != len(self.coefficients) or same.shape != (len(q), count, count):
            raise UsageError(f"recall was fitted for {len(self.coefficients)} stages and needs `same` [m, n, n]")
        judged = np.repeat(q[:, None, :], count, axis=1)
        for stage in range(1, count):
            for earlier in range(stage):
                before, now = judged[:, stage - 1, earlier], q[:, stage]
                log_odds = _design(before, now) @ self.coefficients[stage, earlier]
                judged[:, stage, earlier] = np.where(same[:, stage, earlier], now, _expit(log_odds))
        judged[:, *np.triu_indices(count, 1)] = np.nan
        for stage, coefficients in enumerate(self.outlooks):
            hand, _, seen = _prospect(judged, same, stage)
            now, *later = _expit(seen @ coefficients.T).T
            judged[:, stage, stage + 1 :] = hand[:, None] + np.array(later).T - now[:, None]
        return judged

    def to_data(self) -> dict[str, object]:
        """The model as JSON-able data."""
        return {"coefficients": self.coefficients.tolist(), "outlooks": [one.tolist() for one in self.outlooks]}

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> "RecallModel":
        """Rebuild what `to_data` gave, or what it gave before there were outlooks."""
        outlooks = (np.asarray(one, dtype=np.float64) for one in cast(Sequence[object], data.get("outlooks", ())))
        return cls(np.asarray(data["coefficients"], dtype=np.float64), tuple(outlooks))


def fit_recall(q: FloatArray, right: FloatArray, same: BoolArray) -> RecallModel:
    """Learn from held-out samples how far a contradiction lowers an earlier answer's estimate, and what to expect.

    `q` [m, n] own-stage probabilities, `right` [m, n] labels, `same` [m, n, n] whether two answers are the same.
    A small ridge draws the coefficients to 'a contradiction changes nothing', which few samples cannot overturn.
    """
    count = q.shape[1]
    coefficients = np.zeros((count, count, 3))
    coefficients[:, :, 1] = 1.0
    for stage in range(1, count):
        # Each stage builds on the judgements after the one before, so it is fitted to what they will be.
        before = RecallModel(coefficients).apply(q, same)[:, stage - 1]
        for earlier in range(stage):
            apart = ~same[:, stage, earlier]
            design = _design(before[apart, earlier], q[apart, stage])
            start = np.array([0.0, 1.0, 0.0])
            coefficients[stage, earlier] = fit_logistic(design, right[apart, earlier], start, RIDGE)
    judged = RecallModel(coefficients).apply(q, same)
    return RecallModel(coefficients, tuple(_fit_outlook(judged, right, same, stage) for stage in range(count - 1)))


def _fit_outlook(judged: FloatArray, right: FloatArray, same: BoolArray, stage: int) -> FloatArray:
    _, best, seen = _prospect(judged, same, stage)
    now = right[np.arange(len(right)), best]
    labels = (now, *right[:, stage + 1 :].T)
    return np.array([fit_logistic(seen, one, np.zeros(seen.shape[1]), RIDGE) for one in labels])


def _prospect(judged: FloatArray, same: BoolArray, stage: int) -> tuple[FloatArray, IntArray, FloatArray]:
    """The answer in hand after `stage`: its estimate [m], the stage that gave it [m], what forecasts are made of."""
    hand, best = in_hand(judged, stage, recall=True)
    others = same[np.arange(len(best)), best, : stage + 1].sum(axis=1) - 1
    return hand, best, np.column_stack([np.ones(len(hand)), logit(hand), others])


def rejudged(model: RecallModel, q: FloatArray, same: BoolArray, ladder: Ladder) -> FloatArray:
    """What `model` makes of a (sub-)ladder in the full ladder's shape [m, n, n], nan where its stages do not go.

    `q` [m, n] and `same` [m, n, n] are the full ladder's; only what stands at `ladder`'s stages is read.
    """
    at = np.asarray(ladder)
    table = np.full((len(q), q.shape[1], q.shape[1]), np.nan)
    table[:, at[:, None], at] = model.apply(q[:, at], same[:, at[:, None], at])
    return table


def fit_recall_on(q: FloatArray, right: FloatArray, same: BoolArray, ladder: Ladder) -> RecallModel:
    """`fit_recall` with the columns of a (sub-)ladder; shapes are the full ladder's."""
    at = np.asarray(ladder)
    return fit_recall(q[:, at], right[:, at], same[:, at[:, None], at])


def _expit(log_odds: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


def _design(before: FloatArray, now: FloatArray) -> FloatArray:
    return np.column_stack([np.ones(len(before)), logit(before), logit(now)])
