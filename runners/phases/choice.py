"""Which λ the report leads with: the best of those given, or one searched for a budget or a retention.

Everything here looks at the samples that policies are fitted on, never at those that figures are made of.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

from asd.core.facts.analysis import LambdaChosen
from asd.core.statistics.clusters import clustered_mean
from asd.runners.base import Step
from asd.runners.outcomes import Outcomes, Tally
from asd.runners.phases.decisions import Replay, rounded

HALVINGS = 8
"""How often the gap between two prices is halved: from a factor of 1.4 down to a thousandth."""


def choose(replay: Replay, retention: float) -> Iterator[Step]:
    """The λ that the report leads with, and where it was searched for, its policies.

    Of the λ given it is the fastest (by the costs that decisions reckon with) whose retention is at least `retention`
    with 95 % confidence, one-sided; where none is, the one that keeps most. With a budget it is the largest λ whose
    mean cost is within it; with a retention the least λ that keeps as much, as surely.
    """
    settings = replay.settings
    search = Search(replay)
    if settings.budget is not None:
        lam, rule = search.within(settings.budget)
    elif settings.retention is not None:
        lam, rule = search.keeping(settings.retention)
    else:
        lam, rule = search.fastest(retention)
    if settings.searched:
        yield from replay.fitted(lam)
    seen = search.outcomes(lam)
    yield LambdaChosen(lam=lam, rule=rule, retention=_kept(seen), speedup=_saved(seen), samples=len(seen.names))


class Search:
    """What policies do on the samples that they are fitted on, λ by λ."""

    def __init__(self, replay: Replay) -> None:
        """Nothing is tried yet."""
        self.replay = replay
        self._tried: dict[float, Outcomes] = {}

    def outcomes(self, lam: float) -> Outcomes:
        """Seeds averaged per sample."""
        if lam not in self._tried:
            tally, roles = Tally(self.replay.state), self.replay.predictor.calibrates
            for seed in self.replay.draws:
                decided = self.replay.decide(self.replay.induce(lam, seed), seed, roles)
                tally.add(self.replay.known(seed), decided)
            self._tried[lam] = tally.outcomes()
        return self._tried[lam]

    def fastest(self, retention: float) -> tuple[float, str]:
        """The best of the λ given."""
        seen = {lam: self.outcomes(lam) for lam in self.replay.lambdas}
        sure = [lam for lam, one in seen.items() if _surely_keeps(one, retention)]
        if sure:
            return max(sure, key=lambda lam: _saved(seen[lam])), f"fastest that keeps {retention:.1%}, 95 % sure"
        return max(seen, key=lambda lam: _kept(seen[lam])), f"keeps most; none surely {retention:.1%}"

    def within(self, budget: float) -> tuple[float, str]:
        """The largest λ whose mean cost is at most `budget`, the last stage alone = 1."""
        last = float(self.replay.costs[-1])
        dear = self._first(lambda lam: float(self.outcomes(lam).cost.mean()) > budget * last)
        if dear is None:
            return self._grid()[-1], f"all that the ladder has costs less than {budget:g} of the last stage"
        affordable, _ = dear
        if affordable is None:
            return self._grid()[0], f"the cheapest; none costs as little as {budget:g} of the last stage"
        return affordable, f"the most quality within {budget:g} of the last stage's cost"

    def keeping(self, retention: float) -> tuple[float, str]:
        """The least λ that keeps `retention` of the last stage's accuracy with 95 % confidence."""
        enough = self._first(lambda lam: _surely_keeps(self.outcomes(lam), retention))
        if enough is None:
            best = max(self._grid(), key=lambda lam: _kept(self.outcomes(lam)))
            return best, f"keeps most; none surely {retention:.1%}"
        return enough[1], f"the least λ that keeps {retention:.1%}, 95 % sure"

    def _grid(self) -> list[float]:
        """Prices to try; the λ given are answered anyway."""
        return [price for price in self.replay.prices if price not in self.replay.lambdas]

    def _first(self, holds: Callable[[float], bool]) -> tuple[float | None, float] | None:
        """The last price before the first at which a condition holds (None: it holds at once), and that price."""
        grid = self._grid()
        if holds(grid[0]):
            return None, grid[0]
        for below, above in pairwise(grid):
            if holds(above):
                return self._halved(below, above, holds)
        return None

    def _halved(self, below: float, above: float, holds: Callable[[float], bool]) -> tuple[float, float]:
        for _ in range(HALVINGS):
            middle = rounded((below * above) ** 0.5)
            if middle in (below, above, *self.replay.lambdas):
                break
            below, above = (below, middle) if holds(middle) else (middle, above)
        return below, above


def _kept(seen: Outcomes) -> float:
    base = float(seen.baseline_right.sum())
    return float(seen.right.sum()) / base if base else 1.0


def _saved(seen: Outcomes) -> float:
    return float(seen.baseline_cost.sum() / seen.cost.sum())


def _surely_keeps(seen: Outcomes, retention: float) -> bool:
    """One-sided t at 5 % of accuracy − retention × baseline accuracy, by clusters where there are any."""
    kept = clustered_mean(seen.right - retention * seen.baseline_right, seen.groups)
    if kept.standard_error == 0:
        return kept.mean >= 0
    return kept.mean > 0 and kept.p_value / 2 <= 0.05
