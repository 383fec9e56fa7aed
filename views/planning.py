"""What a run would do: its first events, up to its plan, taken from the runner itself and written nowhere."""

from collections.abc import Mapping
from contextlib import closing
from typing import cast

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.costs import can_pay
from asd.core.event import Event
from asd.core.facts.data import DatasetLoaded
from asd.core.facts.run import RunPlanned
from asd.runners.base import Runner, flat
from asd.runners.cascade import Cascade
from asd.store.store import Store
from asd.views.earlier import Earlier, earlier


def planned(runner: Runner, store: Store | None = None) -> list[dict[str, str]]:
    """Rows of `item` and `value`. Raises what the runner raises: a missing dataset, a changed model file.

    Runs in `store` that used the same models tell what tokens, hours and gains can be expected.
    """
    rows = [_row("runner", runner.kind), _row("name", runner.name), _row("nature", str(runner.nature))]
    steps = runner.run(())
    samples: dict[str, int] = {}
    with closing(cast("_Closes", steps)):
        for event in flat(steps):
            rows += _rows(event)
            if isinstance(event, DatasetLoaded):
                samples[event.task] = samples.get(event.task, 0) + event.samples_used
            if isinstance(event, RunPlanned):
                break
    if not isinstance(runner, Cascade):
        return rows
    known = earlier(runner, store) if store else None
    return rows + (_expected(runner, known, samples) if known else []) + _payoff(runner, known)


def _expected(runner: Cascade, known: Earlier, samples: Mapping[str, int]) -> list[dict[str, str]]:
    """Tokens and hours, from what the same models took for the same tasks."""
    rows = [_row("figures from", known.run)]
    tokens, hours = known.tokens(samples, len(runner.draws)), known.hours(samples, len(runner.draws))
    if tokens is not None:
        rows.append(_row("tokens expected", f"{tokens[0]:,.0f} read, {tokens[1]:,.0f} generated"))
    if hours is not None:
        rows.append(_row("hours expected", f"{hours:.2g}, one stage after another on the machine of that run"))
    return rows


def _payoff(runner: Cascade, known: Earlier | None) -> list[dict[str, str]]:
    """What the ladder can save at most, from costs and early-stop rates that are known before anything has run."""
    costs = expected_costs(runner) if known is None else known.costs
    tokens = max(task.max_tokens for task in runner.tasks)
    rows = [_row("most tokens an answer", f"{tokens:,}")]
    if costs is None:
        missing = "costs are not known before a run; declare them in policy.declared_costs, or run a small part first"
        return [*rows, _row("can it pay", missing)]
    best = can_pay(costs)
    verdict = "yes, if enough samples stop early" if best.can_pay else "no: the first stage costs too much"
    rows += [
        _row("relative costs", ", ".join(f"{cost:.2f}" for cost in costs / costs[0])),
        _row("largest speedup", f"{best.largest_speedup:.2f}, where every sample stops at the first stage"),
        _row("full escalation", f"costs {best.full_escalation_cost:.2f} times the last stage alone"),
        _row("break even", f"{best.break_even_early_share:.1%} of the samples stop at the first stage"),
    ]
    for lam, rate in known.early if known else ():
        most = can_pay(costs, rate).largest_speedup
        rows.append(
            _row(
                f"largest speedup, λ = {lam:g}",
                f"{most:.2f}, where {rate:.1%} stop early as there, all at the first stage",
            )
        )
    if known and known.early:
        most = max(can_pay(costs, rate).largest_speedup for _, rate in known.early)
        verdict = verdict if most > 1 else "no: too few samples stop early to pay for the first stage"
    return [*rows, _row("can it pay", verdict)]


def expected_costs(runner: Cascade) -> FloatArray | None:
    """Costs per stage as the configuration has them: declared, or parameters × draws; None where it has neither."""
    if runner.policy.declared_costs:
        return np.array(runner.policy.declared_costs, dtype=np.float64)
    work = [(getattr(stage, "parameters", None) or 0) * stage.draws for stage in runner.stages]
    return np.array(work, dtype=np.float64) if all(work) else None


class _Closes:
    def close(self) -> None:
        """Stop the work."""


def _rows(event: Event) -> list[dict[str, str]]:
    match event:
        case DatasetLoaded():
            return [_row(f"dataset {event.task} ({event.role})", f"{event.samples_used} of {event.samples} samples")]
        case RunPlanned():
            return [
                _row("stages", ", ".join(event.stages)),
                _row("λ", ", ".join(f"{lam:g}" for lam in event.lambdas)),
                _row("seeds", ", ".join(map(str, event.seeds))),
                *(_row(f"units: {name}", f"{count:,}") for name, count in event.units.items()),
                *(_row(f"question: {one.name}", one.method) for one in event.hypotheses),
            ]
    return []


def _row(item: str, value: str) -> dict[str, str]:
    return {"item": item, "value": value}
