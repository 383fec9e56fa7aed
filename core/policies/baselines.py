"""The rules that optimal stopping is compared with, behind the same interface."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.errors import UsageError
from asd.core.frontier import hull
from asd.core.policies.base import (
    Decisions,
    Estimates,
    FittedPolicy,
    check_price,
    judged,
    objective,
    of_ladder,
    per_sample,
    weights_or_equal,
)
from asd.core.policies.stopping import FittedStopping, in_hand


@dataclass(frozen=True)
class AlwaysStage:
    """One stage alone, whatever the sample."""

    stage: int

    def fit(self, q: FloatArray, right: FloatArray, costs: FloatArray, lam: float) -> FittedStopping:
        """Nothing is learned; arguments as in `OptimalStopping.fit`. Raises UsageError for no such stage."""
        if not 0 <= self.stage < q.shape[1]:
            raise UsageError(f"there is no stage {self.stage} in a ladder of {q.shape[1]}")
        return FittedStopping(check_price(lam), (self.stage,), False, ())


@dataclass(frozen=True)
class FittedThreshold(FittedPolicy):
    """Stop at the first stage whose answer is right with probability `threshold` or more."""

    threshold: float
    name: ClassVar[str] = "threshold"

    def values(self, position: int, quality: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
        hand, answer = in_hand(quality, position, recall=False)
        last = position == len(self.stages) - 1
        go = np.inf if last else self.lam * (1.0 - self.threshold)
        return self.lam * (1.0 - hand), np.full(len(hand), go), answer

    def to_data(self) -> dict[str, object]:
        return super().to_data() | {"threshold": self.threshold}

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> "FittedThreshold":
        """Rebuild what `to_data` gave."""
        return cls(*_head(data), float(cast(float, data["threshold"])))


@dataclass(frozen=True)
class Threshold:
    """A cascade with one threshold for all stages: given, or the one that costs least on the fitting samples."""

    threshold: float | None = None

    def fit(self, q: FloatArray, right: FloatArray, costs: FloatArray, lam: float) -> FittedThreshold:
        """Fit on held-out samples; arguments as in `OptimalStopping.fit`, `right` [m, n]."""
        stages, price = tuple(range(q.shape[1])), check_price(lam)
        if self.threshold is not None:
            return FittedThreshold(price, stages, self.threshold)
        own = np.diagonal(judged(q), axis1=1, axis2=2)
        tried = np.unique(np.concatenate([[0.0, 1.0 + 1e-9], np.quantile(own, np.linspace(0.0, 1.0, 101))]))
        rules = [FittedThreshold(price, stages, float(one)) for one in tried]
        losses = [objective(rule.decide(q, costs), right, lam) for rule in rules]
        return rules[int(np.argmin(losses))]


@dataclass(frozen=True)
class FittedRouter(FittedPolicy):
    """Runs one stage, the one with the least expected cost + λ·(1 − q), q being known before any answer."""

    expected_costs: tuple[float, ...]
    name: ClassVar[str] = "router"

    def choose(self, q: FloatArray) -> IntArray:
        """The stage for each of m samples, from prompt-only probabilities [m, n]."""
        loss = self.lam * (1.0 - q) + np.asarray(self.expected_costs)
        return np.asarray(loss.argmin(axis=1))

    def first_stage(self, prompt_quality: FloatArray | None = None, draw: float = 0.0) -> int:
        if prompt_quality is None:
            raise UsageError("a router needs the prompt's probabilities to choose a stage")
        return int(self.choose(prompt_quality[None])[0])

    def values(self, position: int, quality: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
        hand, answer = in_hand(quality, position, recall=False)
        return self.lam * (1.0 - hand), np.full(len(hand), np.inf), answer

    def decide(self, q: Estimates, costs: FloatArray) -> Decisions:
        own = np.diagonal(judged(of_ladder(q, self.stages)), axis1=1, axis2=2)
        return single_stage(self.choose(own), self.lam * (1.0 - own), costs)

    def to_data(self) -> dict[str, object]:
        return super().to_data() | {"expected_costs": list(self.expected_costs)}

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> "FittedRouter":
        """Rebuild what `to_data` gave."""
        return cls(*_head(data), tuple(cast(Sequence[float], data["expected_costs"])))


@dataclass(frozen=True)
class Router:
    """Chooses a stage from the prompt alone. Its `q` [m, n] must be estimates made before any stage ran."""

    def fit(self, q: FloatArray, right: FloatArray, costs: FloatArray, lam: float) -> FittedRouter:
        """Learns the stages' mean costs; arguments as in `OptimalStopping.fit`."""
        means = per_sample(costs, *q.shape[:2]).mean(axis=0)
        return FittedRouter(check_price(lam), tuple(range(q.shape[1])), tuple(float(v) for v in means))


