"""Cascade routing, the strongest published rival, beside a run's own policies; prints the table of docs/method.md.

    asd-runner start gsm8k-recorded -o 'seeds=[42,123,456,789,999,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]'
    python benchmarks/peer.py [--store FOLDER] [RUN]

Cascade routing (Dekoninck, Baader and Vechev 2024, 'A unified approach to routing and cascading for LLMs', sections 3
and 4): after the stages R it runs the next stage of the supermodel M ⊇ R with the largest E[max of M's qualities] −
λ·cost(M), and stops where that is R itself; the answer is that of the best quality. It is told what our policies are
told: the run's estimates, judged again after each stage, those from prompts alone, its halves and its costs. A logistic
regression of these foretells stages that have not run, and how estimates change until all have run, on fitting samples,
is the covariance that the expected maximum is taken over. It needs `predictor.sub_ladders: true`.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.stats import norm, qmc

from asd.core.arrays import FloatArray, IntArray
from asd.core.calibration import fit_logistic, logit
from asd.core.facts.analysis import FrontierMeasured
from asd.core.facts.run import RunStarted
from asd.core.frontier import Path as Frontier
from asd.core.frontier import model_points
from asd.core.policies.ladders import Ladder
from asd.core.policy import RecallModel, rejudged
from asd.runners.arms import Ground
from asd.runners.ladder import Table
from asd.runners.phases.comparison import RETENTION
from asd.runners.routing import foretold
from asd.runners.state import State
from asd.store.store import Store

PEER, TUNED = "cascade-routing", "cascade-routing, λ a step"
COLUMNS = ("optimal-stopping", PEER, "portfolio", "random-mix", "threshold")
DRAWS = 256
BUDGETS = 20
SEARCHES = 100
Qualities = Mapping[Ladder, FloatArray]


@dataclass(frozen=True)
class Samples:
    """Some samples of one seed as the peer is told of them: what the run has, and estimates from prompts [m, n]."""

    table: Table
    prompts: FloatArray
    judged: Mapping[Ladder, FloatArray]

    @classmethod
    def of(cls, table: Table, prompts: FloatArray, recalls: Mapping[Ladder, RecallModel]) -> "Samples":
        """Judge again after every thing that may have run."""
        judged = {ran: rejudged(recalls[ran], q, table.same, ran) for ran, q in table.qualities.items()}
        return cls(table, prompts, judged)

    def known(self, ran: Ladder, stage: int) -> FloatArray:
        """What foretells `stage` after `ran`: [m, 2 + stages that ran]."""
        after = [logit(self.judged[ran][:, ran[-1], one]) for one in ran]
        return np.column_stack([np.ones(len(self.prompts)), logit(self.prompts[:, stage]), *after])


@dataclass(frozen=True)
class Peer:
    """What cascade routing has learned: how to foretell, and how far estimates are from what they will be."""

    costs: FloatArray
    forecasts: Mapping[tuple[Ladder, int], FloatArray]
    covariances: Mapping[Ladder, FloatArray]

    @classmethod
    def fitted(cls, known: Samples, costs: FloatArray) -> "Peer":
        """Learn from the samples that policies are fitted on."""
        right, stages = known.table.labels, range(len(costs))
        forecasts = {}
        for ran in known.judged:
            for stage in set(stages) - set(ran):
                design = known.known(ran, stage)
                start = np.eye(design.shape[1])[1]
                forecasts[ran, stage] = fit_logistic(design, right[:, stage], start, 1.0)
        learned = cls(costs, forecasts, {})
        made = learned.qualities(known)
        last = made[tuple(stages)]
        return cls(costs, forecasts, {ran: np.cov((one - last).T) for ran, one in made.items()})

    def qualities(self, some: Samples) -> Qualities:
        """The estimates [m, n] of every stage after each set that may have run, none included."""
        found = {(): some.prompts}
        for ran, judged in some.judged.items():
            table = np.empty_like(some.prompts)
            for stage in range(len(self.costs)):
                foretold = None if stage in ran else some.known(ran, stage) @ self.forecasts[ran, stage]
                table[:, stage] = judged[:, ran[-1], stage] if foretold is None else 1.0 / (1.0 + np.exp(-foretold))
            found[ran] = table
        return found

    def prospects(self, qualities: Qualities) -> dict[Ladder, tuple[list[Ladder], FloatArray]]:
        """After each set that ran, the supermodels by rising cost and the expected best quality of each [m, many]."""
        found = {}
        for ran, table in qualities.items():
            later = range(ran[-1] + 1 if ran else 0, len(self.costs))
            models = [(*ran, *more) for size in range(len(later) + 1) for more in combinations(later, size)]
            models = sorted((one for one in models if one), key=self._cost)
            best = [_expected_best(table[:, one], self.covariances[ran][np.ix_(one, one)]) for one in models]
            found[ran] = (models, np.column_stack(best))
        return found

    def decide(
        self,
        qualities: Qualities,
        prospects: Mapping[Ladder, tuple[list[Ladder], FloatArray]],
        lambdas: Sequence[float],
    ) -> tuple[IntArray, FloatArray]:
        """Each sample's answer and cost, with one λ for each step: the price of cost in units of quality."""
        samples = len(qualities[()])
        answer, cost = np.zeros(samples, dtype=np.int64), np.zeros(samples)
        running: dict[Ladder, IntArray] = {(): np.arange(samples)}
        for lam in (*lambdas, lambdas[-1]):
            going: dict[Ladder, IntArray] = {}
            for ran, rows in running.items():
                models, best = prospects[ran]
                paid = np.array([self._cost(one) for one in models])
                chosen = np.round(best[rows] - lam * paid, 8).argmax(axis=1)
                for place in np.unique(chosen):
                    mine = rows[chosen == place]
                    if models[place] == ran:
                        answer[mine] = np.array(ran)[qualities[ran][mine][:, ran].argmax(axis=1)]
                        cost[mine] = self._cost(ran)
                    else:
                        after = models[place][: len(ran) + 1]
                        going[after] = np.concatenate([going.get(after, np.empty(0, dtype=np.int64)), mine])
            running = going
        return answer, cost

    def _cost(self, stages: Ladder) -> float:
        return float(self.costs[list(stages)].sum())


