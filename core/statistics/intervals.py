"""Intervals for one proportion and for the difference, ratio and odds of paired proportions."""

from collections.abc import Callable
from dataclasses import dataclass
from math import copysign, inf, sqrt

from asd.core.errors import UsageError
from asd.core.statistics.paired import PairedTable

PRECISION = 1e-12


@dataclass(frozen=True)
class Interval:
    """A two-sided interval at `level`, in the unit of what it is for; `method` names how it was made."""

    low: float
    high: float
    level: float
    method: str


def normal_quantile(level: float) -> float:
    """z of a two-sided interval. Raises UsageError unless 0 < level < 1."""
    from scipy.special import ndtri

    if not 0.0 < level < 1.0:
        raise UsageError(f"a level is between 0 and 1, not {level}")
    return float(ndtri(0.5 + 0.5 * level))


def wilson(right: int, samples: int, level: float = 0.95) -> Interval:
    """Wilson's score interval for one proportion (Wilson 1927)."""
    if not 0 <= right <= samples or not samples:
        raise UsageError(f"{right} of {samples} is not a proportion")
    z, p = normal_quantile(level), right / samples
    centre, share = p + z * z / (2 * samples), 1 + z * z / samples
    half = z * sqrt(p * (1 - p) / samples + z * z / (4 * samples * samples))
    low = 0.0 if right == 0 else (centre - half) / share
    high = 1.0 if right == samples else (centre + half) / share
    return Interval(low, high, level, "Wilson score")


def tango_z(table: PairedTable, difference: float) -> float:
    """Tango's score statistic of 'the risk difference is `difference`', about standard normal under it.

    Tango 1998, Statistics in Medicine 17:891-908: the variance uses the maximum-likelihood estimate of the
    only-baseline probability under the hypothesis.
    """
    n, b, c = table.samples, table.only_ours, table.only_baseline
    linear = -b - c + (2 * n - b + c) * difference
    constant = -c * difference * (1 - difference)
    restricted = (sqrt(max(linear * linear - 8 * n * constant, 0.0)) - linear) / (4 * n)
    return _ratio(b - c - n * difference, n * (2 * restricted + difference * (1 - difference)))


def tango(table: PairedTable, level: float = 0.95) -> Interval:
    """Tango's score interval for the difference of paired proportions, as a fraction."""
    z = normal_quantile(level)
    at = table.difference
    low = _crossing(lambda value: tango_z(table, value) - z, -1.0, at)
    high = _crossing(lambda value: tango_z(table, value) + z, at, 1.0)
    return Interval(low, high, level, "Tango score")


def newcombe10(table: PairedTable, level: float = 0.95) -> Interval:
    """Newcombe's method 10 for the difference of paired proportions, as a fraction.

    Newcombe 1998, Statistics in Medicine 17:2635-2650: Wilson intervals of both proportions, squared and added
    with their correlation, whose numerator is continuity-corrected when positive.
    """
    n = table.samples
    mine, theirs = wilson(table.ours, n, level), wilson(table.baseline, n, level)
    p, q, phi = table.ours / n, table.baseline / n, _correlation(table)
    below, above = p - mine.low, theirs.high - q
    low = table.difference - sqrt(max(below**2 - 2 * phi * below * above + above**2, 0.0))
    below, above = theirs.low, mine.high
    high = table.difference + sqrt(max((above - p) ** 2 - 2 * phi * (above - p) * (q - below) + (q - below) ** 2, 0.0))
    return Interval(max(low, -1.0), min(high, 1.0), level, "Newcombe method 10")


def _correlation(table: PairedTable) -> float:
    n = table.samples
    margins = table.ours * (n - table.ours) * table.baseline * (n - table.baseline)
    if not margins:
        return 0.0
    product = table.both * table.neither - table.only_ours * table.only_baseline
    return (max(product - n / 2, 0.0) if product > 0 else product) / sqrt(margins)


def retention_z(table: PairedTable, ratio: float) -> float:
    """The score statistic of 'accuracy / baseline accuracy is `ratio`', about standard normal under it.

    Nam and Blackwelder 2002, Statistics in Medicine 21:689-699: (x₁ − θ·x₂) / √(n·θ·(p₁₀ + p₀₁)), with the
    discordant probabilities' maximum-likelihood estimates under the hypothesis.
    """
    only_ours, only_baseline = _restricted(table, ratio)
    return _ratio(table.ours - ratio * table.baseline, ratio * (only_ours + only_baseline))


