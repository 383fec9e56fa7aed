"""Policies, and the replay of every λ and seed over the answers in hand."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.facts.analysis import LambdaChosen
from asd.core.facts.decision import PolicyFitted, SampleAnswered, StageEscalated
from asd.core.facts.predictor import RecallFitted
from asd.core.policies.base import Estimates, of_ladder
from asd.core.policies.ladders import Ladder
from asd.core.policy import (
    Decisions,
    FittedPolicy,
    OptimalStopping,
    RecallModel,
    fit_recall_on,
    full_ladder,
    judged,
    policy_from_data,
    rejudged,
)
from asd.runners.base import Step
from asd.runners.ladder import Table, after, policy_costs, spent_seconds, table
from asd.runners.settings import PolicySettings, PredictorSettings
from asd.runners.state import State

POLICY = "optimal-stopping"
EVALUATED = ("evaluate",)
SPARSE = 4
"""One price in so many is enough to compare ladders by."""
TOGETHER = 200
"""Samples whose decisions are stored in one go."""


class Replay:
    """The ladder's policies over the state: fitted on calibration samples, applied to evaluation samples."""

    def __init__(
        self,
        settings: PolicySettings,
        predictor: PredictorSettings,
        stages: int,
        lambdas: Sequence[float],
        draws: Mapping[int, int | None],
        state: State,
    ) -> None:
        """`draws` gives each seed the sampling seed whose answers it replays (None: greedy)."""
        self.settings, self.predictor, self.stages = settings, predictor, stages
        self.draws, self.state = draws, state
        self._given = tuple(lambdas)
        self._tables: dict[tuple[int, tuple[str, ...]], Table] = {}
        self._ladders: dict[int, Ladder] = {}
        self._induced: dict[tuple[float, int], FittedPolicy] = {}
        self._judged: dict[tuple[int, tuple[str, ...], bool], Estimates] = {}

    @property
    def lambdas(self) -> tuple[float, ...]:
        """Every λ that has a policy: those of the configuration, and the one that was searched for."""
        found = (one.lam for one in self.state.all(LambdaChosen))
        return tuple(dict.fromkeys((*self._given, *found)))

    @property
    def costs(self) -> FloatArray:
        """The stages' costs that decisions reckon with, stage 0 = 1: [stages]."""
        return policy_costs(self.state)

    @property
    def rule(self) -> OptimalStopping:
        """The policy of the configuration."""
        return OptimalStopping(recall=self.settings.recall, skip=self.settings.skip)

    def fit(self) -> Iterator[Step]:
        """How earlier answers are judged again, then a stopping rule for each seed and λ of the configuration."""
        if self.settings.recall:
            for seed in self.draws:
                yield from self._recall(seed)
        for lam in self._given:
            yield from self.fitted(lam)

    def fitted(self, lam: float) -> Iterator[PolicyFitted]:
        """The stopping rules of one λ as facts."""
        for seed in self.draws:
            rule = self.induce(lam, seed)
            samples = len(self.known(seed).names)
            yield PolicyFitted(policy=POLICY, lam=lam, seed=seed, samples=samples, parameters=rule.to_data())

    def induce(self, lam: float, seed: int) -> FittedPolicy:
        """The stopping rule of one λ and seed, fitted now."""
        if (lam, seed) not in self._induced:
            estimates, labels = self.estimates(seed, self.predictor.calibrates), self.known(seed).labels
            self._induced[lam, seed] = self.rule.fit(estimates, labels, self.costs, lam, ladder=self.ladder(seed))
        return self._induced[lam, seed]

    def ladder(self, seed: int) -> Ladder:
        """The stages that a seed's policies use, one choice for all prices: so a larger λ never stops earlier."""
        if seed not in self._ladders:
            estimates, labels = self.estimates(seed, self.predictor.calibrates), self.known(seed).labels
            some = self.prices[::SPARSE]
            best = self.rule.best_ladder(estimates, labels, self.costs, some) if self.settings.skip else None
            self._ladders[seed] = best or full_ladder(self.stages)
        return self._ladders[seed]

    def answer(self) -> Iterator[Step]:
        """Every escalation and every final answer, for every λ and seed, on the evaluation samples."""
        for seed in self.draws:
            seen = self.seen(seed)
            for lam in self.lambdas:
                if len(self.state.answered[lam, seed]) == len(seen.names):
                    continue
                rows = Rows(self, lam, seed)
                for start in range(0, len(seen.names), TOGETHER):
                    some = range(start, min(start + TOGETHER, len(seen.names)))
                    yield tuple(event for row in some for event in rows.events(row))

    def known(self, seed: int) -> Table:
        """The samples that policies are fitted on."""
        return self.table(seed, self.predictor.calibrates)

    def seen(self, seed: int) -> Table:
        """The samples that figures are made of."""
        return self.table(seed, EVALUATED)

    def table(self, seed: int, roles: tuple[str, ...]) -> Table:
        """The samples of one seed and some roles, gathered once: all is settled before policies are fitted."""
        if (seed, roles) not in self._tables:
            drawn = self.draws[seed]
            self._tables[seed, roles] = table(self.state, seed, roles, drawn, self.stages, self.predictor)
        return self._tables[seed, roles]

    def estimates(self, seed: int, roles: tuple[str, ...], *, skip: bool | None = None) -> Estimates:
        """What the policies are told of these samples: judged again where they recall, by ladder where they `skip`."""
        skip = self.settings.skip if skip is None else skip
        if (seed, roles, skip) not in self._judged:
            self._judged[seed, roles, skip] = self._told(seed, self.table(seed, roles), skip)
        return self._judged[seed, roles, skip]

    def policy(self, lam: float, seed: int) -> FittedPolicy:
        """The rule as its event has it."""
        fitted = next(one for one in self.state.all(PolicyFitted) if (one.lam, one.seed) == (lam, seed))
        return policy_from_data(fitted.parameters)

    def decide(self, policy: FittedPolicy, seed: int, roles: tuple[str, ...]) -> Decisions:
        """What a stopping rule decides for the samples of some roles."""
        return policy.decide(self.estimates(seed, roles), self.costs)

    @property
    def prices(self) -> tuple[float, ...]:
        """The λ that draw a frontier: even on a logarithmic scale, from a 300th of the last stage's cost to 3,000 times
        it. Between these, policies go from the first stage alone to as much quality as the ladder has."""
        last = float(self.costs[-1])
        return tuple(rounded(last * price) for price in np.geomspace(0.003, 3000.0, self.settings.prices))

    def _recall(self, seed: int) -> Iterator[RecallFitted]:
        known = self.known(seed)
        for ladder, q in known.qualities.items():
            model = fit_recall_on(q, known.labels, known.same, ladder)
            yield RecallFitted(seed=seed, stages=ladder, samples=len(known.names), parameters=model.to_data())

    def recalls(self, seed: int) -> Mapping[Ladder, RecallModel]:
        """How earlier answers are judged again, by ladder, as events have it."""
        fitted = (one for one in self.state.all(RecallFitted) if one.seed == seed)
        return {one.stages: RecallModel.from_data(one.parameters) for one in fitted}

    def _told(self, seed: int, some: Table, skip: bool) -> Estimates:
        whole = full_ladder(self.stages)
        wanted = some.qualities if skip else {whole: some.quality}
        if self.settings.recall:
            models = self.recalls(seed)
            wanted = {ladder: rejudged(models[ladder], q, some.same, ladder) for ladder, q in wanted.items()}
        return wanted if skip else wanted[whole]