@dataclass(frozen=True)
class FittedOracle(FittedPolicy):
    """Knows which stages are right: the cheapest right one, or the cheapest of all where an error costs less."""

    name: ClassVar[str] = "oracle"

    def decide(self, q: Estimates, costs: FloatArray) -> Decisions:
        """As `FittedPolicy.decide`, but `q` [m, n] holds the labels: 1 for right, 0 for wrong."""
        errors = self.lam * (1.0 - of_ladder(q, self.stages))
        loss = errors + per_sample(costs, *errors.shape)
        return single_stage(np.asarray(loss.argmin(axis=1)), errors, costs)


@dataclass(frozen=True)
class Oracle:
    """The bound that no policy can pass: it reads the labels."""

    def fit(self, q: FloatArray, right: FloatArray, costs: FloatArray, lam: float) -> FittedOracle:
        """Nothing is learned; arguments as in `OptimalStopping.fit`."""
        return FittedOracle(check_price(lam), tuple(range(right.shape[1])))


@dataclass(frozen=True)
class FittedMix(FittedPolicy):
    """Sends each sample to one stage at random, with the `shares` [n] given, drawn from `seed`."""

    shares: tuple[float, ...]
    seed: int
    name: ClassVar[str] = "random_mix"

    def first_stage(self, prompt_quality: FloatArray | None = None, draw: float = 0.0) -> int:
        return int(self._stages_of(np.array([draw]))[0])

    def values(self, position: int, quality: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
        hand, answer = in_hand(quality, position, recall=False)
        return self.lam * (1.0 - hand), np.full(len(hand), np.inf), answer

    def decide(self, q: Estimates, costs: FloatArray) -> Decisions:
        own = np.diagonal(judged(of_ladder(q, self.stages)), axis1=1, axis2=2)
        draws = np.random.default_rng(self.seed).random(len(own))
        return single_stage(self._stages_of(draws), self.lam * (1.0 - own), costs)

    def _stages_of(self, draws: FloatArray) -> IntArray:
        return np.searchsorted(np.cumsum(self.shares)[:-1], draws, side="right").astype(np.int64)

    def to_data(self) -> dict[str, object]:
        return super().to_data() | {"shares": list(self.shares), "seed": self.seed}

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> "FittedMix":
        """Rebuild what `to_data` gave."""
        return cls(*_head(data), tuple(cast(Sequence[float], data["shares"])), int(cast(int, data["seed"])))


@dataclass(frozen=True)
class RandomMix:
    """The hull of single models: two neighbouring vertices mixed so that the mean cost is `budget`.

    Without a budget it is the vertex that is best at λ. `budget` is in the unit of cost.
    """

    budget: float | None = None
    seed: int = 0

    def fit(
        self,
        q: FloatArray,
        right: FloatArray,
        costs: FloatArray,
        lam: float,
        *,
        weights: FloatArray | None = None,
    ) -> FittedMix:
        """Learns the stages' mean costs and accuracies; arguments as in `OptimalStopping.fit`."""
        share = weights_or_equal(weights, len(right))
        mean_cost, accuracy = share @ per_sample(costs, *right.shape), share @ right
        shares = np.zeros(right.shape[1])
        if self.budget is None:
            shares[int((mean_cost + lam * (1.0 - accuracy)).argmin())] = 1.0
        else:
            shares = mix_for_budget(mean_cost, accuracy, self.budget)
        stages = tuple(range(len(shares)))
        return FittedMix(check_price(lam), stages, tuple(float(v) for v in shares), self.seed)


def mix_for_budget(costs: FloatArray, accuracies: FloatArray, budget: float) -> FloatArray:
    """Shares [n] of the two hull vertices around `budget` whose mean cost is `budget`, cut to the hull's range."""
    vertices = hull(costs, accuracies)
    along = costs[vertices]
    shares = np.zeros(len(costs))
    upper = int(np.clip(np.searchsorted(along, budget), 0, len(vertices) - 1))
    lower = max(upper - 1, 0)
    gap = along[upper] - along[lower]
    part = float(np.clip((budget - along[lower]) / gap, 0.0, 1.0)) if gap > 0 else 0.0
    shares[vertices[lower]] += 1.0 - part
    shares[vertices[upper]] += part
    return shares


def single_stage(chosen: IntArray, stop: FloatArray, costs: FloatArray) -> Decisions:
    """The decisions of a policy that runs one stage per sample: `chosen` [m], stop values [m, n]."""
    samples, count = stop.shape
    used = np.arange(count) == chosen[:, None]
    paid = np.where(used, per_sample(costs, samples, count), 0.0).sum(axis=1)
    go = np.where(used, np.inf, np.nan)
    return Decisions(chosen, chosen.copy(), np.where(used, stop, np.nan), go, used, paid)


def _head(data: Mapping[str, object]) -> tuple[float, tuple[int, ...]]:
    return float(cast(float, data["lam"])), tuple(cast(Sequence[int], data["stages"]))
