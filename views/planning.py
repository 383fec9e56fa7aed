"""What a run would do: its first events, up to its plan, taken from the runner itself and written nowhere."""

from contextlib import closing
from typing import cast

from asd.core.event import Event
from asd.core.facts.data import DatasetLoaded
from asd.core.facts.run import RunPlanned
from asd.runners.base import Runner, flat


def planned(runner: Runner) -> list[dict[str, str]]:
    """Rows of `item` and `value`. Raises what the runner raises: a missing dataset, a changed model file."""
    rows = [_row("runner", runner.kind), _row("name", runner.name), _row("nature", str(runner.nature))]
    steps = runner.run(())
    with closing(cast("_Closes", steps)):
        for event in flat(steps):
            rows += _rows(event)
            if isinstance(event, RunPlanned):
                break
    return rows


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