def _restricted(table: PairedTable, ratio: float) -> tuple[float, float]:
    """Expected counts (only ours, only baseline) that are likeliest where accuracy = ratio × baseline accuracy.

    With s = n − neither, both = s − x − y and y = ratio·x + s·(1 − ratio), the derivative of the log-likelihood in
    x is a quadratic, of which this is the root that leaves all counts positive.
    """
    a, b, c = table.both, table.only_ours, table.only_baseline
    total = a + b + c
    shift = total * (1.0 - ratio)
    square = ratio * (1.0 + ratio) * total
    linear = b * (total * ratio**2 - shift * (1.0 + ratio)) + c * total * ratio**2 - a * (1.0 + ratio) * shift
    constant = b * shift * total * ratio
    x = (linear + sqrt(max(linear**2 + 4.0 * square * constant, 0.0))) / (2.0 * square) if square else 0.0
    x = min(max(x, 0.0, -shift / ratio), total * ratio / (1.0 + ratio))
    return x, ratio * x + shift


def nam_blackwelder(table: PairedTable, level: float = 0.95) -> Interval:
    """Nam and Blackwelder's score interval for quality retention, accuracy / baseline accuracy.

    The upper limit is inf where the baseline is never right. Raises UsageError where nothing is ever right.
    """
    if not table.ours and not table.baseline:
        raise UsageError("a ratio of accuracies needs at least one right answer")
    z = normal_quantile(level)
    at = table.ours / table.baseline if table.baseline else inf
    low = _crossing(lambda value: retention_z(table, value) - z, 1e-9, min(at, 1e9)) if table.ours else 0.0
    high = _crossing(lambda value: retention_z(table, value) + z, max(at, 1e-9), 1e9) if table.baseline else inf
    return Interval(low, high, level, "Nam-Blackwelder score")


def non_inferiority(table: PairedTable, margin: float) -> float:
    """One-sided p-value of 'keeps at least `margin`', the null being accuracy ≤ margin × baseline accuracy.

    The score test of Nam and Blackwelder 2002. `margin` is a retention (0.98 keeps 98 %) fixed before the run.
    Raises UsageError unless it is above 0 and at most 1, or where the baseline is never right.
    """
    from scipy.special import ndtr

    if not 0.0 < margin <= 1.0:
        raise UsageError(f"a non-inferiority margin is a retention above 0 and at most 1, not {margin}")
    if not table.baseline:
        raise UsageError("non-inferiority needs a baseline that is right at least once")
    return float(ndtr(-retention_z(table, margin)))


def clopper_pearson(right: float, samples: float, level: float = 0.95) -> Interval:
    """The exact interval for one proportion (Clopper and Pearson 1934); counts may be means over seeds."""
    from scipy.stats import beta

    if not 0 <= right <= samples or not samples:
        raise UsageError(f"{right} of {samples} is not a proportion")
    tail = 0.5 * (1.0 - level)
    low = float(beta.ppf(tail, right, samples - right + 1)) if right else 0.0
    high = float(beta.ppf(1.0 - tail, right + 1, samples - right)) if right < samples else 1.0
    return Interval(low, high, level, "Clopper-Pearson")


def matched_odds_ratio(table: PairedTable) -> float:
    """The conditional odds ratio b/c; inf where only ours is ever alone right, nan without discordant pairs."""
    if table.only_baseline:
        return table.only_ours / table.only_baseline
    return inf if table.only_ours else float("nan")


def matched_odds_ratio_interval(table: PairedTable, level: float = 0.95) -> Interval:
    """The exact interval of b/c; `odds_interval` of the table's counts."""
    return odds_interval(table.only_ours, table.only_baseline, level)


def odds_interval(only_ours: float, only_baseline: float, level: float = 0.95) -> Interval:
    """The interval of b/c from the Clopper-Pearson interval of b / (b + c) (Breslow and Day 1980, 5.2).

    It is exact for counts. Means over seeds go through the same beta quantiles, which are defined between counts.
    """
    if not only_ours + only_baseline:
        return Interval(0.0, inf, level, "exact conditional")
    share = clopper_pearson(only_ours, only_ours + only_baseline, level)
    high = share.high / (1.0 - share.high) if share.high < 1.0 else inf
    return Interval(share.low / (1.0 - share.low), high, level, "exact conditional")


def _ratio(top: float, variance: float) -> float:
    if variance > PRECISION * max(1.0, top * top):
        return top / sqrt(variance)
    return 0.0 if abs(top) <= 1e-9 else copysign(inf, top)


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function changes sign in [low, high], by bisection; the end that it does not reach.

    Bisection, since score statistics may be infinite at the ends.
    """
    if function(low) <= 0:
        return low
    if function(high) >= 0:
        return high
    for _ in range(200):
        middle = sqrt(low * high) if low > 0 and high > 4 * low else 0.5 * (low + high)
        if function(middle) > 0:
            low = middle
        else:
            high = middle
        if high - low <= PRECISION * max(1.0, abs(low)):
            break
    return 0.5 * (low + high)
