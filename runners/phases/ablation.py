"""What the parts are worth: the same samples decided without the predictor, and with another cost model."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.costs import CostModel, cost_accuracy
from asd.core.event import JsonObject
from asd.core.facts.analysis import AblationMeasured, LambdaChosen
from asd.core.facts.cost import CostMeasured
from asd.core.policy import OptimalStopping
from asd.core.statistics import multiple, paired
from asd.runners.base import Step
from asd.runners.ladder import Table, policy_costs, tokens
from asd.runners.outcomes import Outcomes, Tally
from asd.runners.phases.decisions import Replay
from asd.runners.phases.statistics import Finding, about, finding_event
from asd.runners.settings import AnalysisSettings

PREDICTOR, COSTS = "quality predictor", "cost model"


def ablate(settings: AnalysisSettings, replay: Replay) -> Iterator[Step]:
    """Both ablations at the chosen λ, with one test each: does the loss that the policy minimises differ?"""
    chosen = replay.state.last(LambdaChosen)
    assert chosen is not None
    arms = {PREDICTOR: _predictor(replay, chosen.lam), COSTS: _cost_model(replay, chosen.lam)}
    findings: list[Finding] = []
    for ablation, (seen, accuracies) in arms.items():
        for arm, outcomes in seen.items():
            yield _event(ablation, arm, outcomes, accuracies.get(arm), {"lambda": chosen.lam})
        if len(seen) == 2:
            first, second = seen.values()
            findings.append(_tested(ablation, chosen.lam, first, second, settings))
    adjusted = multiple.holm([one.p_value or 0.0 for one in findings])
    adjusted_findings = (replace(one, p_adjusted=p) for one, p in zip(findings, adjusted, strict=True))
    yield from (finding_event(one, replay) for one in adjusted_findings)


Arms = tuple[dict[str, Outcomes], dict[str, float]]
"""Outcomes by arm, and the arms' cost accuracy where there is one."""


def _predictor(replay: Replay, lam: float) -> Arms:
    """Without the predictor a stage's answer is as likely right as that stage's are on average."""
    costs, on, off = policy_costs(replay.state), Tally(replay.state), Tally(replay.state)
    rule = OptimalStopping(recall=replay.settings.recall, skip=replay.settings.skip)
    for seed in replay.draws:
        known, seen = replay.table(seed, "calibrate"), replay.table(seed, "evaluate")
        labels = known.right.astype(np.float64)
        blind = rule.fit(np.tile(labels.mean(axis=0), (len(labels), 1)), labels, costs, lam)
        on.add(seen, replay.policy(lam, seed).decide(seen.quality, costs))
        off.add(seen, blind.decide(np.tile(labels.mean(axis=0), (len(seen.names), 1)), costs), predictor=False)
    return {"on": on.outcomes(), "off": off.outcomes()}, {}


def _cost_model(replay: Replay, lam: float) -> Arms:
    """Decisions with measured and with theoretical costs, and how well each foretells the seconds of the run."""
    stages = replay.state.all(CostMeasured)
    rule = OptimalStopping(recall=replay.settings.recall, skip=replay.settings.skip)
    arms: dict[str, Outcomes] = {}
    accuracies: dict[str, float] = {}
    for name, costs in _costs(stages).items():
        arm, predicted, spent = Tally(replay.state), 0.0, 0.0
        for seed in replay.draws:
            known, seen = replay.table(seed, "calibrate"), replay.table(seed, "evaluate")
            decided = rule.fit(known.quality, known.right.astype(np.float64), costs, lam).decide(seen.quality, costs)
            arm.add(seen, decided)
            if seen.seconds is not None:
                foretold = _foretold(replay, name, stages, seen, seed)
                predicted += float(np.where(decided.used, foretold, 0.0).sum())
                spent += float(np.where(decided.used, seen.seconds, 0.0).sum())
        arms[name] = arm.outcomes()
        if spent:
            accuracies[name] = cost_accuracy(predicted, spent)
    return arms, accuracies


def _costs(stages: list[CostMeasured]) -> dict[str, FloatArray]:
    columns = {
        "measured": [one.relative_cost for one in stages],
        "theoretical": [one.theoretical_cost for one in stages],
    }
    return {name: np.array(column, dtype=np.float64) for name, column in columns.items() if None not in column}


def _foretold(replay: Replay, arm: str, stages: list[CostMeasured], seen: Table, seed: int) -> FloatArray:
    """Seconds per sample and stage as the cost model has them; the theoretical one is scaled by stage 0's mean."""
    if arm == "theoretical":
        return np.array([(one.theoretical_cost or 0.0) * (stages[0].mean_s or 0.0) for one in stages])
    counts = tokens(replay.state, seen.names, replay.draws[seed], replay.stages)
    columns = [_model(one).predict(counts[:, stage, 0], counts[:, stage, 1]) for stage, one in enumerate(stages)]
    return np.column_stack(columns)


def _model(stage: CostMeasured) -> CostModel:
    return CostModel(stage.intercept_s or 0.0, stage.per_input_token_s or 0.0, stage.per_output_token_s or 0.0)


def _event(ablation: str, arm: str, seen: Outcomes, accuracy: float | None, details: JsonObject) -> AblationMeasured:
    base = float(seen.baseline_right.sum())
    return AblationMeasured(
        ablation=ablation,
        arm=arm,
        samples=len(seen.names),
        accuracy=float(seen.right.mean()),
        quality_retention=float(seen.right.sum()) / base if base else 1.0,
        speedup=seen.speedup,
        cost_accuracy=accuracy,
        basis="replayed",
        details=details,
    )


def _tested(ablation: str, lam: float, first: Outcomes, second: Outcomes, settings: AnalysisSettings) -> Finding:
    """Sign flips of the per-sample difference in cost + λ·(answer wrong), in units of stage 0's mean cost."""
    loss = [one.cost + lam * (1.0 - one.right) for one in (first, second)]
    gain = loss[1] - loss[0]
    p = paired.sign_flip_test(gain, settings.rng_seed, settings.permutations)
    return replace(
        about(f"ablation: {ablation}", lam, "all", first),
        method=f"sign-flip permutation of cost + λ·error, {settings.permutations:,} resamples",
        family="ablations (Holm)",
        estimate=float(gain.mean()),
        p_value=p,
        effect_size=float(gain.mean()),
        effect="mean loss saved by the first arm, stage 0's cost = 1",
        rng_seed=settings.rng_seed,
    )
