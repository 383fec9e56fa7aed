"""Policies, and the replay of every λ and seed over the answers in hand."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.facts.analysis import LambdaChosen
from asd.core.facts.decision import PolicyFitted, SampleAnswered, StageEscalated
from asd.core.policy import Decisions, FittedPolicy, OptimalStopping, policy_from_data
from asd.core.statistics.clusters import clustered_mean
from asd.runners.base import Step
from asd.runners.ladder import Table, policy_costs, spent_seconds, table
from asd.runners.outcomes import Outcomes, Tally
from asd.runners.settings import PolicySettings
from asd.runners.state import State

POLICY = "optimal-stopping"
TOGETHER = 200
"""Samples whose decisions are stored in one go."""


class Replay:
    """The ladder's policies over the state: fitted on calibration samples, applied to evaluation samples."""

    def __init__(
        self,
        settings: PolicySettings,
        stages: int,
        lambdas: Sequence[float],
        draws: dict[int, int | None],
        state: State,
    ) -> None:
        """`draws` gives each seed the sampling seed whose answers it replays (None: greedy)."""
        self.settings, self.stages, self.lambdas, self.draws, self.state = settings, stages, lambdas, draws, state
        self._tables: dict[tuple[int, str], Table] = {}

    def fit(self) -> Iterator[Step]:
        """A stopping rule for each seed and λ."""
        rule = OptimalStopping(recall=self.settings.recall, skip=self.settings.skip)
        costs = policy_costs(self.state)
        for seed in self.draws:
            known = self.table(seed, "calibrate")
            for lam in self.lambdas:
                right = known.right.astype(np.float64)
                fitted = rule.fit(known.quality, right, costs, lam, prices=tuple(self.lambdas))
                yield PolicyFitted(
                    policy=POLICY, lam=lam, seed=seed, samples=len(known.names), parameters=fitted.to_data()
                )

    def choose(self, retention: float) -> Iterator[Step]:
        """The λ that the report leads with, picked on the calibration samples, seeds averaged per sample.

        It is the fastest (by the costs that decisions reckon with) whose retention is at least `retention` with
        95 % confidence, one-sided; where none is, the one that keeps most.
        """
        seen = {lam: self._calibration(lam) for lam in self.lambdas}
        sure = [lam for lam in self.lambdas if _surely_keeps(seen[lam], retention)]
        if sure:
            best, rule = max(sure, key=lambda lam: _saved(seen[lam])), f"fastest that keeps {retention:.1%}, 95 % sure"
        else:
            best, rule = max(self.lambdas, key=lambda lam: _kept(seen[lam])), f"keeps most; none surely {retention:.1%}"
        yield LambdaChosen(
            lam=best,
            rule=rule,
            retention=_kept(seen[best]),
            speedup=_saved(seen[best]),
            samples=len(seen[best].names),
        )

    def answer(self) -> Iterator[Step]:
        """Every escalation and every final answer, for every λ and seed, on the evaluation samples."""
        for seed in self.draws:
            seen = self.table(seed, "evaluate")
            for lam in self.lambdas:
                if len(self.state.answered[lam, seed]) == len(seen.names):
                    continue
                decided = self.policy(lam, seed).decide(seen.quality, policy_costs(self.state))
                rows = Rows(seen, decided, policy_costs(self.state), self.state, lam, seed)
                for start in range(0, len(seen.names), TOGETHER):
                    some = range(start, min(start + TOGETHER, len(seen.names)))
                    yield tuple(event for row in some for event in rows.events(row))

    def table(self, seed: int, role: str) -> Table:
        """The samples of one role and seed, gathered once: what they say is settled before policies are fitted."""
        if (seed, role) not in self._tables:
            self._tables[seed, role] = table(self.state, seed, role, self.draws[seed], self.stages)
        return self._tables[seed, role]

    def policy(self, lam: float, seed: int) -> FittedPolicy:
        """The rule as its event has it."""
        fitted = next(one for one in self.state.all(PolicyFitted) if (one.lam, one.seed) == (lam, seed))
        return policy_from_data(fitted.parameters)

    def _calibration(self, lam: float) -> Outcomes:
        """What the policies of one λ do on the samples that they were calibrated on."""
        tally = Tally(self.state)
        for seed in self.draws:
            known = self.table(seed, "calibrate")
            tally.add(known, self.policy(lam, seed).decide(known.quality, policy_costs(self.state)))
        return tally.outcomes()


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


class Rows:
    """The events of one λ and seed, a sample a row."""

    def __init__(self, seen: Table, decided: Decisions, costs: FloatArray, state: State, lam: float, seed: int) -> None:
        """`costs` [stages] are those that decisions reckon with."""
        self.seen, self.decided, self.costs, self.state, self.lam, self.seed = seen, decided, costs, state, lam, seed
        self.paid = np.cumsum(np.where(decided.used, costs, 0.0), axis=1)
        self.time_s = spent_seconds(seen, decided.used)

    def events(self, row: int) -> Iterator[StageEscalated | SampleAnswered]:
        """The escalations of one sample and its final answer."""
        used = np.flatnonzero(self.decided.used[row]).tolist()
        for stage, following in pairwise(used):
            yield StageEscalated(
                sample=self.seen.names[row],
                policy=POLICY,
                lam=self.lam,
                seed=self.seed,
                stage=stage,
                next_stage=following,
                q=float(self.seen.quality[row, stage]),
                stop_value=float(self.decided.stop_value[row, stage]),
                go_value=float(self.decided.go_value[row, stage]),
                cost=float(self.paid[row, stage]),
            )
        yield self._answered(row)

    def _answered(self, row: int) -> SampleAnswered:
        stop, answer = int(self.decided.stop_stage[row]), int(self.decided.answer_stage[row])
        go = float(self.decided.go_value[row, stop])
        seconds = self.seen.seconds
        return SampleAnswered(
            sample=self.seen.names[row],
            task=self.state.planned[self.seen.names[row]].task,
            policy=POLICY,
            lam=self.lam,
            seed=self.seed,
            stage=stop,
            answer_stage=answer,
            early=answer < len(self.costs) - 1,
            correct=bool(self.seen.right[row, answer]),
            q=float(self.seen.quality[row, answer]),
            stop_value=float(self.decided.stop_value[row, stop]),
            go_value=go if np.isfinite(go) else None,
            cost=float(self.decided.cost[row]),
            baseline_cost=float(self.costs[-1]),
            baseline_correct=bool(self.seen.right[row, -1]),
            time_s=None if self.time_s is None else float(self.time_s[row]),
            baseline_time_s=None if seconds is None else float(seconds[row, -1]),
            basis="replayed",
        )
