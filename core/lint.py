"""Eight checks of a record against itself. Each takes plain values and gives findings with the figures in them.

A figure is a value with half a unit of its last printed digit: what was rounded is compared as the range that it
may stand for, what comes from the log at full precision has no such range.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, sqrt
from typing import TypeVar

from asd.core.statistics.attainable import Bound
from asd.core.statistics.paired import PairedTable, mcnemar_exact

SLACK = 1e-9
Claim = TypeVar("Claim")


@dataclass(frozen=True)
class Finding:
    """What one of the eight checks found: the check's number, what it looked at, and a sentence with figures."""

    check: int
    subject: str
    message: str


@dataclass(frozen=True)
class Figure:
    """A number that stands for anything within ± `half`."""

    value: float
    half: float = 0.0

    @property
    def low(self) -> float:
        """The least that it may stand for."""
        return self.value - self.half - SLACK * max(1.0, abs(self.value))

    @property
    def high(self) -> float:
        """The most that it may stand for."""
        return self.value + self.half + SLACK * max(1.0, abs(self.value))

    def __str__(self) -> str:
        return f"{self.value:.10g}"


def printed(text: str) -> Figure:
    """A figure as it was printed, such as '0.658' or '1,456.8': half a unit of its last digit is its range."""
    value = Decimal(text.replace(",", ""))
    exponent = value.as_tuple().exponent
    return Figure(float(value), 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0)


@dataclass(frozen=True)
class Accuracy:
    """An accuracy (a fraction) over `samples`, averaged over `seeds` passes."""

    name: str
    accuracy: Figure
    samples: int
    seeds: int = 1


@dataclass(frozen=True)
class PValue:
    """A p-value as it was claimed; `below` says that it was given as '< p'. `bound` is the least its data can give."""

    name: str
    p: Figure
    bound: Bound
    below: bool = False


@dataclass(frozen=True)
class Effect:
    """A p-value beside its effect: a standardised mean difference `d` over `units`, or a paired `table`."""

    name: str
    p: Figure
    below: bool = False
    d: Figure | None = None
    units: int = 0
    table: PairedTable | None = None


@dataclass(frozen=True)
class Retention:
    """A quality retention beside the two accuracies that it is the ratio of, all as fractions."""

    name: str
    retention: Figure
    accuracy: Figure
    baseline: Figure


@dataclass(frozen=True)
class Estimate:
    """A point estimate beside its interval."""

    name: str
    estimate: Figure
    low: Figure
    high: Figure


@dataclass(frozen=True)
class Whole:
    """A value of the whole beside the values of its parts, among which it must lie (a pooled speedup, a mean)."""

    name: str
    overall: Figure
    parts: Mapping[str, Figure]


@dataclass(frozen=True)
class Total:
    """A total in seconds beside the parts that must sum to it; `tolerance_s` is what may be lost between clocks."""

    name: str
    total_s: Figure
    parts_s: Mapping[str, Figure]
    tolerance_s: float = 0.0


@dataclass(frozen=True)
class Contained:
    """A time in seconds beside the time of what contains it."""

    name: str
    inner: str
    inner_s: Figure
    outer: str
    outer_s: Figure


@dataclass(frozen=True)
class Cell:
    """Units of evaluation of one cell of a table; `missing` names some that are neither done nor failed.

    `unplanned` counts units done or failed that nobody planned, `said` whether the table says it is incomplete.
    """

    name: str
    planned: int
    done: int
    failed: int = 0
    missing: tuple[str, ...] = ()
    unplanned: int = 0
    said: bool = False


@dataclass(frozen=True)
class Claims:
    """Everything that a record says of itself and that the checks compare."""

    accuracies: Sequence[Accuracy] = ()
    p_values: Sequence[PValue] = ()
    effects: Sequence[Effect] = ()
    retentions: Sequence[Retention] = ()
    estimates: Sequence[Estimate] = ()
    wholes: Sequence[Whole] = ()
    totals: Sequence[Total] = ()
    contained: Sequence[Contained] = ()
    cells: Sequence[Cell] = ()


