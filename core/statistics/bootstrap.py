"""Paired bootstrap of a ratio of sums: speedup, retention, cost."""

from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.errors import UsageError
from asd.core.statistics.intervals import Interval

BLOCK_NUMBERS = 4_000_000


@dataclass(frozen=True)
class RatioBootstrap:
    """A ratio of sums with its sorted bootstrap replicates, bias correction z₀ and acceleration a."""

    ratio: float
    replicates: FloatArray
    bias: float
    acceleration: float

    def interval(self, level: float = 0.95) -> Interval:
        """The BCa interval (Efron 1987). Raises UsageError when too few resamples leave an end undefined."""
        from scipy.special import ndtr, ndtri

        tails = ndtri(np.array([0.5 - 0.5 * level, 0.5 + 0.5 * level]))
        shifted = self.bias + tails
        levels = ndtr(self.bias + shifted / (1.0 - self.acceleration * shifted))
        low, high = np.quantile(self.replicates, levels)
        return Interval(float(low), float(high), level, "paired BCa bootstrap, ratio of sums")


def ratio_of_sums(numerator: FloatArray, denominator: FloatArray, seed: int, resamples: int = 9_999) -> RatioBootstrap:
    """Bootstrap Σ numerator / Σ denominator over m samples drawn in pairs, with replacement.

    For a speedup, `numerator` [m] is the baseline's time and `denominator` [m] ours, seeds averaged per sample.
    Memory is bounded by blocks of resamples. Raises UsageError when lengths differ, there are fewer than two
    samples, or the denominator's sum is not positive.
    """
    from scipy.special import ndtri

    top, bottom = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    if top.shape != bottom.shape or top.ndim != 1 or len(top) < 2:
        raise UsageError("a ratio of sums needs two equally long rows of at least two samples")
    if bottom.sum() <= 0 or (bottom < 0).any():
        raise UsageError("a ratio of sums needs a denominator that is positive in sum and never negative")
    ratio = float(top.sum() / bottom.sum())
    replicates = np.sort(_replicates(top, bottom, np.random.default_rng(seed), resamples))
    below = np.count_nonzero(replicates < ratio) + 0.5 * np.count_nonzero(replicates == ratio)
    share = float(np.clip(below / resamples, 0.5 / resamples, 1.0 - 0.5 / resamples))
    return RatioBootstrap(ratio, replicates, float(ndtri(share)), _acceleration(top, bottom))


def _replicates(top: FloatArray, bottom: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    # One gather serves both sums when the pair travels as one complex number.
    pairs = top + 1j * bottom
    size = len(pairs)
    small = np.uint16 if size <= np.iinfo(np.uint16).max else np.uint32
    block = max(1, BLOCK_NUMBERS // size)
    sums = [
        pairs[rng.integers(0, size, (min(block, resamples - start), size), dtype=small)].sum(axis=1)
        for start in range(0, resamples, block)
    ]
    total = np.concatenate(sums)
    positive = total.imag > 0
    return np.where(positive, total.real / np.where(positive, total.imag, 1.0), np.inf)


def _acceleration(top: FloatArray, bottom: FloatArray) -> float:
    rest = bottom.sum() - bottom
    if (rest <= 0).any():
        return 0.0
    left_out = (top.sum() - top) / rest
    spread = left_out.mean() - left_out
    scale = float((spread**2).sum()) ** 1.5
    return float((spread**3).sum()) / (6.0 * scale) if scale > 0 else 0.0
