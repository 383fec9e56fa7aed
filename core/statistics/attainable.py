"""The least p-value that given data can give, and the refusal of any below it."""

from dataclasses import dataclass

from asd.core.errors import UsageError

ROUNDING = 1e-9


@dataclass(frozen=True)
class Bound:
    """The least p-value that the data of a test can give, and in words why."""

    least: float
    why: str


def mcnemar_bound(discordant: int) -> Bound:
    """Two-sided exact McNemar with `discordant` pairs: all on one side gives 2 · ½ⁿ."""
    return Bound(_two_sided(discordant), f"{discordant} discordant pairs, all in one direction")


def accuracies_bound(right_ours: int, right_baseline: int, samples: int) -> Bound:
    """McNemar where only the two totals are known: the fewest discordant pairs are their difference.

    Any table with these totals has b − c fixed, and p grows with every further pair in both b and c. Raises
    UsageError when the counts are not counts of `samples`.
    """
    if not (0 <= right_ours <= samples and 0 <= right_baseline <= samples):
        raise UsageError(f"{right_ours} and {right_baseline} are not counts of {samples} samples")
    fewest = abs(right_ours - right_baseline)
    why = f"{right_baseline} → {right_ours} right of {samples}: at best {fewest} discordant pairs in one direction"
    return Bound(_two_sided(fewest), why)


def sign_flip_bound(nonzero: int, resamples: int) -> Bound:
    """A sign-flip test with `nonzero` differences (or clusters) and R resamples: never below 1 / (1 + R).

    All signs equal is one of 2ⁿ assignments, its mirror another; what resampling adds cannot lower the floor.
    """
    return Bound(1.0 / (1 + resamples), f"{resamples} resamples of {nonzero} signs")


def exact_sign_bound(units: int) -> Bound:
    """Any exact two-sided test that flips the signs of `units` units (samples, clusters, seeds): 2 · ½ⁿ."""
    return Bound(_two_sided(units), f"{units} units, all in one direction")


def checked_p(p_value: float, bound: Bound) -> float:
    """`p_value`, if the data can give it. Raises UsageError if it is below the bound or is no probability."""
    if not 0.0 <= p_value <= 1.0:
        raise UsageError(f"{p_value} is not a p-value")
    if p_value < bound.least * (1.0 - ROUNDING):
        raise UsageError(
            f"p = {p_value:.2g} is refused: the least that its data can give is {bound.least:.2g} ({bound.why})"
        )
    return p_value


def _two_sided(units: int) -> float:
    return min(1.0, 2.0 * 0.5**units)
