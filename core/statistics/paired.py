"""Paired right/wrong outcomes: the table of counts, tests of no difference, and effect sizes."""

from dataclasses import dataclass
from math import asin, sqrt

import numpy as np

from asd.core.arrays import BoolArray, FloatArray, IntArray
from asd.core.errors import UsageError


@dataclass(frozen=True)
class PairedTable:
    """How many of n samples both, only ours, only the baseline, or neither answered right.

    b = `only_ours` and c = `only_baseline` are the discordant pairs.
    """

    both: int
    only_ours: int
    only_baseline: int
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.only_ours, self.only_baseline, self.neither) < 0 or not self.samples:
            raise UsageError("a paired table needs counts that are not negative and at least one sample")

    @property
    def samples(self) -> int:
        """All pairs, n."""
        return self.both + self.only_ours + self.only_baseline + self.neither

    @property
    def discordant(self) -> int:
        """Pairs in which exactly one of the two is right, b + c."""
        return self.only_ours + self.only_baseline

    @property
    def ours(self) -> int:
        """Right answers of ours."""
        return self.both + self.only_ours

    @property
    def baseline(self) -> int:
        """Right answers of the baseline."""
        return self.both + self.only_baseline

    @property
    def difference(self) -> float:
        """Risk difference: accuracy of ours minus that of the baseline, as a fraction."""
        return (self.only_ours - self.only_baseline) / self.samples

    @property
    def retention(self) -> float:
        """Quality retention, accuracy / baseline accuracy. Raises UsageError when the baseline is never right."""
        if not self.baseline:
            raise UsageError("quality retention needs a baseline that is right at least once")
        return self.ours / self.baseline

    @property
    def item_retention(self) -> float:
        """Share of the baseline's right answers that stay right. Raises UsageError when there are none."""
        if not self.baseline:
            raise UsageError("item retention needs a baseline that is right at least once")
        return self.both / self.baseline

    @property
    def cohens_h(self) -> float:
        """Cohen's h of the two accuracies: 2·asin√p₁ − 2·asin√p₂ (Cohen 1988, section 6.2)."""
        return 2 * asin(sqrt(self.ours / self.samples)) - 2 * asin(sqrt(self.baseline / self.samples))


def paired_table(ours: BoolArray, baseline: BoolArray) -> PairedTable:
    """Count the table from right/wrong arrays [m]. Raises UsageError when lengths differ or there is no sample."""
    if len(ours) != len(baseline):
        raise UsageError(f"paired outcomes must have equal lengths, not {len(ours)} and {len(baseline)}")
    mine, theirs = np.asarray(ours, dtype=np.bool_), np.asarray(baseline, dtype=np.bool_)
    cells = (mine & theirs, mine & ~theirs, ~mine & theirs, ~mine & ~theirs)
    return PairedTable(*(int(cell.sum()) for cell in cells))


def mcnemar_exact(table: PairedTable) -> float:
    """Two-sided exact McNemar p-value: binomial(b + c, ½) on the discordant pairs (McNemar 1947). 1 without any."""
    from scipy.stats import binom

    if not table.discordant:
        return 1.0
    fewer = min(table.only_ours, table.only_baseline)
    return min(1.0, 2.0 * float(binom.cdf(fewer, table.discordant, 0.5)))


def sign_flip_test(differences: FloatArray, seed: int, resamples: int = 99_999) -> float:
    """Two-sided sign-flip permutation p-value of 'the mean difference is 0': p = (1 + k) / (1 + R).

    `differences` [m] are ours minus baseline, averaged over seeds per sample; k counts the `resamples` R random
    sign assignments whose |sum| is at least the observed one (Phipson and Smyth 2010, 'Permutation p-values should
    never be zero'). Equal magnitudes are flipped together by one binomial draw, so averages over five seeds cost
    no more memory than R numbers. Raises UsageError when there is no difference to flip.
    """
    if not len(differences) or resamples < 1:
        raise UsageError("a sign-flip test needs at least one difference and one resample")
    sizes, counts = _magnitudes(differences)
    observed = abs(float(np.sum(differences)))
    if not len(sizes):
        return 1.0
    rng = np.random.default_rng(seed)
    edge = observed - 1e-9 * max(1.0, observed)
    sums = np.zeros(resamples)
    for size, count in zip(sizes, counts, strict=True):
        sums += size * (2.0 * rng.binomial(count, 0.5, resamples) - count)
    return float((1 + np.count_nonzero(np.abs(sums) >= edge)) / (1 + resamples))


def _magnitudes(differences: FloatArray) -> tuple[FloatArray, IntArray]:
    """Distinct sizes of the differences that are not 0, and how often each occurs."""
    found = np.abs(np.asarray(differences, dtype=np.float64)).round(12)
    sizes, counts = np.unique(found[found > 0], return_counts=True)
    return sizes, counts.astype(np.int64)


def cohens_dz(ours: FloatArray, baseline: FloatArray) -> float:
    """d_z of paired positive times: mean / standard deviation of ln(ours / baseline) (Lakens 2013, equation 6).

    Negative where ours is faster. Raises UsageError for fewer than two pairs, times that are not positive, or log
    ratios that do not vary.
    """
    if len(ours) != len(baseline) or len(ours) < 2 or min(np.min(ours), np.min(baseline)) <= 0:
        raise UsageError("d_z needs at least two pairs of positive times")
    logs = np.log(ours) - np.log(baseline)
    spread = float(logs.std(ddof=1))
    if spread <= 1e-12 * max(1.0, float(np.abs(logs).max())):
        raise UsageError("d_z is not defined where all log ratios are equal")
    return float(logs.mean()) / spread
