"""A certificate that a λ keeps the baseline's right answers, with finite-sample error control.

Learn-then-Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021): each λ has a null hypothesis 'item retention is
below the target', tested on certification samples that nothing was fitted to. From the largest λ down the tests
run in a fixed sequence and end at the first that fails, so the family-wise error stays at alpha without
correction. Item retention never exceeds quality retention, so what is certified holds for both.

Where samples come in clusters, such as the subjects of MMLU, clusters are taken for independent and nothing is assumed
of how samples of one cluster go together. At worst each cluster is kept or lost as a whole, so n answers of which the
largest cluster has m may tell no more than n / m independent ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from asd.core.errors import UsageError


@dataclass(frozen=True)
class Certificate:
    """The smallest λ certified (None if none), and the p-values of the λ tested, from the largest λ down."""

    lam: float | None
    tested: tuple[tuple[float, float], ...]
    target: float
    alpha: float


def retention_p(kept: int, baseline_right: int, target: float, largest: int = 1) -> float:
    """p-value of 'item retention < target' after `kept` of `baseline_right` answers stayed right.

    With independent samples (`largest` 1) it is exact: P(X ≥ kept) for X binomial(baseline_right, target). With
    clusters, of which the largest has `largest` of these answers, it is Hoeffding's bound (1963, theorem 1) over them,
    exp(−(baseline_right / largest) · KL(kept / baseline_right ‖ target)): a cluster's share w of the answers adds
    log(1 + μ(e^λw − 1)) to the log-moment, which is convex in w and concave in μ, so that all add no more than
    1 / w clusters of the largest share w at the mean μ = target. 1 where the baseline was never right.
    """
    from scipy.stats import binom

    if not 0 <= kept <= baseline_right or not 0.0 < target < 1.0 or not 1 <= largest <= max(baseline_right, 1):
        raise UsageError(f"{kept} kept of {baseline_right} at target {target} in clusters of {largest} is no retention")
    if not baseline_right:
        return 1.0
    if largest == 1:
        return float(binom.sf(kept - 1, baseline_right, target))
    share = kept / baseline_right
    return exp(-baseline_right / largest * _divergence(share, target)) if share > target else 1.0


def _divergence(share: float, target: float) -> float:
    """Kullback-Leibler divergence of two coins."""
    lost = (1.0 - share) * log((1.0 - share) / (1.0 - target)) if share < 1.0 else 0.0
    return share * log(share / target) + lost


def certify(
    kept: Sequence[tuple[float, int]], baseline_right: int, target: float, alpha: float = 0.01, largest: int = 1
) -> Certificate:
    """Certify the smallest λ whose item retention is at least `target`, with error at most `alpha`.

    `kept` pairs each λ with the count of the baseline's right answers that stay right under it; `largest` is how many
    of the baseline's right answers the largest cluster has, 1 where samples are independent.
    """
    tested: list[tuple[float, float]] = []
    best: float | None = None
    for lam, count in sorted(kept, reverse=True):
        tested.append((lam, retention_p(count, baseline_right, target, largest)))
        if tested[-1][1] > alpha:
            break
        best = lam
    return Certificate(best, tuple(tested), target, alpha)
