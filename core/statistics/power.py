"""What a test on n pairs can see: the least difference it detects and the closest margin it can hold."""

from math import inf, sqrt

from asd.core.errors import UsageError
from asd.core.statistics.intervals import retention_z
from asd.core.statistics.paired import PairedTable

POWER = 0.8
"""The probability of finding it that 'detectable' and 'attainable' mean."""


def minimum_detectable_difference(
    samples: int, discordant_share: float, alpha: float = 0.01, power: float = POWER
) -> float:
    """Least accuracy difference (a fraction) that a two-sided McNemar test at `alpha` finds with `power`.

    Solves √n·δ = z₁₋α/₂·√ψ + z_power·√(ψ − δ²), where ψ is the share of discordant pairs (Connor 1987, Biometrics
    43:207-211); cut at ψ, beyond which no difference is possible. inf where even that is not found.
    """
    from scipy.special import ndtri

    _check(samples, discordant_share, alpha, power)
    reach, aim = float(ndtri(1.0 - alpha / 2.0)), float(ndtri(power))
    low, high = 0.0, discordant_share

    def found(difference: float) -> bool:
        spread = sqrt(max(discordant_share - difference * difference, 0.0))
        return difference * sqrt(samples) >= reach * sqrt(discordant_share) + aim * spread

    if not found(high):
        return inf
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def attainable_margin(
    samples: int, baseline_accuracy: float, discordant_share: float, alpha: float = 0.01, power: float = POWER
) -> float:
    """The highest retention that a one-sided test at `alpha` shows with `power` when the accuracies are equal.

    The expected score statistic of Nam and Blackwelder at the margin must reach z₁₋α plus z_power times its
    standard deviation under equality (their 2002 paper, section 4). 0 where no margin is attainable.
    """
    from scipy.special import ndtri

    _check(samples, discordant_share, alpha, power)
    half = 0.5 * discordant_share
    if not half <= baseline_accuracy <= 1.0 - half:
        raise UsageError(f"accuracy {baseline_accuracy} and discordant share {discordant_share} contradict each other")
    reach, aim = float(ndtri(1.0 - alpha)), float(ndtri(power))
    cells = [baseline_accuracy - half, half, half, 1.0 - baseline_accuracy - half]
    # Expected counts of a sample so large that rounding them does not matter; the statistic grows as √n.
    scale = 10**9
    expected = PairedTable(*(round(scale * cell) for cell in cells))

    def shown(margin: float) -> bool:
        mean = retention_z(expected, margin) * sqrt(samples / scale)
        if not 0.0 < mean < inf:
            return mean == inf
        null_deviation = baseline_accuracy * (1.0 - margin) / mean
        variance = cells[0] * (1 - margin) ** 2 + half * (1 + margin**2) - (baseline_accuracy * (1 - margin)) ** 2
        return mean >= reach + aim * sqrt(max(variance, 0.0) / samples) / null_deviation

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if shown(middle) else (low, middle)
    return low


def _check(samples: int, discordant_share: float, alpha: float, power: float) -> None:
    if samples < 1 or not 0.0 < discordant_share <= 1.0 or not 0.0 < alpha < 1.0 or not 0.0 < power < 1.0:
        raise UsageError("power needs samples, and a discordant share, alpha and power between 0 and 1")
