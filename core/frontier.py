"""Accuracy against cost: hulls, areas, cost at a given retention, bands over seeds, gaps to the oracle.

Costs are normalised so that the last stage alone costs 1. The area is the mean height of a frontier over the
costs from the cheapest stage's to 1; a frontier's height at a cost is the best that can be had for that cost or
less, random mixing of its points included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.errors import UsageError


@dataclass(frozen=True)
class Point:
    """One policy at one setting: mean cost per sample (the last stage's = 1) and accuracy."""

    cost: float
    accuracy: float
    setting: str = ""


@dataclass(frozen=True)
class Band:
    """Mean, lowest and highest height of several seeds' frontiers at each of `costs`."""

    costs: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray


def model_points(right: FloatArray, costs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Single models as (normalised cost [n], accuracy [n]); `right` [m, n], `costs` [m, n] or [n], last > 0."""
    mean = costs if np.ndim(costs) == 1 else costs.mean(axis=0)
    if mean[-1] <= 0:
        raise UsageError("the last stage's cost must be positive to normalise by it")
    return np.asarray(mean / mean[-1]), np.asarray(right.mean(axis=0))


def hull(costs: FloatArray, accuracies: FloatArray) -> IntArray:
    """Indices of the upper hull's vertices, by rising cost and rising accuracy.

    These are the points that no random mix of others beats (Andrew's monotone chain, 1979). Of points at one cost
    the most accurate counts.
    """
    chain: list[int] = []
    for index in np.lexsort((-accuracies, costs)):
        if chain and (costs[index] <= costs[chain[-1]] or accuracies[index] <= accuracies[chain[-1]]):
            continue
        while len(chain) > 1 and _below(costs, accuracies, chain[-2], chain[-1], int(index)):
            chain.pop()
        chain.append(int(index))
    return np.asarray(chain, dtype=np.int64)


def _below(x: FloatArray, y: FloatArray, left: int, middle: int, right: int) -> bool:
    slope_there = (y[right] - y[left]) * (x[middle] - x[left])
    return bool((y[middle] - y[left]) * (x[right] - x[left]) <= slope_there)


def height(costs: FloatArray, accuracies: FloatArray, at: FloatArray) -> FloatArray:
    """Accuracy of the hull at each cost in `at` [k]: flat after its dearest vertex, 0 before its cheapest."""
    vertices = hull(costs, accuracies)
    return np.interp(at, costs[vertices], accuracies[vertices], left=0.0)


def area(costs: FloatArray, accuracies: FloatArray, low: float, high: float = 1.0) -> float:
    """Mean height of the hull over costs from `low` to `high`, by exact integration of its straight parts.

    `low` is the cheapest stage's normalised cost. Raises UsageError where `low` is not below `high`.
    """
    if not low < high:
        raise UsageError(f"an area needs a range of costs: {low} is not below {high}")
    vertices = costs[hull(costs, accuracies)]
    # Left of its cheapest vertex a frontier's height is 0: it adds nothing to the integral there.
    start = min(max(low, vertices[0]), high)
    knots = np.concatenate([[start], vertices[(vertices > start) & (vertices < high)], [high]])
    return float(np.trapezoid(height(costs, accuracies, knots), knots) / (high - low))


def cost_at_retention(
    costs: FloatArray, accuracies: FloatArray, baseline: float, retention: float = 0.95
) -> float | None:
    """Least normalised cost at which the hull keeps `retention` × `baseline` accuracy; None if it never does."""
    vertices = hull(costs, accuracies)
    along, up = costs[vertices], accuracies[vertices]
    wanted = retention * baseline
    if up[-1] < wanted:
        return None
    return float(np.interp(wanted, up, along))


@dataclass(frozen=True)
class Path:
    """A policy's points joined by straight lines, by rising cost; neighbours are mixed at random between them.

    `costs` and `accuracies` [k] are sorted by cost. Unlike the hull it cannot leave out points that chance made bad,
    so its area does not grow with the number of settings tried.
    """

    costs: FloatArray
    accuracies: FloatArray

    @classmethod
    def through(cls, costs: FloatArray, accuracies: FloatArray, start: tuple[float, float]) -> "Path":
        """The path from `start` (the cheapest stage's cost and accuracy) through the points, in any order."""
        along, up = np.append(start[0], costs), np.append(start[1], accuracies)
        order = np.argsort(along, kind="stable")
        return cls(along[order], up[order])

    def area(self, low: float, high: float = 1.0) -> float:
        """Mean height over costs from `low` to `high`, by exact integration; flat beyond the dearest point."""
        if not low < high:
            raise UsageError(f"an area needs a range of costs: {low} is not below {high}")
        inside = (self.costs > low) & (self.costs < high)
        knots = np.concatenate([[low], self.costs[inside], [high]])
        heights = np.interp(knots, self.costs, self.accuracies)
        heights[1:-1] = self.accuracies[inside]
        return float(np.trapezoid(heights, knots) / (high - low))

    def cost_at(self, accuracy: float) -> float | None:
        """The least cost at which the path is `accuracy` or more; None if it never is."""
        enough = np.flatnonzero(self.accuracies >= accuracy)
        if not len(enough):
            return None
        first = int(enough[0])
        if not first:
            return float(self.costs[0])
        ends = slice(first - 1, first + 1)
        return float(np.interp(accuracy, self.accuracies[ends], self.costs[ends]))


def oracle_gap_closed(area_of_policy: float, area_of_mix: float, area_of_oracle: float) -> float:
    """Share of the way from the hull of single models (0) to the oracle (1), by area. nan where there is no gap."""
    gap = area_of_oracle - area_of_mix
    return (area_of_policy - area_of_mix) / gap if gap > 0 else float("nan")


def bands(frontiers: Sequence[tuple[FloatArray, FloatArray]], at: FloatArray) -> Band:
    """Mean, least and greatest height over seeds at each cost in `at`; a frontier is (costs, accuracies)."""
    heights = np.stack([height(costs, accuracies, at) for costs, accuracies in frontiers])
    return Band(at, heights.mean(axis=0), heights.min(axis=0), heights.max(axis=0))
