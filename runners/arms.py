"""The arms of ablations: a finished run's samples decided again, with one part of the method changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from asd.core import calibration
from asd.core.arrays import FloatArray
from asd.core.costs import CostModel, cost_accuracy
from asd.core.errors import UsageError
from asd.core.event import JsonObject
from asd.core.facts.analysis import LambdaChosen
from asd.core.facts.cost import CostMeasured
from asd.core.facts.predictor import PredictorTrained
from asd.core.features import INFORMATION_SETS, InformationSet, information_mask
from asd.core.policies.ladders import Ladder
from asd.core.policy import Decisions, Myopic, RecallModel, Threshold, fit_recall_on, sub_ladders
from asd.runners.ensemble import Ensemble, stored_ensemble
from asd.runners.featuring import Features
from asd.runners.ladder import Table, contexts, quality_table, tokens
from asd.runners.outcomes import Outcomes, Tally
from asd.runners.phases.decisions import EVALUATED, Replay
from asd.runners.predictor import Predictor
from asd.runners.settings import AnalysisSettings, PolicySettings, PredictorSettings
from asd.runners.state import State

NAMES: dict[InformationSet, str] = {
    "prompt": "prompt",
    "answer": "+ answer",
    "logprobs": "+ log-probabilities",
    "agreement": "+ agreement",
}


@dataclass(frozen=True)
class Measured:
    """What an arm comes to; `cost_accuracy` where it foretells costs."""

    name: str
    outcomes: Outcomes
    cost_accuracy: float | None
    details: JsonObject


@dataclass(frozen=True)
class Arm:
    """One way to decide: decisions for a seed's evaluation samples, and seconds foretold [samples, stages], if any.

    Without `predictor` its time is not paid. `details` are told with the arm's figures.
    """

    name: str
    base: Replay
    decide: Callable[[int], Decisions]
    foretold: Callable[[int], FloatArray] | None = None
    predictor: bool = True
    details: Callable[[], JsonObject] = dict

    def measured(self) -> Measured:
        """Decide all seeds and count."""
        tally, predicted, spent = Tally(self.base.state), 0.0, 0.0
        for seed in self.base.draws:
            seen, decided = self.base.seen(seed), self.decide(seed)
            tally.add(seen, decided, predictor=self.predictor)
            if self.foretold is not None and seen.seconds is not None:
                predicted += float(np.where(decided.used, self.foretold(seed), 0.0).sum())
                spent += float(np.where(decided.used, seen.seconds, 0.0).sum())
        accuracy = cost_accuracy(predicted, spent) if spent else None
        return Measured(self.name, tally.outcomes(), accuracy, self.details())


@dataclass(frozen=True)
class Ground:
    """A finished run as it decided, and what its networks can still be asked."""

    base: Replay
    predictor: PredictorSettings
    policy: PolicySettings
    analysis: AnalysisSettings
    lam: float
    files: Path
    _features: dict[tuple[str, ...], Features] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State, config: JsonObject, files: Path) -> "Ground":
        """Read a cascade's configuration. Raises `UsageError` where it chose no λ."""
        chosen = state.last(LambdaChosen)
        if chosen is None:
            raise UsageError("the run chose no λ; ablations are measured at the chosen one")
        predictor = PredictorSettings.model_validate(config["predictor"])
        policy = PolicySettings.model_validate(config["policy"])
        draws = {seed: seed if config["temperature"] > 0 else None for seed in config["seeds"]}
        base = Replay(policy, predictor, len(config["stages"]), config["lambdas"], draws, state)
        return cls(base, predictor, policy, AnalysisSettings.model_validate(config["analysis"]), chosen.lam, files)

    def arms(self, name: str) -> list[Arm]:
        """The arms of one ablation; the last leaves the part out."""
        made: dict[str, Callable[[], Iterator[Arm]]] = {
            "predictor": self._predictor,
            "costs": self._costs,
            "ladder": self._ladder,
            "information": self._information,
            "policy": self._policy,
        }
        return list(made[name]())

    def ensemble(self, seed: int) -> Ensemble:
        """The networks of one seed, as they were stored."""
        trained = next(one for one in self.base.state.all(PredictorTrained) if one.seed == seed)
        return stored_ensemble(self.files / trained.file, trained.sha256)

    def asked(self, settings: PredictorSettings, seed: int) -> Predictor:
        """A predictor with these settings over the run's answers; features are computed once for all seeds."""
        known = settings.information
        features = self._features.setdefault(known, Features(self.base.state, information_mask(known)))
        return Predictor(settings, self.base.stages, self.base.state, features, seed, self.base.draws[seed])

    def _stopping(self, name: str, variant: Replay, **more: object) -> Arm:
        def decide(seed: int) -> Decisions:
            return variant.decide(variant.induce(self.lam, seed), seed, EVALUATED)

        return replace(Arm(name, self.base, decide), **more)  # type: ignore[arg-type]

    def _predictor(self) -> Iterator[Arm]:
        """Without the predictor a stage's answer is as likely right as that stage's are on average."""
        yield self._stopping("on", self.base)

        def blind(seed: int) -> Decisions:
            labels, costs = self.base.known(seed).labels, self.base.costs
            mean, seen = labels.mean(axis=0), len(self.base.seen(seed).names)
            fitted = self.base.rule.fit(np.tile(mean, (len(labels), 1)), labels, costs, self.lam)
            return fitted.decide(np.tile(mean, (seen, 1)), costs)

        yield Arm("off", self.base, blind, predictor=False)

    def _costs(self) -> Iterator[Arm]:
        """Decisions with measured and with theoretical costs, and how well each foretells the seconds of the run."""
        stages = self.base.state.all(CostMeasured)
        columns = {
            "measured": [one.relative_cost for one in stages],
            "theoretical": [one.theoretical_cost for one in stages],
        }
        for name, column in columns.items():
            if None not in column:
                variant = Variant(self, costs=np.array(column, dtype=np.float64))
                yield self._stopping(name, variant, foretold=lambda seed, name=name: self._foretold(name, seed))

    def _foretold(self, model: str, seed: int) -> FloatArray:
        """Seconds per sample and stage as a cost model has them; the theoretical one is scaled by stage 0's mean."""
        stages, names = self.base.state.all(CostMeasured), self.base.seen(seed).names
        if model == "theoretical":
            return np.array([(one.theoretical_cost or 0.0) * (stages[0].mean_s or 0.0) for one in stages])
        counts = tokens(self.base.state, names, self.base.draws[seed], self.base.stages)
        columns = [_model(one).predict(counts[:, i, 0], counts[:, i, 1]) for i, one in enumerate(stages)]
        return np.column_stack(columns)

    def _ladder(self) -> Iterator[Arm]:
        """Which stages run, and whether an earlier answer may be given: last comes the plain chain."""
        judge = self._sub_ladders()
        for name, recall, skip in (("recall and skip", True, True), ("recall", True, False), ("skip", False, True)):
            yield self._stopping(name, Variant(self, judge=judge, recall=recall, skip=skip))
        last = self.base.stages - 1
        for stage in range(last):
            pair = Variant(self, judge=judge, recall=False, skip=True, ladder=(stage, last))
            yield self._stopping(f"pair {stage}, {last}", pair)
        yield self._stopping("full", Variant(self, recall=False, skip=False))

    def _sub_ladders(self) -> "Judge | None":
        """Estimates for sub-ladders, None where the log has them."""
        known = self.base.known(next(iter(self.base.draws))).qualities
        if all(one in known for one in sub_ladders(self.base.stages)):
            return None
        return Judge(self, self.predictor.model_copy(update={"sub_ladders": True}))

    def _information(self) -> Iterator[Arm]:
        """What the predictor may read: last comes the prompt alone. Each set is another training."""
        known = [one for one in INFORMATION_SETS if one in self.predictor.information and self._recorded(one)]
        for many in range(len(known), 0, -1):
            information = self.predictor.information if many == len(known) else tuple(known[:many])
            judge = Judge(self, self.predictor.model_copy(update={"information": information}))
            yield self._stopping(NAMES[known[many - 1]], Variant(self, judge=judge), details=judge.details)

    def _recorded(self, information: InformationSet) -> bool:
        answers = self.base.state.generated.values()
        return information != "logprobs" or any(one.logprobs is not None for one in answers)

    def _policy(self) -> Iterator[Arm]:
        """How estimates are calibrated, and what is made of them: last come thresholds."""
        judges = {method: Judge(self, self.predictor, (method,)) for method in calibration.METHODS}
        for method, judge in judges.items():
            yield self._stopping(f"optimal stopping, {method}", Variant(self, judge=judge))
        for method, judge in judges.items():
            yield Arm(f"myopic, {method}", self.base, self._myopic(Variant(self, judge=judge, skip=False)))
        for method, judge in judges.items():
            yield Arm(f"threshold, {method}", self.base, self._threshold(Variant(self, judge=judge)))

    def _myopic(self, variant: "Variant") -> Callable[[int], Decisions]:
        def decide(seed: int) -> Decisions:
            known, told = variant.known(seed), variant.estimates(seed, self.predictor.calibrates)
            fitted = Myopic(recall=self.policy.recall).fit(told, known.labels, variant.costs, self.lam)
            return variant.decide(fitted, seed, EVALUATED)

        return decide

    def _threshold(self, variant: "Variant") -> Callable[[int], Decisions]:
        def decide(seed: int) -> Decisions:
            known, seen = variant.known(seed), variant.seen(seed)
            fitted = Threshold().fit(known.quality, known.labels, variant.costs, self.lam)
            return fitted.decide(seen.quality, variant.costs)

        return decide


