"""The policies beside each other, on the evaluation samples of each seed: points, and what each frontier comes to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.facts.analysis import FrontierMeasured, LambdaChosen, PolicyEvaluated
from asd.core.frontier import Path, area, cost_at_retention, model_points, oracle_gap_closed
from asd.core.policies.base import Estimates
from asd.core.policy import (
    AlwaysStage,
    Decisions,
    FittedPolicy,
    Myopic,
    Oracle,
    RandomMix,
    Router,
    SubLadderPortfolio,
    Threshold,
    sub_ladders,
)
from asd.runners.base import Step
from asd.runners.ladder import policy_costs
from asd.runners.phases.decisions import EVALUATED, POLICY, Replay
from asd.runners.routing import ROUTER, Routing, foretold

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
BUDGETS = (0.2, 0.4, 0.6, 0.8)
RETENTION = 0.95
"""Costs of frontiers are compared where this share of the last stage's accuracy is kept."""
ALL = "all"


@dataclass(frozen=True)
class Trial:
    """A fitted policy at one setting, and the estimates that it is told of the evaluation samples."""

    policy: str
    setting: str
    fitted: FittedPolicy
    told: Estimates
    on_path: bool = False


def compare(replay: Replay, routers: Iterable[Routing]) -> Iterator[Step]:
    """`policy.evaluated` for each policy, setting, task and seed (task "all" is every sample together, the only one for
    prices that are there to draw the frontier), then `frontier.measured` for each policy and seed."""
    chosen = replay.state.last(LambdaChosen)
    for seed, router in zip(replay.draws, routers, strict=True):
        yield from router.steps()
        paths: dict[str, list[tuple[float, float]]] = defaultdict(list)
        rows = _rows_by_task(replay, seed)
        for trial in Trials(replay, seed).all():
            decided = trial.fitted.decide(trial.told, policy_costs(replay.state))
            mark = chosen is not None and trial.policy == POLICY and trial.setting == _priced(chosen.lam)
            points = [
                _evaluated(trial, task, seed, decided, some, replay, mark)
                for task, some in rows.items()
                if task == ALL or not trial.on_path
            ]
            paths[trial.policy].append((points[-1].cost, points[-1].accuracy))
            yield tuple(points)
        yield from _frontiers(replay, seed, paths)


class Trials:
    """Every policy at every setting for one seed, fitted on the samples that policies are fitted on."""

    def __init__(self, replay: Replay, seed: int) -> None:
        """The router's network has been asked already."""
        self.replay, self.seed = replay, seed
        self.costs, self.known, self.seen = policy_costs(replay.state), replay.known(seed), replay.seen(seed)
        self.asked = [foretold(replay.state, seed, some.names) for some in (self.known, self.seen)]

    def all(self) -> Iterator[Trial]:
        """Fixed settings first, then the policies that have one at each price."""
        yield from self._fixed()
        for lam in sorted({*self.replay.lambdas, *self.replay.prices}):
            yield from self._at(lam, on_path=lam not in self.replay.lambdas)

    def _fixed(self) -> Iterator[Trial]:
        q, right, seen = self.known.quality, self.known.labels, self.seen.quality
        for stage in range(self.replay.stages):
            yield Trial("always", f"stage {stage}", AlwaysStage(stage).fit(q, right, self.costs, 1.0), seen)
        for budget in BUDGETS:
            mix = RandomMix(budget=float(self.costs[-1]) * budget, seed=self.seed)
            yield Trial("random-mix", f"budget {budget:g}", mix.fit(q, right, self.costs, 1.0), seen)
        for threshold in THRESHOLDS:
            fitted = Threshold(threshold).fit(q, right, self.costs, 1.0)
            yield Trial("threshold", f"q ≥ {threshold:g}", fitted, seen)

    def _at(self, lam: float, *, on_path: bool) -> Iterator[Trial]:
        q, right, costs, seen = self.known.quality, self.known.labels, self.costs, self.seen.quality
        recall, roles = self.replay.settings.recall, self.replay.predictor.calibrates
        yield self._trial("threshold", lam, Threshold().fit(q, right, costs, lam), seen, on_path)
        fitted = Myopic(recall=recall).fit(self._told(roles), right, costs, lam)
        yield self._trial("myopic", lam, fitted, self._told(EVALUATED), on_path)
        ours = self.replay.policy(lam, self.seed) if not on_path else self.replay.induce(lam, self.seed)
        yield self._trial(POLICY, lam, ours, self.replay.estimates(self.seed, EVALUATED), on_path)
        if sub_ladders(self.replay.stages)[0] in self.known.qualities:
            told = [self.replay.estimates(self.seed, some, skip=True) for some in (roles, EVALUATED)]
            fitted = SubLadderPortfolio(recall=recall).fit(told[0], right, costs, lam)
            yield self._trial("portfolio", lam, fitted, told[1], on_path)
        yield self._trial(ROUTER, lam, Router().fit(self.asked[0], right, costs, lam), self.asked[1], on_path)
        yield self._trial("oracle", lam, Oracle().fit(q, right, costs, lam), self.seen.labels, on_path)

    def _told(self, roles: tuple[str, ...]) -> Estimates:
        return self.replay.estimates(self.seed, roles, skip=False)

    def _trial(self, policy: str, lam: float, fitted: FittedPolicy, told: Estimates, on_path: bool) -> Trial:
        return Trial(policy, _priced(lam), fitted, told, on_path)


