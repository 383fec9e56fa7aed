"""A summary of token log-probabilities, the same out of every engine."""

from collections.abc import Sequence
from math import fsum

from asd.core.facts.sample import Logprobs

LEVELS = (0.0, 0.10, 0.25, 0.50, 0.75, 0.90, 1.0)
_DIGITS = 6


def summarize(chosen: Sequence[float], margins: Sequence[float] | None = None) -> Logprobs | None:
    """Sum up the natural-log probabilities of the chosen tokens, in order; None where there are none.

    `margins` are the distances to the best other token, one a token. Quantiles interpolate linearly between order
    statistics (Hyndman and Fan 1996, type 7). Values are rounded to six decimals.
    """
    if not chosen:
        return None
    ordered = sorted(chosen)
    return Logprobs(
        mean=_round(fsum(chosen) / len(chosen)),
        first=_round(chosen[0]),
        last=_round(chosen[-1]),
        quantiles=tuple(_round(_quantile(ordered, level)) for level in LEVELS),
        margin_mean=_round(fsum(margins) / len(margins)) if margins else None,
    )


def _quantile(ordered: Sequence[float], level: float) -> float:
    place = level * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _round(value: float) -> float:
    return round(value, _DIGITS)
