"""From a score to a probability that can be believed, and how far it can: calibration maps and their measures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.errors import UsageError

EDGE = 1e-6


@dataclass(frozen=True)
class Isotonic:
    """A rising curve through `points` [k] (scores) and `values` [k] (probabilities), flat outside them."""

    points: FloatArray
    values: FloatArray
    name: ClassVar[str] = "isotonic"

    def apply(self, scores: FloatArray) -> FloatArray:
        """Probabilities for log-odds scores [m]."""
        return np.interp(scores, self.points, self.values)

    def to_data(self) -> dict[str, object]:
        """The map as JSON-able data."""
        return {"method": self.name, "points": self.points.tolist(), "values": self.values.tolist()}


@dataclass(frozen=True)
class Logistic:
    """Log-odds a·s₁ + b·s₂ + c, where s₁ and s₂ are the score's parts.

    Platt scaling ('platt'): s₁ is the score, b = 0. Beta calibration ('beta'): s₁ = ln p and s₂ = −ln(1 − p) of the
    probability p that the score stands for.
    """

    method: str
    a: float
    b: float
    c: float

    @property
    def name(self) -> str:
        """The method's name."""
        return self.method

    def apply(self, scores: FloatArray) -> FloatArray:
        """Probabilities for log-odds scores [m]."""
        return _sigmoid(_parts(self.method, scores) @ np.array([self.c, self.a, self.b]))

    def to_data(self) -> dict[str, object]:
        """The map as JSON-able data."""
        return {"method": self.method, "a": self.a, "b": self.b, "c": self.c}


Calibration = Isotonic | Logistic
METHODS = ("platt", "beta", "isotonic")
"""From the simplest to the most flexible."""


def fit_isotonic(scores: FloatArray, right: FloatArray) -> Isotonic:
    """Isotonic regression by pooling adjacent violators (Ayer et al. 1955; Zadrozny and Elkan 2002).

    Each block of n samples of which k are right gets (k + ½) / (n + 1), so that no probability is exactly 0 or 1.
    """
    order = np.argsort(scores, kind="stable")
    levels, starts = np.unique(scores[order], return_index=True)
    counts = np.diff(np.append(starts, len(scores))).astype(np.float64)
    sums = np.add.reduceat(right[order].astype(np.float64), starts)
    blocks: list[list[float]] = []
    for total, count in zip(sums, counts, strict=True):
        blocks.append([float(total), float(count), 1.0])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            total_last, count_last, width = blocks.pop()
            blocks[-1] = [blocks[-1][0] + total_last, blocks[-1][1] + count_last, blocks[-1][2] + width]
    smoothed = np.maximum.accumulate([(total + 0.5) / (count + 1.0) for total, count, _ in blocks])
    ends = np.cumsum([int(width) for _, _, width in blocks])
    corners = np.unique(np.concatenate([np.append(0, ends[:-1]), ends - 1]))
    return Isotonic(levels[corners], smoothed[np.searchsorted(ends, corners, side="right")])


def fit_platt(scores: FloatArray, right: FloatArray) -> Logistic:
    """Platt scaling (Platt 1999): logistic regression on the log-odds score, with his softened targets."""
    positives = float(right.sum())
    high, low = (positives + 1.0) / (positives + 2.0), 1.0 / (len(right) - positives + 2.0)
    targets = np.where(right > 0.5, high, low)
    c, a = fit_logistic(_parts("platt", scores)[:, :2], targets, np.array([0.0, 1.0]), EDGE)
    return Logistic("platt", float(a), 0.0, float(c))


def fit_beta(scores: FloatArray, right: FloatArray) -> Logistic:
    """Beta calibration (Kull, Silva Filho and Flach 2017) with a, b ≥ 0: a negative one is dropped and refitted."""
    design = _parts("beta", scores)
    kept = [0, 1, 2]
    while True:
        solution = np.zeros(3)
        start = np.array([0.0, 1.0, 1.0])[kept]
        solution[kept] = fit_logistic(design[:, kept], right, start, EDGE)
        negative = [index for index in kept if index and solution[index] < 0]
        if not negative:
            return Logistic("beta", float(solution[1]), float(solution[2]), float(solution[0]))
        kept.remove(min(negative, key=lambda index: solution[index]))


def fit_calibration(method: str, scores: FloatArray, right: FloatArray) -> Calibration:
    """Fit the named map on log-odds scores [m] and labels [m] in {0, 1}. Raises UsageError for an unknown name."""
    fits: dict[str, Callable[[FloatArray, FloatArray], Calibration]] = {
        "isotonic": fit_isotonic,
        "platt": fit_platt,
        "beta": fit_beta,
    }
    if method not in fits:
        raise UsageError(f"unknown calibration {method!r}; known are {', '.join(METHODS)}")
    if not len(scores) or len(scores) != len(right):
        raise UsageError("calibration needs scores and as many labels")
    return fits[method](scores, right)


