"""Sentences filled from events: the verdict, the abstract, the method."""

from collections.abc import Sequence

from asd.views.digits import NOT_RECORDED, p_value
from asd.views.document import Row
from asd.views.session import Session


def overall(session: Session) -> Row | None:
    """The main table's row over all datasets at the chosen λ: its last one."""
    rows = session.rows("results")
    return rows[-1] if rows else None


def verdict(session: Session) -> str:
    """Whether the ladder pays at the λ that calibration chose, said plainly, and why where it does not."""
    row = overall(session)
    chosen = session.catalogue.sql("SELECT lam, rule, retention, speedup FROM lambda_chosen").to_pylist()
    if row is None or not chosen:
        return f"Whether the ladder pays: {NOT_RECORDED}; no λ was chosen on calibration samples."
    kept, gained = float(str(row["quality_retention"] or 0)), float(str(row["speedup"]))
    margin = session.catalogue.sql("SELECT retention_margin FROM run_planned").to_pylist()
    said = (
        f"At λ = {chosen[0]['lam']:g}, chosen on calibration samples by the rule '{chosen[0]['rule']}', the ladder "
        f"keeps {kept:.3f} of the baseline's accuracy at a speedup of {gained:.2f} (in {_unit(row)}) on "
        f"{row['samples']} evaluation samples."
    )
    pays = _pays(session, kept, gained, margin[0]["retention_margin"] if margin else None)
    return f"{said} {pays}".rstrip() + incomplete(session)


def incomplete(session: Session) -> str:
    """What a figure over all samples must say where some are missing: how many of the planned answers it holds."""
    rows = [row for row in session.rows("completeness") if row["unit"] == "answered" and row["missing"]]
    told = [f" Incomplete: {row['done']:,} of {row['planned']:,} planned decisions are in it." for row in rows]
    return "".join(told)


def _unit(row: Row) -> str:
    return {"s": "seconds", "cost": "cost"}[str(row["speedup_unit"])]


def _pays(session: Session, kept: float, gained: float, margin: float | None) -> str:
    if margin is None:
        return "No margin was fixed before the run."
    if kept >= margin and gained >= 1:
        return f"That is at least the {margin:.1%} fixed before the run{_shown(session)}."
    reasons = [] if kept >= margin else [f"it keeps less than the {margin:.1%} fixed before the run"]
    if gained < 1:
        reasons.append("it takes longer than the last stage alone")
    return f"It does not pay: {' and '.join(reasons)}. {_why(session)}"


def _shown(session: Session) -> str:
    """What the planned test of non-inferiority says, if there was one."""
    tests = [row for row in session.rows("statistics") if row["name"] == "quality-retention" and not row["exploratory"]]
    alpha = session.catalogue.sql("SELECT alpha FROM run_planned").to_pylist()
    if not tests or not isinstance(tests[-1]["p_value"], float) or not alpha:
        return ", as a point estimate"
    p, level = tests[-1]["p_value"], alpha[0]["alpha"]
    if p <= level:
        return f", and is shown by a one-sided test (p {_p(p)}, level {level:g})"
    return f" as a point estimate; a one-sided test does not show it (p {_p(p)}, level {level:g})"


def _p(p: float) -> str:
    return p_value(p) if p < 0.001 else f"= {p_value(p)}"


def _why(session: Session) -> str:
    """What stands in the way, in figures: costs too close together, or stages that are wrong too often."""
    stages = session.rows("stages")
    costs = [row["relative_cost"] or row["policy_cost"] for row in stages]
    told = [f"stage {row['stage']}: {_share(row['accuracy'])}" for row in stages]
    dear = [f"{float(str(cost)):.2f}" for cost in costs if cost is not None]
    return f"Accuracy alone: {', '.join(told)}; costs: {', '.join(dear) or NOT_RECORDED}."


def _share(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else NOT_RECORDED


def abstract(session: Session) -> str:
    """The sentence for the abstract."""
    row = overall(session)
    if row is None:
        return f"For the abstract: {NOT_RECORDED}; no sample was answered."
    tasks = [one for one in session.rows("results") if one["task"] != "all"]
    times = "" if row["speedup_unit"] == "s" else " in cost"
    kept = float(str(row["quality_retention"] or 0))
    return (
        f"We achieve {row['speedup']:.2f}× speedup{times} while retaining {kept:.1%} quality, evaluated on "
        f"{row['samples']:,} samples across {_count(len(tasks), 'benchmark dataset')}.{incomplete(session)}"
    )


def method(session: Session) -> str:
    """The paragraph for the method section."""
    plan = session.catalogue.sql("SELECT lambdas, seeds, confidence, alpha FROM run_planned").to_pylist()
    stages = [str(row["model"]) for row in session.rows("stages")]
    if not plan or not stages:
        return f"For the method: {NOT_RECORDED}; no plan was logged."
    lambdas = ", ".join(f"{lam:g}" for lam in plan[0]["lambdas"])
    return (
        f"The ladder has {_count(len(stages), 'stage')} ({', '.join(stages)}). Every stage answered every sample once; "
        f"decisions for λ in {{{lambdas}}} and {_count(len(plan[0]['seeds']), 'seed')} are replayed over those "
        f"answers. {_predictor(session)}After each stage the policy stops when the expected loss of the answer in "
        "hand, λ(1 − q), is at most the least expected cost of going on, by backward induction on calibration "
        f"samples. Intervals have confidence {plan[0]['confidence']:g}; the significance level is {plan[0]['alpha']:g}."
    )


def _predictor(session: Session) -> str:
    rows = session.rows("training")
    if not rows:
        return ""
    first = rows[0]
    return (
        f"q comes from a network with {first['features']} features and hidden layers of {first['hidden']}, dropout "
        f"{first['dropout']:g}, fitted on {_range([int(str(row['samples'])) for row in rows])} samples per seed and "
        "calibrated on held-out ones. "
    )


def _range(values: Sequence[int]) -> str:
    return f"{min(values):,}" if min(values) == max(values) else f"{min(values):,} to {max(values):,}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
