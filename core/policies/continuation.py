"""Conditional expectations given the history: E[value of the next stage | history so far].

Both kinds are averages with weights that do not depend on the averaged values. So the cost to go beyond the cost
of stopping, as a function of λ, is concave (a minimum of straight lines less a straight line, averaged) and, being
the next stage's cost, positive at 0: it is negative, which means 'go on', from some λ on and never below it. That is
why a larger λ never stops a request earlier.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.errors import UsageError

HISTORY_DIGITS = 12
SMALLEST_GROUP = 80


@dataclass(frozen=True)
class Table:
    """Exact conditional means: one value per distinct history; an unseen history takes the nearest one's."""

    histories: FloatArray
    values: FloatArray

    def predict(self, histories: FloatArray, summary: FloatArray) -> FloatArray:
        """Value per sample, for histories [m, d]; `summary` is not used."""
        return np.asarray(self.values[_nearest(histories, self.histories)])

    def to_data(self) -> dict[str, object]:
        """The table as JSON-able data."""
        return {"kind": "table", "histories": self.histories.tolist(), "values": self.values.tolist()}


@dataclass(frozen=True)
class Curve:
    """Means over groups of neighbouring samples along one summary of the history, joined by straight lines."""

    points: FloatArray
    values: FloatArray

    def predict(self, histories: FloatArray, summary: FloatArray) -> FloatArray:
        """Value per sample, for summaries [m]; `histories` is not used."""
        return np.asarray(np.interp(summary, self.points, self.values))

    def to_data(self) -> dict[str, object]:
        """The curve as JSON-able data."""
        return {"kind": "curve", "points": self.points.tolist(), "values": self.values.tolist()}


Continuation = Table | Curve


def fit_continuation(
    histories: FloatArray, summary: FloatArray, targets: FloatArray, weights: FloatArray, groups: int
) -> Continuation:
    """Conditional means of `targets` [m] by history.

    With few distinct histories [m, d] (at most one per 50 samples, or weighted samples, which are an enumeration
    of a known distribution) the means are exact; else they are over groups of equal weight along `summary` [m]:
    at most `groups`, and at least 80 samples in each, since a mean over fewer is mostly noise.
    """
    rounded = histories.round(HISTORY_DIGITS)
    distinct, member = np.unique(rounded, axis=0, return_inverse=True)
    enumerated = not np.allclose(weights, weights[0])
    if enumerated or 50 * len(distinct) <= len(targets):
        return Table(distinct, _means(member.ravel(), targets, weights, len(distinct)))
    groups = max(1, min(groups, len(targets) // SMALLEST_GROUP))
    order = np.argsort(summary, kind="stable")
    ranks = np.cumsum(weights[order]) - 0.5 * weights[order]
    group = np.empty(len(targets), dtype=np.int64)
    group[order] = np.minimum((ranks / weights.sum() * groups).astype(np.int64), groups - 1)
    # Samples with one and the same summary must fall in one group, or the fit would depend on their order.
    _, tied = np.unique(summary, return_inverse=True)
    group = _first_of(tied.ravel(), group)
    _, group = np.unique(group, return_inverse=True)
    count = int(group.max()) + 1
    return Curve(_means(group, summary, weights, count), _means(group, targets, weights, count))


def continuation_from_data(data: Mapping[str, object]) -> Continuation:
    """Rebuild what `to_data` gave. Raises UsageError for an unknown kind."""
    values = np.asarray(data["values"], dtype=np.float64)
    if data["kind"] == "table":
        return Table(np.asarray(data["histories"], dtype=np.float64), values)
    if data["kind"] == "curve":
        return Curve(np.asarray(data["points"], dtype=np.float64), values)
    raise UsageError(f"unknown kind of continuation: {cast(str, data['kind'])!r}")


def _means(member: IntArray, values: FloatArray, weights: FloatArray, count: int) -> FloatArray:
    total = np.bincount(member, weights=weights, minlength=count)
    return np.asarray(np.bincount(member, weights=weights * values, minlength=count) / total)


def _first_of(tied: IntArray, group: IntArray) -> IntArray:
    lowest = np.full(int(tied.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(lowest, tied, group)
    return lowest[tied]


def _nearest(histories: FloatArray, known: FloatArray, block: int = 4096) -> IntArray:
    found = [
        np.abs(part[:, None, :] - known[None]).max(axis=2).argmin(axis=1)
        for part in (histories[start : start + block] for start in range(0, len(histories), block))
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