def _priced(lam: float) -> str:
    return f"λ = {lam:g}"


def _rows_by_task(replay: Replay, seed: int) -> dict[str, IntArray]:
    found: dict[str, list[int]] = defaultdict(list)
    names = replay.seen(seed).names
    for row, name in enumerate(names):
        found[replay.state.planned[name].task].append(row)
    return {task: np.array(rows) for task, rows in found.items()} | {ALL: np.arange(len(names))}


def _evaluated(
    trial: Trial, task: str, seed: int, decided: Decisions, rows: IntArray, replay: Replay, chosen: bool
) -> PolicyEvaluated:
    answer = decided.answer_stage[rows]
    correct = int(replay.seen(seed).right[rows, answer].sum())
    return PolicyEvaluated(
        policy=trial.policy,
        setting=trial.setting,
        task=task,
        seed=seed,
        samples=len(rows),
        correct=correct,
        accuracy=correct / len(rows),
        cost=float(decided.cost[rows].mean() / policy_costs(replay.state)[-1]),
        early_stop_rate=float((answer < replay.stages - 1).mean()),
        basis="replayed",
        chosen=chosen,
        on_path=trial.on_path,
    )


def _frontiers(replay: Replay, seed: int, paths: dict[str, list[tuple[float, float]]]) -> Iterator[FrontierMeasured]:
    """Each policy's area and cost at `RETENTION`. The single models' frontier is their hull: all that mixing them at
    random can give, whatever the shares; it is named random-mix."""
    costs, accuracies = model_points(replay.seen(seed).labels, policy_costs(replay.state))
    if costs[0] >= costs[-1]:
        return  # the first stage costs as much as the last: there is no range of costs to compare policies over
    mixed = area(costs, accuracies, costs[0])
    start, last = (float(costs[0]), float(accuracies[0])), float(accuracies[-1])
    drawn = {name: _through(points, start) for name, points in paths.items()}
    ideal = drawn["oracle"].area(costs[0])
    yield _frontier(
        "random-mix", seed, costs, accuracies, mixed, cost_at_retention(costs, accuracies, last, RETENTION), 0.0
    )
    for name, path in drawn.items():
        if name in ("always", "random-mix"):
            continue
        mean = path.area(costs[0])
        gap = oracle_gap_closed(mean, mixed, ideal)
        yield _frontier(name, seed, path.costs, path.accuracies, mean, path.cost_at(RETENTION * last), gap)


def _through(points: list[tuple[float, float]], start: tuple[float, float]) -> Path:
    costs, accuracies = np.array(points).T
    return Path.through(costs, accuracies, start)


def _frontier(
    policy: str,
    seed: int,
    costs: FloatArray,
    accuracies: FloatArray,
    mean: float,
    cost: float | None,
    gap: float,
) -> FrontierMeasured:
    return FrontierMeasured(
        policy=policy,
        seed=seed,
        points=len(costs),
        area=mean,
        hull_area=area(costs, accuracies, float(costs[0])),
        retention=RETENTION,
        cost_at_retention=cost,
        gap_closed=gap if np.isfinite(gap) else None,
    )