def rounded(price: float) -> float:
    """A price with four digits, so that it reads well and is the same wherever it is said."""
    return float(f"{price:.4g}")


class Rows:
    """The events of one λ and seed, a sample a row."""

    def __init__(self, replay: Replay, lam: float, seed: int) -> None:
        """Decide every evaluation sample."""
        policy = replay.policy(lam, seed)
        self.seen, self.state, self.lam, self.seed = replay.seen(seed), replay.state, lam, seed
        self.costs, self.told = replay.costs, replay.predictor.told
        self.quality = judged(of_ladder(replay.estimates(seed, EVALUATED), policy.stages))
        self.decided = policy.decide(self.quality, self.costs)
        self.recall = replay.settings.recall
        self.paid = np.cumsum(np.where(self.decided.used, self.costs, 0.0), axis=1)
        self.time_s = spent_seconds(self.seen, self.decided.used)

    def events(self, row: int) -> Iterator[StageEscalated | SampleAnswered]:
        """The escalations of one sample and its final answer."""
        used = tuple(np.flatnonzero(self.decided.used[row]).tolist())
        for place, (stage, following) in enumerate(pairwise(used)):
            yield StageEscalated(
                sample=self.seen.names[row],
                policy=POLICY,
                lam=self.lam,
                seed=self.seed,
                stage=stage,
                next_stage=following,
                q=self._in_hand(row, used[: place + 1]),
                stop_value=float(self.decided.stop_value[row, stage]),
                go_value=float(self.decided.go_value[row, stage]),
                cost=float(self.paid[row, stage]),
                after=after(used[: place + 1], self.told),
            )
        yield self._answered(row, used)

    def _in_hand(self, row: int, ran: tuple[int, ...]) -> float:
        """The probability of the answer that would be given."""
        judgements = self.quality[row, ran[-1], list(ran)]
        return float(judgements.max() if self.recall else judgements[-1])

    def _answered(self, row: int, used: tuple[int, ...]) -> SampleAnswered:
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
            q=float(self.quality[row, stop, answer]),
            stop_value=float(self.decided.stop_value[row, stop]),
            go_value=go if np.isfinite(go) else None,
            cost=float(self.decided.cost[row]),
            baseline_cost=float(self.costs[-1]),
            baseline_correct=bool(self.seen.right[row, -1]),
            time_s=None if self.time_s is None else float(self.time_s[row]),
            baseline_time_s=None if seconds is None else float(seconds[row, -1]),
            basis="replayed",
            after=after(used, self.told),
        )