class Variant(Replay):
    """The run's replay with a part changed; what its log does not hold is computed here."""

    def __init__(
        self,
        ground: Ground,
        *,
        judge: "Judge | None" = None,
        recall: bool | None = None,
        skip: bool | None = None,
        ladder: Ladder | None = None,
        costs: FloatArray | None = None,
    ) -> None:
        """What is None stays as the run has it."""
        asked = {"recall": recall, "skip": skip}
        policy = ground.policy.model_copy(update={key: value for key, value in asked.items() if value is not None})
        base = ground.base
        super().__init__(policy, ground.predictor, base.stages, base.lambdas, base.draws, base.state)
        self.base, self.judge, self._ladder, self._costs = base, judge, ladder, costs
        self._models: dict[int, Mapping[Ladder, RecallModel]] = {}

    @property
    def costs(self) -> FloatArray:
        return self.base.costs if self._costs is None else self._costs

    def table(self, seed: int, roles: tuple[str, ...]) -> Table:
        if (seed, roles) not in self._tables:
            known = self.base.table(seed, roles)
            told = known.qualities if self.judge is None else self.judge.qualities(seed, known.names)
            self._tables[seed, roles] = replace(known, qualities=told)
        return self._tables[seed, roles]

    def ladder(self, seed: int) -> Ladder:
        return super().ladder(seed) if self._ladder is None else self._ladder

    def recalls(self, seed: int) -> Mapping[Ladder, RecallModel]:
        if seed not in self._models:
            known = self.known(seed)
            fitted = {one: fit_recall_on(q, known.labels, known.same, one) for one, q in known.qualities.items()}
            self._models[seed] = fitted
        return self._models[seed]


