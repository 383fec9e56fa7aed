"""How numbers are written: digits by what the column holds, as the record's rules say."""

import math

NOT_RECORDED = "not recorded"
NONE = "–"
"""Where there can be no value."""


def shown(column: str, value: object) -> str:
    """`value` of the column `column` as people read it; None is 'not recorded'."""
    if value is None:
        return NOT_RECORDED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return size(value) if "bytes" in column else str(value) if column in _NAMES else f"{value:,}"
    if isinstance(value, float):
        return number(column, value)
    return str(value)


def number(column: str, value: float) -> str:
    """A number with the digits of its column: p-values two significant, shares and accuracies three decimals,
    speedups two, seconds by size, anything else four significant, from a thousand on one decimal."""
    if not math.isfinite(value):
        return str(value)
    if "p_value" in column or column in ("p_adjusted", "p_value_raw"):
        return p_value(value)
    if column == "lambda":
        return f"{value:g}"
    if "bytes" in column:
        return size(value)
    if column.startswith(_SPEEDUP):
        return fixed(value, 2)
    if any(part in column for part in _SHARES):
        return fixed(value, 3)
    if column in _TWO or column.startswith("only_"):
        return fixed(value, 2)
    if column.endswith("_s"):
        return seconds(value)
    return f"{value + 0.0:.4g}" if abs(value) < 1_000 else f"{value:,.1f}".removesuffix(".0")


_NAMES = ("seed", "rng_seed", "stage", "attempt", "seq", "last_seq")
"""Columns whose integers name something."""
_SPEEDUP = ("speedup", "improvement_factor", "relative_cost", "mean_relative_cost")
_SHARES = ("accuracy", "retention", "_rate", "share", "utilization", "gpu_use", "auroc", "brier", "ece", "observed",
           "predicted", "log_loss", "probability", "cohens_h", "d_z", "estimate", "low_9", "high_9",
           "effect_size", "area", "gap_closed", "cost_at_")  # fmt: skip
_TWO = ("matched_odds_ratio", "design_effect", "policy_cost")


def fixed(value: float, digits: int) -> str:
    """So many decimals; what rounds to zero has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def p_value(p: float) -> str:
    """Two significant digits; "< 0.001" only below that."""
    return "< 0.001" if p < 0.001 else f"{p:#.2g}"


def seconds(value: float) -> str:
    """Seconds: three significant digits below ten, else one or two decimals, thousands parted."""
    if abs(value) < 10:
        return f"{value + 0.0:#.3g}".rstrip(".")
    return f"{value:,.2f}" if abs(value) < 10_000 else f"{value:,.1f}"


def size(value: float) -> str:
    """Bytes in GB (10⁹), MB or kB with three significant digits."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= factor:
            return f"{value / factor:,.2f} {unit}"
    return f"{value:.0f} B"


def duration(value: float) -> str:
    """Seconds as hours, minutes and seconds: 11671 is "3 h 14 min 31 s"."""
    whole = round(value)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min {rest} s"
    return f"{minutes} min {rest} s" if minutes else f"{value:.3g} s"
