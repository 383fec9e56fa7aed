"""Differences of samples that come in clusters, such as the 57 subjects of MMLU."""

from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.errors import UsageError
from asd.core.statistics.intervals import Interval
from asd.core.statistics.paired import sign_flip_test


@dataclass(frozen=True)
class ClusteredMean:
    """Mean of `samples` values in `clusters` clusters, its cluster-robust standard error and two-sided p-value."""

    mean: float
    standard_error: float
    p_value: float
    samples: int
    clusters: int

    def interval(self, level: float = 0.95) -> Interval:
        """The interval of the mean, by t with K − 1 degrees of freedom."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.clusters - 1, 0.5 + 0.5 * level)) * self.standard_error
        return Interval(self.mean - half, self.mean + half, level, "cluster-robust t(K-1)")


def clustered_mean(values: FloatArray, clusters: IntArray) -> ClusteredMean:
    """Mean of values [m] with the cluster-robust standard error √(K/(K−1) · Σₖ(Σ residuals)²) / m.

    `clusters` [m] names each value's cluster; t has K − 1 degrees of freedom (Liang and Zeger 1986; Cameron and
    Miller 2015, section II.B). Raises UsageError for fewer than two clusters.
    """
    from scipy.special import stdtr

    sums, count = _cluster_sums(values - values.mean(), clusters)
    mean = float(values.mean())
    error = float(np.sqrt(count / (count - 1) * (sums**2).sum())) / len(values)
    certain = 0.0 if mean else 1.0
    p = 2.0 * float(stdtr(count - 1, -abs(mean) / error)) if error > 0 else certain
    return ClusteredMean(mean, error, p, len(values), count)


def design_effect(values: FloatArray, clusters: IntArray) -> float:
    """Variance of the mean of values [m] with clusters over that without (Kish 1965, 8.2); 1 where nothing varies.

    m values in clusters tell as much as m / design effect independent ones.
    """
    alone = clustered_mean(values, np.arange(len(values))).standard_error
    return (clustered_mean(values, clusters).standard_error / alone) ** 2 if alone > 0 else 1.0


def cluster_sign_flip_test(differences: FloatArray, clusters: IntArray, seed: int, resamples: int = 99_999) -> float:
    """Two-sided sign-flip p-value in which all differences of a cluster change sign together."""
    sums, _ = _cluster_sums(differences, clusters)
    return sign_flip_test(sums, seed, resamples)


def _cluster_sums(values: FloatArray, clusters: IntArray) -> tuple[FloatArray, int]:
    if len(values) != len(clusters):
        raise UsageError("every value needs its cluster")
    names, member = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        raise UsageError("clustered statistics need at least two clusters")
    return np.bincount(member.ravel(), weights=values).astype(np.float64), len(names)