class Judge:
    """Estimates that a run's log does not hold: by other features, other calibrations, or for sub-ladders."""

    def __init__(
        self, ground: Ground, settings: PredictorSettings, methods: Sequence[str] = calibration.METHODS
    ) -> None:
        """Networks are trained where `settings` has other features than the run, else they are the run's."""
        self.ground, self.settings, self.methods = ground, settings, methods
        self._ensembles: dict[int, Ensemble] = {}
        self._maps: dict[tuple[int, Ladder], calibration.Calibration] = {}

    def qualities(self, seed: int, names: Sequence[str]) -> dict[Ladder, FloatArray]:
        """Estimates by ladder [samples, stages], as in `Table`."""
        predictor = self.ground.asked(self.settings, seed)
        stages = self.ground.base.stages
        judged = {ran: self._judged(predictor, names, ran) for ran in contexts(stages, self.settings)}
        return quality_table(judged, stages, self.settings)

    @cached_property
    def aurocs(self) -> list[float | None]:
        """Mean AUROC per stage on evaluation samples, over seeds; None where a seed has one class only."""
        base, found = self.ground.base, []
        for seed in base.draws:
            seen = base.seen(seed)
            q = next(q for one, q in self.qualities(seed, seen.names).items() if len(one) == base.stages)
            found.append([calibration.auroc(q[:, i], seen.labels[:, i]) for i in range(base.stages)])
        columns = zip(*found, strict=True)
        return [None if None in column else float(np.mean(np.array(column, dtype=float))) for column in columns]

    def details(self) -> JsonObject:
        """The AUROC per stage."""
        return {"auroc": self.aurocs}

    def _judged(self, predictor: Predictor, names: Sequence[str], ran: Ladder) -> FloatArray:
        ensemble, key = self._ensemble(predictor), (predictor.seed, ran)
        if key not in self._maps:
            self._maps[key] = predictor.calibration(ensemble, ran, self.methods)
        return self._maps[key].apply(predictor.scores(ensemble, names, ran))

    def _ensemble(self, predictor: Predictor) -> Ensemble:
        seed = predictor.seed
        if seed not in self._ensembles:
            same = self.settings.information == self.ground.predictor.information
            self._ensembles[seed] = self.ground.ensemble(seed) if same else predictor.train()[0]
        return self._ensembles[seed]


def _model(stage: CostMeasured) -> CostModel:
    return CostModel(stage.intercept_s or 0.0, stage.per_input_token_s or 0.0, stage.per_output_token_s or 0.0)