def lint(claims: Claims) -> list[Finding]:
    """All eight checks over a record's claims, in order of their numbers."""
    return [
        *_all(accuracy_is_a_count, claims.accuracies),
        *_all(p_is_attainable, claims.p_values),
        *_all(p_agrees_with_effect, claims.effects),
        *_all(retention_is_its_ratio, claims.retentions),
        *_all(interval_contains_its_estimate, claims.estimates),
        *_all(whole_lies_among_its_parts, claims.wholes),
        *_all(parts_sum_to_the_total, claims.totals),
        *_all(inner_time_is_within_outer, claims.contained),
        *_all(units_add_up, claims.cells),
    ]


def accuracy_is_a_count(claim: Accuracy) -> list[Finding]:
    """Check 1: an accuracy is some k/n."""
    units = claim.samples * claim.seeds
    least, most = ceil(claim.accuracy.low * units), floor(claim.accuracy.high * units)
    if 0 <= least <= most <= units or least <= 0 <= most or least <= units <= most:
        return []
    near = min(max(round(claim.accuracy.value * units), 0), units)
    other = near - 1 if near / units > claim.accuracy.value else near + 1
    nearest = " and ".join(f"{k}/{units} = {k / units:.5f}" for k in sorted((near, other)) if 0 <= k <= units)
    return [Finding(1, claim.name, f"accuracy {claim.accuracy} is no k/{units}; the nearest are {nearest}")]


def p_is_attainable(claim: PValue) -> list[Finding]:
    """Check 2: a p-value is not below the least that its data can give."""
    sign, least = ("<" if claim.below else "=", claim.bound.least)
    impossible = claim.p.high <= least if claim.below else claim.p.high < least
    if not impossible:
        return []
    return [Finding(2, claim.name, f"p {sign} {claim.p}, but its data give at least {least:.2g} ({claim.bound.why})")]


def p_agrees_with_effect(claim: Effect) -> list[Finding]:
    """Check 3: p and effect size agree, by the t-test for a d over few units, by McNemar's for a paired table."""
    found: list[Finding] = []
    if claim.d is not None:
        low, high = _t_test_p(claim.d.high, claim.units), _t_test_p(claim.d.low, claim.units)
        found += _p_differs(claim, min(low, high), max(low, high), f"d = {claim.d} over {claim.units} units")
    if claim.table is not None:
        p, b, c = mcnemar_exact(claim.table), claim.table.only_ours, claim.table.only_baseline
        found += _p_differs(claim, p, p, f"{b} against {c} discordant pairs")
    return found


def _p_differs(claim: Effect, low: float, high: float, of: str) -> list[Finding]:
    sign = "<" if claim.below else "="
    agrees = low < claim.p.high if claim.below else low <= claim.p.high * (1 + SLACK) and claim.p.low <= high
    middle = 0.5 * (low + high)
    return [] if agrees else [Finding(3, claim.name, f"p {sign} {claim.p}, but {of} is p = {middle:.2g}")]


def _t_test_p(d: float, units: int) -> float:
    """Two-sided p of a one-sample t-test with t = d·√units (Cohen 1988, section 2.3)."""
    from scipy.special import stdtr

    return 2.0 * float(stdtr(units - 1, -abs(d) * sqrt(units)))


def retention_is_its_ratio(claim: Retention) -> list[Finding]:
    """Check 4: quality retention equals accuracy / baseline accuracy."""
    if claim.baseline.value + claim.baseline.half <= 0:
        return [Finding(4, claim.name, f"quality retention {claim.retention} over a baseline accuracy of 0")]
    least = claim.accuracy.low / claim.baseline.high
    most = claim.accuracy.high / max(claim.baseline.low, SLACK)
    if claim.retention.low <= most and least <= claim.retention.high:
        return []
    ratio = claim.accuracy.value / claim.baseline.value if claim.baseline.value else float("inf")
    said = f"{claim.accuracy} / {claim.baseline} = {100 * ratio:.1f} %, not {100 * claim.retention.value:.1f} %"
    return [Finding(4, claim.name, f"quality retention: {said}")]


