"""What an earlier run of the same models tells about one that has not begun."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.facts.cost import CostMeasured
from asd.core.facts.run import RunStarted
from asd.runners.cascade import Cascade
from asd.store.catalogue import Catalogue
from asd.store.files import FileLog
from asd.store.store import Store

_ANSWERS = """
SELECT task, stage, count(DISTINCT sample) AS samples, count(*) AS answers, sum(input_tokens) AS read,
    sum(output_tokens) AS written, CASE WHEN count(busy_s) = count(*) THEN sum(busy_s) END AS busy_s
FROM sample_generated GROUP BY task, stage
"""
_EARLY = """
SELECT lam, avg(early::INT) AS rate FROM sample_answered GROUP BY lam ORDER BY lam
"""


@dataclass(frozen=True)
class Earlier:
    """Figures of the run named `run`: policy costs [stages]; means per answer by task and stage of tokens read, tokens
    written, and busy seconds (None where answers have no times); and the early-stop rate by λ."""

    run: str
    costs: FloatArray
    answers: Mapping[tuple[str, int], tuple[float, float, float | None]]
    early: tuple[tuple[float, float], ...]

    def tokens(self, samples: Mapping[str, int], draws: int) -> tuple[float, float] | None:
        """Tokens read and written for so many `samples` by task, every stage once a draw; None for an unknown task."""
        means = self._means(samples)
        if means is None:
            return None
        return sum(n * one[0] for n, one in means) * draws, sum(n * one[1] for n, one in means) * draws

    def hours(self, samples: Mapping[str, int], draws: int) -> float | None:
        """Hours of generation, stage after stage; None where that is not known of every task."""
        seconds = [(n, one[2]) for n, one in self._means(samples) or ()]
        known = [n * busy for n, busy in seconds if busy is not None]
        return sum(known) * draws / 3600 if known and len(known) == len(seconds) else None

    def _means(self, samples: Mapping[str, int]) -> list[tuple[int, tuple[float, float, float | None]]] | None:
        asked = [(task, stage) for task in samples for stage in range(len(self.costs))]
        if any(key not in self.answers for key in asked):
            return None
        return [(samples[task], self.answers[task, stage]) for task, stage in asked]


def earlier(runner: Cascade, store: Store) -> Earlier | None:
    """The newest run in `store` with the same models in the same order whose costs were measured."""
    models = [stage.model for stage in runner.stages]
    for name in reversed(store.runs()):
        log = store.run(name)
        started = next((one.event for one in log.read(only=(RunStarted,))), None)
        if isinstance(started, RunStarted) and started.runner == Cascade.kind:
            costs = [one.event for one in log.read(only=(CostMeasured,)) if isinstance(one.event, CostMeasured)]
            if [one.model for one in sorted(costs, key=lambda one: one.stage)] == models:
                return _figures(log, np.array([one.policy_cost for one in costs], dtype=np.float64))
    return None


def _figures(log: FileLog, costs: FloatArray) -> Earlier:
    catalogue = Catalogue([log])
    try:
        answers = {
            (row["task"], row["stage"]): (
                row["read"] / row["answers"],
                row["written"] / row["answers"],
                None if row["busy_s"] is None else row["busy_s"] / row["answers"],
            )
            for row in catalogue.sql(_ANSWERS).to_pylist()
        }
        early = tuple((row["lam"], row["rate"]) for row in catalogue.sql(_EARLY).to_pylist())
    finally:
        catalogue.close()
    return Earlier(log.run, costs, answers, early)
