"""A certificate that a λ keeps the baseline's right answers, with finite-sample error control.

Learn-then-Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021): each λ has a null hypothesis 'item retention is
below the target', tested on certification samples that nothing was fitted to. From the largest λ down the tests
run in a fixed sequence and end at the first that fails, so the family-wise error stays at alpha without
correction. Item retention never exceeds quality retention, so what is certified holds for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from asd.core.errors import UsageError


@dataclass(frozen=True)
class Certificate:
    """The smallest λ certified (None if none), and the p-values of the λ tested, from the largest λ down."""

    lam: float | None
    tested: tuple[tuple[float, float], ...]
    target: float
    alpha: float


def retention_p(kept: int, baseline_right: int, target: float) -> float:
    """Exact binomial p-value of 'item retention < target' after `kept` of `baseline_right` answers stayed right.

    P(X ≥ kept) for X binomial(baseline_right, target); 1 where the baseline was never right.
    """
    from scipy.stats import binom

    if not 0 <= kept <= baseline_right or not 0.0 < target < 1.0:
        raise UsageError(f"{kept} kept of {baseline_right} at target {target} is not a retention")
    return float(binom.sf(kept - 1, baseline_right, target)) if baseline_right else 1.0


def certify(kept: Sequence[tuple[float, int]], baseline_right: int, target: float, alpha: float = 0.01) -> Certificate:
    """Certify the smallest λ whose item retention is at least `target`, with error at most `alpha`.

    `kept` pairs each λ with the count of the baseline's right answers that stay right under it.
    """
    tested: list[tuple[float, float]] = []
    best: float | None = None
    for lam, count in sorted(kept, reverse=True):
        tested.append((lam, retention_p(count, baseline_right, target)))
        if tested[-1][1] > alpha:
            break
        best = lam
    return Certificate(best, tuple(tested), target, alpha)