def _expected_best(mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """E[max] of normal qualities with these means [m, k]: [m]."""
    count = mean.shape[1]
    if count == 1:
        return mean[:, 0]
    drawn = norm.ppf(qmc.Sobol(count, rng=np.random.default_rng(0)).random(DRAWS))
    spread = drawn @ np.linalg.cholesky(covariance + 1e-12 * np.eye(count)).T
    return np.asarray((mean[:, None, :] + spread).max(axis=2).mean(axis=1))


class Trial:
    """The peer on one seed of a run."""

    def __init__(self, ground: Ground, seed: int) -> None:
        """Fit it and foresee everything."""
        base = ground.base
        tables, recalls = (base.known(seed), base.seen(seed)), base.recalls(seed)
        known, seen = (Samples.of(one, foretold(base.state, seed, one.names), recalls) for one in tables)
        self.prices, self.costs = base.prices, base.costs / base.costs[-1]
        self.peer = Peer.fitted(known, self.costs)
        self.sides = [self._side(one) for one in (known, seen)]

    def _side(self, some: Samples) -> tuple[FloatArray, Qualities, dict[Ladder, tuple[list[Ladder], FloatArray]]]:
        qualities = self.peer.qualities(some)
        return some.table.labels, qualities, self.peer.prospects(qualities)

    def point(self, lambdas: Sequence[float], side: int = 1) -> tuple[float, float]:
        """Mean cost, the last stage's = 1, and accuracy; `side` 0 are the fitting samples."""
        right, qualities, prospects = self.sides[side]
        answer, cost = self.peer.decide(qualities, prospects, lambdas)
        return float(cost.mean()), float(right[np.arange(len(right)), answer].mean())

    def constant(self) -> Iterator[tuple[float, float]]:
        """One λ for all steps, at the prices of error of the run's own policies."""
        steps, last = len(self.costs), self.prices[-1] / self.prices[0]
        for price in np.geomspace(0.003, 0.003 * last, len(self.prices)):
            yield self.point([1.0 / price] * steps)

    def tuned(self, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
        """For each of `BUDGETS` the λ of every step that are best on fitting samples within it: of the λ that is the
        same at all steps, and of `SEARCHES` drawn around it (the authors' search, without its model of what it saw)."""
        steps = len(self.costs)
        for budget in np.linspace(0.0, 1.0, BUDGETS + 1)[1:]:
            low, high = 1e-4, 1e4
            for _ in range(30):
                middle = (low * high) ** 0.5
                low, high = (low, middle) if self.point([middle] * steps, 0)[0] <= budget else (middle, high)
            tried = [np.full(steps, high), *rng.uniform(0.0, 4.0 * high, (SEARCHES, steps))]
            within = [(one, accuracy) for one in tried for cost, accuracy in [self.point(one, 0)] if cost <= budget]
            yield self.point(max(within, key=lambda found: found[1])[0])

    def frontier(self, points: Iterator[tuple[float, float]]) -> tuple[float, float | None]:
        """Area and cost at `RETENTION`, as `frontier.measured` has them."""
        right = self.sides[1][0]
        costs, accuracies = model_points(right, self.costs)
        along, up = np.array(list(points)).T
        path = Frontier.through(along, up, (float(costs[0]), float(accuracies[0])))
        return path.area(float(costs[0])), path.cost_at(RETENTION * float(accuracies[-1]))


def measured(ground: Ground, *, tuned: bool = False) -> dict[str, list[tuple[float, float | None]]]:
    """Area and cost at `RETENTION` by policy, a pair a seed: the run's own from its events, and the peer's."""
    found: dict[str, list[tuple[float, float | None]]] = {}
    said = {(one.policy, one.seed): one for one in ground.base.state.all(FrontierMeasured)}
    for seed in ground.base.draws:
        trial = Trial(ground, seed)
        found.setdefault(PEER, []).append(trial.frontier(trial.constant()))
        if tuned:
            points = trial.tuned(np.random.default_rng(seed))
            found.setdefault(TUNED, []).append(trial.frontier(points))
        for name in COLUMNS:
            if (name, seed) in said:
                one = said[name, seed]
                found.setdefault(name, []).append((one.area, one.cost_at_retention))
    return found


def table(found: Mapping[str, Sequence[tuple[float, float | None]]]) -> str:
    """The policies by falling area, and how each differs from optimal stopping over seeds."""
    areas = {name: np.array([area for area, _ in pairs]) for name, pairs in found.items()}
    ours = areas[COLUMNS[0]]
    head = (f"policy, over {len(ours)} seeds", "area", "least to most", "less optimal stopping's", "seeds above it")
    lines = [_row((*head, "cost at 95 %")), "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name in sorted(areas, key=lambda one: -areas[one].mean()):
        mine, costs = areas[name], [cost for _, cost in found[name]]
        less = mine - ours
        spread = "" if name == COLUMNS[0] else f"{less.mean():+.4f} (sd {less.std(ddof=1):.4f})".replace("-", "−")
        above = "" if name == COLUMNS[0] else f"{int((less > 0).sum())} of {len(less)}"
        cost = "" if None in costs else f"{np.mean([one for one in costs if one is not None]):.2f}"
        lines.append(_row((name, f"{mine.mean():.4f}", f"{mine.min():.3f} to {mine.max():.3f}", spread, above, cost)))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def ground_of(state: State, files: Path) -> Ground:
    """A finished run as it decided."""
    started = state.last(RunStarted)
    assert started is not None
    return Ground.of(state, started.config, files)


def main() -> None:
    """Read the run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--store", type=Path, default=Path("asd-store"))
    parser.add_argument("--tuned", action="store_true", help="also with a λ for each step, searched for each budget")
    given = parser.parse_args()
    log = Store(given.store).run(given.run)
    state = State.of(record.event for record in log.read())
    sys.stdout.write(table(measured(ground_of(state, log.files), tuned=given.tuned)) + "\n")


if __name__ == "__main__":
    main()
