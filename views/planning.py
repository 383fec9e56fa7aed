"""What a run would do: its first events, up to its plan, taken from the runner itself and written nowhere."""

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


def planned(runner: Runner) -> list[dict[str, str]]:
    """Rows of `item` and `value`. Raises what the runner raises: a missing dataset, a changed model file."""
    rows = [_row("runner", runner.kind), _row("name", runner.name), _row("nature", str(runner.nature))]
    steps = runner.run(())
    with closing(cast("_Closes", steps)):
        for event in flat(steps):
            rows += _rows(event)
            if isinstance(event, RunPlanned):
                break
    return rows + (_payoff(runner) if isinstance(runner, Cascade) else [])


def _payoff(runner: Cascade) -> list[dict[str, str]]:
    """What the ladder can save at most, from costs that are known before anything has run."""
    costs = expected_costs(runner)
    tokens = max(task.max_tokens for task in runner.tasks)
    rows = [_row("most tokens an answer", f"{tokens:,}")]
    if costs is None:
        return [*rows, _row("can it pay", "costs are not known before a run; declare them in policy.declared_costs")]
    best = can_pay(costs)
    return [
        *rows,
        _row("relative costs", ", ".join(f"{cost:.2f}" for cost in costs / costs[0])),
        _row("largest speedup", f"{best.largest_speedup:.2f}, where every sample stops at the first stage"),
        _row("full escalation", f"costs {best.full_escalation_cost:.2f} times the last stage alone"),
        _row("break even", f"{best.break_even_early_share:.1%} of the samples stop at the first stage"),
        _row(
            "can it pay", "yes, if enough samples stop early" if best.can_pay else "no: the first stage costs too much"
        ),
    ]


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
