"""The Bayesian view of paired outcomes: a Dirichlet posterior over the paired table."""

from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.errors import UsageError
from asd.core.statistics.intervals import Interval
from asd.core.statistics.paired import PairedTable

PRIOR = 0.5
ROPE = 0.01


@dataclass(frozen=True)
class Posterior:
    """Draws from the posterior of the accuracy difference and of quality retention, each [draws]."""

    difference: FloatArray
    retention: FloatArray

    @property
    def probability_better(self) -> float:
        """Probability that ours is more accurate than the baseline."""
        return float((self.difference > 0).mean())

    def in_rope(self, half_width: float = ROPE) -> float:
        """Probability that the difference is practically none: within ± `half_width` (a fraction; 0.01 = a point)."""
        return float((np.abs(self.difference) <= half_width).mean())

    def difference_interval(self, level: float = 0.95) -> Interval:
        """Highest-density interval of the accuracy difference."""
        return highest_density(self.difference, level)

    def retention_interval(self, level: float = 0.95) -> Interval:
        """Highest-density interval of quality retention."""
        return highest_density(self.retention, level)


def dirichlet_posterior(table: PairedTable, rng: np.random.Generator, draws: int = 20_000) -> Posterior:
    """Draw from Dirichlet(counts + ½), the posterior of the four cells under Jeffreys' prior."""
    counts = np.array([table.both, table.only_ours, table.only_baseline, table.neither]) + PRIOR
    both, only_ours, only_baseline, _ = rng.dirichlet(counts, draws).T
    return Posterior(only_ours - only_baseline, (both + only_ours) / (both + only_baseline))


def highest_density(draws: FloatArray, level: float = 0.95) -> Interval:
    """The narrowest interval that holds share `level` of the draws (Hyndman 1996), as ArviZ computes it."""
    ordered = np.sort(draws)
    inside = int(np.floor(level * len(ordered)))
    if not 0 < inside < len(ordered):
        raise UsageError("a highest-density interval needs more draws and a level between 0 and 1")
    widths = ordered[inside:] - ordered[: len(ordered) - inside]
    start = int(widths.argmin())
    return Interval(float(ordered[start]), float(ordered[start + inside]), level, "highest density")
