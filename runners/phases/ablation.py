"""What the parts are worth: the same samples decided without the predictor, and with another cost model."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.costs import CostModel, cost_accuracy
from asd.core.event import JsonObject
from asd.core.facts.analysis import AblationMeasured, LambdaChosen
from asd.core.facts.cost import CostMeasured
from asd.core.policy import Decisions, OptimalStopping
from asd.runners.base import Step
from asd.runners.ladder import Table, policy_costs, tokens
from asd.runners.phases.decisions import Replay


@dataclass
class Totals:
    """Sums over the evaluation samples of all seeds. Times in seconds, or costs where answers have no times."""

    samples: int = 0
    correct: int = 0
    baseline_correct: int = 0
    paid: float = 0.0
    baseline: float = 0.0

    def add(self, seen: Table, decided: Decisions, costs: FloatArray, predictor: bool) -> None:
        """Count one seed's samples in."""
        spent = np.broadcast_to(costs, decided.used.shape) if seen.seconds is None else seen.seconds
        extra = seen.predict_s if predictor and seen.seconds is not None else 0.0
        self.samples += len(seen.names)
        self.correct += int(seen.right[np.arange(len(seen.names)), decided.answer_stage].sum())
        self.baseline_correct += int(seen.right[:, -1].sum())
        self.paid += float(np.where(decided.used, spent + extra, 0.0).sum())
        self.baseline += float(spent[:, -1].sum())

    @property
    def speedup(self) -> float:
        """Ratio of sums."""
        return self.baseline / self.paid

    def event(self, ablation: str, arm: str, accuracy_of_costs: float | None, details: JsonObject) -> Step:
        """The arm as an event."""
        return AblationMeasured(
            ablation=ablation,
            arm=arm,
            samples=self.samples,
            accuracy=self.correct / self.samples,
            quality_retention=self.correct / self.baseline_correct if self.baseline_correct else 1.0,
            speedup=self.speedup,
            cost_accuracy=accuracy_of_costs,
            basis="replayed",
            details=details,
        )


def ablate(replay: Replay) -> Iterator[Step]:
    """Both ablations at the chosen λ."""
    chosen = replay.state.last(LambdaChosen)
    assert chosen is not None
    yield from _predictor(replay, chosen.lam)
    yield from _cost_model(replay, chosen.lam)


def _predictor(replay: Replay, lam: float) -> Iterator[Step]:
    """Without the predictor a stage's answer is as likely right as that stage's are on average."""
    costs, on, off = policy_costs(replay.state), Totals(), Totals()
    rule = OptimalStopping(recall=replay.settings.recall, skip=replay.settings.skip)
    for seed in replay.draws:
        known, seen = replay.table(seed, "calibrate"), replay.table(seed, "evaluate")
        labels = known.right.astype(np.float64)
        blind = rule.fit(np.tile(labels.mean(axis=0), (len(labels), 1)), labels, costs, lam)
        on.add(seen, replay.policy(lam, seed).decide(seen.quality, costs), costs, predictor=True)
        same = np.tile(labels.mean(axis=0), (len(seen.names), 1))
        off.add(seen, blind.decide(same, costs), costs, predictor=False)
    factor = {"lambda": lam, "improvement_factor": on.speedup / off.speedup}
    yield on.event("quality predictor", "on", None, factor)
    yield off.event("quality predictor", "off", None, {"lambda": lam})


def _cost_model(replay: Replay, lam: float) -> Iterator[Step]:
    """Decisions with measured and with theoretical costs, and how well each foretells the seconds of the run."""
    stages = replay.state.all(CostMeasured)
    rule = OptimalStopping(recall=replay.settings.recall, skip=replay.settings.skip)
    for arm, costs in _cost_arms(stages).items():
        totals, predicted, spent = Totals(), 0.0, 0.0
        for seed in replay.draws:
            known, seen = replay.table(seed, "calibrate"), replay.table(seed, "evaluate")
            fitted = rule.fit(known.quality, known.right.astype(np.float64), costs, lam)
            decided = fitted.decide(seen.quality, costs)
            totals.add(seen, decided, costs, predictor=True)
            if seen.seconds is not None:
                foretold = _foretold(replay, arm, stages, seen, seed)
                predicted += float(np.where(decided.used, foretold, 0.0).sum())
                spent += float(np.where(decided.used, seen.seconds, 0.0).sum())
        accuracy = cost_accuracy(predicted, spent) if spent else None
        yield totals.event("cost model", arm, accuracy, {"lambda": lam})


def _cost_arms(stages: list[CostMeasured]) -> dict[str, FloatArray]:
    columns = {
        "measured": [one.relative_cost for one in stages],
        "theoretical": [one.theoretical_cost for one in stages],
    }
    return {arm: np.array(column, dtype=np.float64) for arm, column in columns.items() if None not in column}


def _foretold(replay: Replay, arm: str, stages: list[CostMeasured], seen: Table, seed: int) -> FloatArray:
    """Seconds per sample and stage as the cost model has them; the theoretical one is scaled by stage 0's mean."""
    if arm == "theoretical":
        return np.array([(one.theoretical_cost or 0.0) * (stages[0].mean_s or 0.0) for one in stages])
    counts = tokens(replay.state, seen.names, replay.draws[seed], replay.stages)
    columns = [_model(one).predict(counts[:, stage, 0], counts[:, stage, 1]) for stage, one in enumerate(stages)]
    return np.column_stack(columns)


def _model(stage: CostMeasured) -> CostModel:
    return CostModel(stage.intercept_s or 0.0, stage.per_input_token_s or 0.0, stage.per_output_token_s or 0.0)
