"""Optimal stopping on a ladder by backward induction, with recall of earlier answers and skipping of stages.

After stage i with history h, stop when λ·(1 − q_i(h)) ≤ E[c_{i+1} + J_{i+1} | h], where J is the least expected
cost to go (Chow, Robbins and Siegmund 1971, 'Great expectations: the theory of optimal stopping', chapter 3; the
regression of J on the history follows Tsitsiklis and Van Roy 2001, 'Regression methods for pricing complex
American-style options'). Cost already paid never counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.policies.base import (
    Estimates,
    FittedPolicy,
    check_price,
    judged,
    objective,
    of_ladder,
    on_ladder,
    per_sample,
    weights_or_equal,
)
from asd.core.policies.continuation import Continuation, continuation_from_data, fit_continuation
from asd.core.policies.ladders import Ladder, full_ladder, sub_ladders


@dataclass(frozen=True)
class FittedStopping(FittedPolicy):
    """A fitted stopping rule: for each stage but the last of its ladder, what going on costs beyond stopping."""

    recall: bool
    continuations: tuple[Continuation, ...]
    name: ClassVar[str] = "stopping"

    def values(self, position: int, quality: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
        hand, answer = in_hand(quality, position, self.recall)
        stop = self.lam * (1.0 - hand)
        if position == len(self.stages) - 1:
            return stop, np.full(len(hand), np.inf), answer
        gain = self.continuations[position].predict(history(quality, position), outlook(quality, position, hand))
        return stop, stop + gain, answer

    def to_data(self) -> dict[str, object]:
        fitted = [continuation.to_data() for continuation in self.continuations]
        return super().to_data() | {"recall": self.recall, "continuations": fitted}

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> "FittedStopping":
        """Rebuild what `to_data` gave."""
        stages = tuple(cast(Sequence[int], data["stages"]))
        fitted = cast(Sequence[Mapping[str, object]], data["continuations"])
        parts = tuple(continuation_from_data(part) for part in fitted)
        return cls(float(cast(float, data["lam"])), stages, bool(data["recall"]), parts)


@dataclass(frozen=True)
class OptimalStopping:
    """Backward induction over the ladder. `groups` is the finest resolution of the conditional means.

    `recall` lets it give an earlier answer than the last one; `skip` lets it leave stages out: of all sub-ladders
    it keeps the one that costs least on the samples that it is fitted on. `lookahead` False is the myopic rule,
    which assumes that it will stop after the next stage.
    """

    recall: bool = False
    skip: bool = False
    lookahead: bool = True
    groups: int = 20

    def fit(
        self,
        q: Estimates,
        right: FloatArray,
        costs: FloatArray,
        lam: float,
        *,
        weights: FloatArray | None = None,
        prices: Sequence[float] = (),
        ladder: Ladder | None = None,
    ) -> FittedStopping:
        """Fit on held-out samples; shapes as in `FittedPolicy.decide`, `right` [m, n] (its values count under `skip`).

        `prices` are all the λ that will be compared: with `skip`, one sub-ladder is chosen for all of them, the
        one with the least mean of cost relative to the best ladder's at each price. Policies fitted with the same
        data and `prices` never stop a request earlier at a larger λ. Without `prices` the ladder is the best for
        `lam` alone, and that promise holds only where the ladders are the same. `ladder` says which one to use.
        Raises UsageError on bad shapes.
        """
        check_price(lam)
        samples, count = right.shape
        paid, share = per_sample(costs, samples, count), weights_or_equal(weights, samples)
        if ladder is None:
            ladder = self._best_ladder(q, right, paid, share, prices or (lam,)) if self.skip else full_ladder(count)
        return self._induce(judged(of_ladder(q, ladder)), paid, lam, share, ladder)

    def best_ladder(self, q: Estimates, right: FloatArray, costs: FloatArray, prices: Sequence[float]) -> Ladder:
        """The sub-ladder that `fit` would choose for `prices`; arguments as there."""
        samples, count = right.shape
        return self._best_ladder(q, right, per_sample(costs, samples, count), weights_or_equal(None, samples), prices)

    def _best_ladder(
        self, q: Estimates, right: FloatArray, paid: FloatArray, share: FloatArray, prices: Sequence[float]
    ) -> Ladder:
        ladders = sub_ladders(right.shape[1])
        table = np.array([[self._loss(q, right, paid, lam, share, one) for lam in prices] for one in ladders])
        return ladders[int((table / table.min(axis=0)).mean(axis=1).argmin())]

    def _loss(
        self,
        q: Estimates,
        right: FloatArray,
        paid: FloatArray,
        lam: float,
        share: FloatArray,
        ladder: Ladder,
    ) -> float:
        quality = judged(of_ladder(q, ladder))
        decisions = self._induce(quality, paid, lam, share, ladder).decide(quality, paid)
        return objective(decisions, right, lam, share)

    def _induce(
        self, quality: FloatArray, paid: FloatArray, lam: float, share: FloatArray, ladder: Ladder
    ) -> FittedStopping:
        own = on_ladder(quality, ladder)
        last = len(ladder) - 1
        to_go = lam * (1.0 - in_hand(own, last, self.recall)[0])
        fitted: list[Continuation] = []
        for position in range(last - 1, -1, -1):
            hand = in_hand(own, position, self.recall)[0]
            seen, summary, stop = history(own, position), outlook(own, position, hand), lam * (1.0 - hand)
            # What going on costs beyond stopping varies less than what it costs, so its mean is better known.
            part = fit_continuation(seen, summary, paid[:, ladder[position + 1]] + to_go - stop, share, self.groups)
            to_go = stop + np.minimum(part.predict(seen, summary), 0.0) if self.lookahead else stop
            fitted.insert(0, part)
        return FittedStopping(float(lam), ladder, self.recall, tuple(fitted))


@dataclass(frozen=True)
class Myopic:
    """The one-step rule: go on if the next stage alone would pay for itself."""

    recall: bool = False
    groups: int = 20

    def fit(
        self,
        q: Estimates,
        right: FloatArray,
        costs: FloatArray,
        lam: float,
        *,
        weights: FloatArray | None = None,
    ) -> FittedStopping:
        """Fit on held-out samples; arguments as in `OptimalStopping.fit`."""
        rule = OptimalStopping(recall=self.recall, lookahead=False, groups=self.groups)
        return rule.fit(q, right, costs, lam, weights=weights)


@dataclass(frozen=True)
class SubLadderPortfolio:
    """For each λ the sub-ladder, of all 2ⁿ − 1, whose optimal stopping costs least on the fitting samples."""

    recall: bool = False
    groups: int = 20

    def fit(
        self,
        q: Estimates,
        right: FloatArray,
        costs: FloatArray,
        lam: float,
        *,
        weights: FloatArray | None = None,
    ) -> FittedStopping:
        """Fit on held-out samples; arguments as in `OptimalStopping.fit`."""
        rule = OptimalStopping(recall=self.recall, skip=True, groups=self.groups)
        return rule.fit(q, right, costs, lam, weights=weights)


def in_hand(quality: FloatArray, position: int, recall: bool) -> tuple[FloatArray, IntArray]:
    """The best answer after `position`: its probability of being right and its position, each [m].

    Without recall that is the last answer; with it the likeliest one, the later of equals.
    """
    samples = len(quality)
    if not recall:
        return quality[:, position, position], np.full(samples, position, dtype=np.int64)
    judgements = quality[:, position, : position + 1]
    best = position - judgements[:, ::-1].argmax(axis=1)
    return judgements[np.arange(samples), best], best


def outlook(quality: FloatArray, position: int, hand: FloatArray) -> FloatArray:
    """One number per sample along which what is to be gained by going on is averaged: [m].

    The probability in hand, less the best forecast of a later stage where there are forecasts.
    """
    lead = hand - quality[:, position, position + 1 :].max(axis=1)
    return np.asarray(np.where(np.isnan(lead), hand, lead))


def history(quality: FloatArray, position: int) -> FloatArray:
    """All judgements made up to `position`, as one row per sample: [m, (position + 1)(position + 2) / 2]."""
    rows, columns = np.tril_indices(position + 1)
    return quality[:, rows, columns]
