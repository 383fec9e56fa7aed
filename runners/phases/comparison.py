"""The policies beside each other, on the evaluation samples of each seed."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.facts.analysis import LambdaChosen, PolicyEvaluated
from asd.core.policy import AlwaysStage, Decisions, FittedPolicy, Myopic, Oracle, RandomMix, Threshold
from asd.runners.base import Step
from asd.runners.ladder import Table, policy_costs
from asd.runners.phases.decisions import POLICY, Replay

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
BUDGETS = (0.2, 0.4, 0.6, 0.8)
ALL = "all"


def compare(replay: Replay) -> Iterator[Step]:
    """One `policy.evaluated` for each policy, setting, task and seed; task "all" is every sample together."""
    chosen = replay.state.last(LambdaChosen)
    for seed in replay.draws:
        known, seen = replay.table(seed, "calibrate"), replay.table(seed, "evaluate")
        rows = _rows_by_task(replay, seen)
        for name, setting, fitted in _policies(replay, known, seed):
            decided = fitted.decide(_labels_for(name, seen), policy_costs(replay.state))
            mark = chosen is not None and name == POLICY and setting == f"λ = {chosen.lam:g}"
            for task, some in rows.items():
                yield _evaluated(name, setting, task, seed, seen, decided, some, replay, mark)


def _policies(replay: Replay, known: Table, seed: int) -> Iterator[tuple[str, str, FittedPolicy]]:
    costs, right, q = policy_costs(replay.state), known.right.astype(np.float64), known.quality
    for stage in range(replay.stages):
        yield "always", f"stage {stage}", AlwaysStage(stage).fit(q, right, costs, 1.0)
    for budget in BUDGETS:
        mix = RandomMix(budget=float(costs[-1]) * budget, seed=seed)
        yield "random-mix", f"budget {budget:g}", mix.fit(q, right, costs, 1.0)
    for threshold in THRESHOLDS:
        yield "threshold", f"q ≥ {threshold:g}", Threshold(threshold).fit(q, right, costs, 1.0)
    for lam in replay.lambdas:
        yield "myopic", f"λ = {lam:g}", Myopic().fit(q, right, costs, lam)
        yield "oracle", f"λ = {lam:g}", Oracle().fit(q, right, costs, lam)
        yield POLICY, f"λ = {lam:g}", replay.policy(lam, seed)


def _labels_for(policy: str, seen: Table) -> FloatArray:
    """What a policy is told of each answer: the oracle knows the labels."""
    return seen.right.astype(np.float64) if policy == "oracle" else seen.quality


def _rows_by_task(replay: Replay, seen: Table) -> dict[str, IntArray]:
    found: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(seen.names):
        found[replay.state.planned[name].task].append(row)
    return {task: np.array(rows) for task, rows in found.items()} | {ALL: np.arange(len(seen.names))}


def _evaluated(
    policy: str,
    setting: str,
    task: str,
    seed: int,
    seen: Table,
    decided: Decisions,
    rows: IntArray,
    replay: Replay,
    chosen: bool,
) -> PolicyEvaluated:
    answer = decided.answer_stage[rows]
    correct = int(seen.right[rows, answer].sum())
    return PolicyEvaluated(
        policy=policy,
        setting=setting,
        task=task,
        seed=seed,
        samples=len(rows),
        correct=correct,
        accuracy=correct / len(rows),
        cost=float(decided.cost[rows].mean() / policy_costs(replay.state)[-1]),
        early_stop_rate=float((answer < replay.stages - 1).mean()),
        basis="replayed",
        chosen=chosen,
    )