def interval_contains_its_estimate(claim: Estimate) -> list[Finding]:
    """Check 5, first half: an interval contains its own point estimate."""
    if claim.low.low <= claim.estimate.high and claim.estimate.low <= claim.high.high:
        return []
    return [Finding(5, claim.name, f"estimate {claim.estimate} is outside its interval [{claim.low}, {claim.high}]")]


def whole_lies_among_its_parts(claim: Whole) -> list[Finding]:
    """Check 5, second half: an overall speedup lies among its parts' values."""
    if not claim.parts:
        return []
    least = min(claim.parts.items(), key=lambda part: part[1].value)
    most = max(claim.parts.items(), key=lambda part: part[1].value)
    if least[1].low <= claim.overall.high and claim.overall.low <= most[1].high:
        return []
    among = f"{least[1]} ({least[0]}) to {most[1]} ({most[0]})"
    return [Finding(5, claim.name, f"{claim.overall} is not among its parts' values, {among}")]


def parts_sum_to_the_total(claim: Total) -> list[Finding]:
    """Check 6: phases sum to the total, and so do the times of λ and datasets that part the same work."""
    gathered = sum(part.value for part in claim.parts_s.values())
    allowed = claim.tolerance_s + claim.total_s.half + sum(part.half for part in claim.parts_s.values())
    gap = claim.total_s.value - gathered
    if abs(gap) <= allowed + SLACK * max(1.0, claim.total_s.value):
        return []
    count = len(claim.parts_s)
    return [Finding(6, claim.name, f"{count} parts sum to {gathered:,.1f} s, not {claim.total_s} s ({gap:+,.1f} s)")]


def inner_time_is_within_outer(claim: Contained) -> list[Finding]:
    """Check 7: a stage's mean latency is not above the latency of what contains it."""
    if claim.inner_s.low <= claim.outer_s.high:
        return []
    said = f"{claim.inner}, {claim.inner_s} s, is above {claim.outer}, {claim.outer_s} s, which contains it"
    return [Finding(7, claim.name, said)]


def units_add_up(claim: Cell) -> list[Finding]:
    """Check 8: units planned = done + failed, and an incomplete cell says that it is."""
    found = []
    if claim.done + claim.failed - claim.unplanned != claim.planned:
        names = f", such as {', '.join(claim.missing[:3])}" if claim.missing else ""
        count = claim.planned - claim.done - claim.failed + claim.unplanned
        said = (
            f"{claim.planned:,} units planned, {claim.done:,} done and {claim.failed:,} failed: {count:,} unaccounted"
        )
        found.append(Finding(8, claim.name, said + names))
    if claim.unplanned:
        found.append(Finding(8, claim.name, f"{claim.unplanned:,} units were evaluated that nobody planned"))
    if claim.done < claim.planned and not claim.said:
        share = f"{claim.done:,} of {claim.planned:,}"
        found.append(Finding(8, claim.name, f"a mean over {share} planned units does not say that it is incomplete"))
    return found


def cell_of(
    name: str, planned: Collection[str], done: Collection[str], failed: Collection[str], said: bool = False
) -> Cell:
    """The ledger of a cell from the names of its units; a unit both done and failed counts as done."""
    wanted, finished = set(planned), set(done)
    lost = set(failed) - finished
    missing = tuple(sorted(wanted - finished - lost))
    return Cell(name, len(wanted), len(finished), len(lost), missing, len((finished | lost) - wanted), said)


def _all(check: Callable[[Claim], list[Finding]], claims: Iterable[Claim]) -> list[Finding]:
    return [finding for claim in claims for finding in check(claim)]