def choose_calibration(
    scores: FloatArray, right: FloatArray, rng: np.random.Generator, methods: Sequence[str] = METHODS, folds: int = 5
) -> Calibration:
    """The simplest map whose log-loss on samples held out in turn is within one standard error of the least.

    `folds` parts are drawn by `rng`; `methods` go from simple to flexible; the chosen one is fitted on all samples.
    The one-standard-error rule is that of Breiman, Friedman, Olshen and Stone 1984, section 3.4.3: on few samples
    a flexible map often wins by chance, and stopping rules pay for its steps.
    """
    part = np.asarray(rng.permutation(len(scores)) % folds, dtype=np.int64)
    losses = np.stack([_held_out_losses(method, scores, right, part, folds) for method in methods])
    behind = losses - losses[losses.mean(axis=1).argmin()]
    allowed = behind.std(axis=1) / np.sqrt(len(scores))
    return fit_calibration(methods[int((behind.mean(axis=1) <= allowed).argmax())], scores, right)


def _held_out_losses(method: str, scores: FloatArray, right: FloatArray, part: IntArray, folds: int) -> FloatArray:
    predicted = np.empty(len(scores))
    for fold in range(folds):
        inside = part != fold
        predicted[~inside] = fit_calibration(method, scores[inside], right[inside]).apply(scores[~inside])
    return _log_losses(predicted, right)


def calibration_from_data(data: Mapping[str, object]) -> Calibration:
    """Rebuild what `to_data` gave."""
    if data["method"] == Isotonic.name:
        points, values = (np.asarray(data[key], dtype=np.float64) for key in ("points", "values"))
        return Isotonic(points, values)
    a, b, c = (float(cast(float, data[key])) for key in ("a", "b", "c"))
    return Logistic(str(data["method"]), a, b, c)


def logit(probability: FloatArray) -> FloatArray:
    """Log-odds of probabilities, cut to [1e-6, 1 − 1e-6]."""
    inside = np.clip(probability, EDGE, 1.0 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def fit_logistic(
    design: FloatArray, targets: FloatArray, start: FloatArray, ridge: float, rounds: int = 100
) -> FloatArray:
    """Coefficients [k] of a logistic regression with penalty ½·ridge·|β − start|², by damped Newton steps.

    `design` [m, k], `targets` [m] in [0, 1]. With no sample the answer is `start`.
    """
    beta = start.astype(np.float64)
    for _ in range(rounds):
        predicted = _sigmoid(design @ beta)
        slope = design.T @ (targets - predicted) - ridge * (beta - start)
        curvature = (design * (predicted * (1.0 - predicted))[:, None]).T @ design + ridge * np.eye(len(beta))
        step = np.linalg.solve(curvature, slope)
        beta = beta + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-10:
            break
    return np.asarray(beta)


def _sigmoid(log_odds: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-np.logaddexp(0.0, -log_odds)))


def _parts(method: str, scores: FloatArray) -> FloatArray:
    ones = np.ones(len(scores))
    if method == "platt":
        return np.column_stack([ones, scores, 0.0 * ones])
    return np.column_stack([ones, -np.logaddexp(0.0, -scores), np.logaddexp(0.0, scores)])


@dataclass(frozen=True)
class ReliabilityRow:
    """One bin of the reliability diagram: its edges, its samples, mean probability and share right in it."""

    low: float
    high: float
    samples: int
    predicted: float
    observed: float


def brier(probability: FloatArray, right: FloatArray) -> float:
    """Mean squared error of probabilities [m] against labels [m] (Brier 1950)."""
    return float(np.mean((probability - right) ** 2))


def log_loss(probability: FloatArray, right: FloatArray) -> float:
    """Mean negative log-likelihood in nats; probabilities are cut to [1e-6, 1 − 1e-6]."""
    return float(_log_losses(probability, right).mean())


def _log_losses(probability: FloatArray, right: FloatArray) -> FloatArray:
    log_odds = logit(probability)
    return np.asarray(np.logaddexp(0.0, log_odds) - right * log_odds)


def auroc(scores: FloatArray, right: FloatArray) -> float | None:
    """P(score of a right answer > of a wrong one), ties half (Mann and Whitney 1947). None with one class only."""
    _, member, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1))[member.ravel()]
    positives = float(right.sum())
    negatives = len(right) - positives
    if not positives or not negatives:
        return None
    return float((ranks @ right - positives * (positives + 1) / 2) / (positives * negatives))


def reliability(probability: FloatArray, right: FloatArray, bins: int = 10) -> list[ReliabilityRow]:
    """The reliability table over `bins` equal intervals of [0, 1]; empty bins are left out."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    member = np.clip(np.searchsorted(edges, probability, side="right") - 1, 0, bins - 1)
    rows = []
    for index in np.unique(member):
        inside = member == index
        predicted, observed = float(probability[inside].mean()), float(right[inside].mean())
        rows.append(ReliabilityRow(edges[index], edges[index + 1], int(inside.sum()), predicted, observed))
    return rows


def ece(probability: FloatArray, right: FloatArray, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Naeini, Cooper and Hauskrecht 2015)."""
    rows = reliability(probability, right, bins)
    return sum(row.samples * abs(row.predicted - row.observed) for row in rows) / len(right)
