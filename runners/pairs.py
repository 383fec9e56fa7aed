"""What is said of paired right and wrong answers beside their difference: counts, effect sizes, power."""

import math

from asd.core.arrays import FloatArray, IntArray
from asd.core.event import JsonObject
from asd.core.statistics import clusters, intervals, power

LEVELS = (0.95, 0.99)


def pairs(ours: FloatArray, base: FloatArray, disagree: FloatArray, groups: IntArray, alpha: float) -> JsonObject:
    """b and c, the odds ratio's intervals, Cohen's h, and what a test of this size finds; each array is [samples].

    `ours` and `base` are shares of draws that were right, `disagree` of those in which the two differ.
    """
    gain, differ = float((ours - base).sum()), float(disagree.sum())
    b, c = max(0.0, (differ + gain) / 2), max(0.0, (differ - gain) / 2)
    limits = {level: intervals.odds_interval(b, c, level) for level in LEVELS}
    return {
        "only_ours": b,
        "only_baseline": c,
        **{f"odds_ratio_{level:.0%}"[:-1]: [one.low, _finite(one.high)] for level, one in limits.items()},
        "cohens_h": 2 * math.asin(math.sqrt(ours.mean())) - 2 * math.asin(math.sqrt(base.mean())),
        **_reach(float(base.mean()), float(disagree.mean()), len(base), _effect(ours - base, groups), alpha),
    }


def _reach(base: float, share: float, samples: int, effect: float, alpha: float) -> JsonObject:
    """The least difference found and the best retention shown with 80 % power; clusters count for less."""
    independent = max(1, round(samples / max(1.0, effect)))
    # Where both are equally accurate, they cannot differ more often than this.
    equal = min(share, 2 * base, 2 - 2 * base)
    least = power.minimum_detectable_difference(independent, share, alpha) if share else math.inf
    return {
        "design_effect": effect,
        "power": power.POWER,
        "minimum_detectable_difference": _finite(least),
        "attainable_margin": power.attainable_margin(independent, base, equal, alpha) if equal > 0 else None,
    }


def _effect(difference: FloatArray, groups: IntArray) -> float:
    return clusters.design_effect(difference, groups) if len(set(groups.tolist())) > 1 else 1.0


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
