"""The method on recorded answers of real ladders: area under accuracy-cost, cost at 95 % retention, AUROC.

    ASD_SHARED_DATA=DATA python benchmarks/method.py [gsm8k] [crux] [math]

Five seeds; half of the samples fit everything (out-of-fold predictions of five networks calibrate and fit the policy),
the other half is only measured. Costs are size × tokens × samples drawn, the last stage alone = 1. The policy's
frontier is its path over λ, joined by straight lines; in brackets its hull. On CRUX, a negative control, a share of
the oracle's gap above 0.08 would mean that labels leak.
"""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asd.core.arrays import BoolArray, FloatArray, IntArray
from asd.core.calibration import auroc, choose_calibration
from asd.core.features import Answer, emphasis, feature_vector, information_mask
from asd.core.frontier import area, cost_at_retention, model_points, oracle_gap_closed
from asd.core.policy import OptimalStopping, Oracle, fit_recall
from asd.core.text_features import same_form
from asd.runners import mlp

DATA = Path(os.environ.get("ASD_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
SEEDS = (42, 123, 456, 789, 999)
PRICES = np.geomspace(0.003, 3000.0, 80)
FOLDS = 5
RECIPE = {"epochs": 12, "learning_rate": 3e-4, "weight_decay": 0.1, "batch": 64}


@dataclass(frozen=True)
class Source:
    """Where a ladder's recorded answers are, its models with parameters × samples drawn, and how answers are read."""

    file: str
    sizes: dict[str, float]
    skip: bool
    final: Callable[[dict[str, str]], str | None]


def gsm8k_final(row: dict[str, str]) -> str | None:
    """The number after the last 'A:' of a solution."""
    found = re.findall(r"(?m)^A:[ \t]*(\S.*)$", row["solution"])
    return found[-1].strip() if found else None


def parsed_final(row: dict[str, str]) -> str | None:
    """The answer that the file holds beside the solution."""
    return row["answer"]


QWEN = {f"Qwen2.5-{name}-Instruct": size for name, size in {"3B": 3.09, "7B": 7.62, "32B": 32.8, "72B": 72.7}.items()}
OPENAI = {"6b_finetuning": 6.0, "175b_finetuning": 175.0, "6b_verification": 600.0, "175b_verification": 17_500.0}
SOURCES = {
    "gsm8k": Source("gsm8k_recorded_solutions/test.parquet", OPENAI, False, gsm8k_final),
    "crux": Source("qwen25_recorded/crux.parquet", QWEN, True, parsed_final),
    "math": Source("qwen25_recorded/math_l5.parquet", QWEN, True, parsed_final),
}


@dataclass(frozen=True)
class Ladder:
    """m samples at n stages: features [m, n, d], right [m, n], costs [m, n], whether answers are the same [m, n, n]."""

    features: FloatArray
    weight: FloatArray
    right: FloatArray
    costs: FloatArray
    same: BoolArray
    skip: bool


def load(source: Source) -> Ladder:
    """Read a recorded ladder. Where stages may be skipped, features of agreement with them are left out."""
    import pyarrow.parquet as pq

    by_sample: dict[int, dict[str, dict[str, str]]] = {}
    for row in pq.read_table(DATA / source.file).to_pylist():
        by_sample.setdefault(row["sample_index"], {})[row["model"]] = row
    samples = [[by_sample[index][model] for model in source.sizes] for index in sorted(by_sample)]
    known = information_mask(["prompt", "answer"] if source.skip else ["prompt", "answer", "agreement"])
    finals = [[source.final(row) for row in rows] for rows in samples]
    tokens = [[len(re.findall(r"\w+|[^\w\s]", row["solution"])) for row in rows] for rows in samples]
    forms = [[same_form(final) or f"none of stage {i}" for i, final in enumerate(row)] for row in finals]
    spelled = np.array(forms, dtype=object)
    return Ladder(
        np.array([_vectors(rows, final) for rows, final in zip(samples, finals, strict=True)])[:, :, known],
        np.append(emphasis()[known], np.ones(len(source.sizes))),
        np.array([[float(row["is_correct"]) for row in rows] for rows in samples]),
        np.array(tokens) * np.array(list(source.sizes.values())),
        spelled[:, :, None] == spelled[:, None, :],
        source.skip,
    )


def _vectors(rows: list[dict[str, str]], finals: list[str | None]) -> list[FloatArray]:
    answers = [Answer(row["solution"], final) for row, final in zip(rows, finals, strict=True)]
    return [feature_vector(rows[0]["question"], answers[: stage + 1]) for stage in range(len(rows))]


def predict(ladder: Ladder, fit: IntArray, seed: int) -> FloatArray:
    """Log-odds [m, n]: out of fold for the fitting half, the five networks' mean for the other."""
    count = ladder.right.shape[1]
    found, networks = np.zeros_like(ladder.right), []
    for held in np.array_split(fit, FOLDS):
        rows = np.setdiff1d(fit, held)
        rows = rows[np.random.default_rng(seed).permutation(len(rows))]
        marked = np.concatenate([mlp.with_stage(ladder.features[rows, i], i, count) for i in range(count)])
        labels = np.concatenate([ladder.right[rows, i] for i in range(count)])
        networks.append(mlp.train(marked, labels, seed=seed, emphasis=ladder.weight, **RECIPE))
        for i in range(count):
            found[held, i] = mlp.scores(networks[-1], mlp.with_stage(ladder.features[held, i], i, count))[:, 0]
    rest = np.setdiff1d(np.arange(len(found)), fit)
    for i in range(count):
        found[rest, i] = mlp.mean_scores(networks, mlp.with_stage(ladder.features[rest, i], i, count))[:, 0]
    return found


def measure(ladder: Ladder, seed: int) -> dict[str, float]:
    """One seed's figures."""
    order = np.random.default_rng(seed).permutation(len(ladder.right))
    fit, rest = order[: len(order) // 2], order[len(order) // 2 :]
    log_odds, rng, stages = predict(ladder, fit, seed), np.random.default_rng(seed), range(ladder.right.shape[1])
    maps = [choose_calibration(log_odds[fit, i], ladder.right[fit, i], rng) for i in stages]
    q = np.column_stack([maps[i].apply(log_odds[:, i]) for i in stages])
    if not ladder.skip:
        q = fit_recall(q[fit], ladder.right[fit], ladder.same[fit]).apply(q, ladder.same)
    costs = ladder.costs / ladder.costs[rest, -1].mean()
    rule = OptimalStopping(recall=not ladder.skip, skip=ladder.skip)
    policies = [rule.fit(q[fit], ladder.right[fit], costs[fit], float(price)) for price in PRICES]
    decided = [policy.decide(q[rest], costs[rest]) for policy in policies]
    truth, each = ladder.right[rest], np.arange(len(rest))
    path = [_point(one.cost, truth[each, one.answer_stage]) for one in decided]
    bound = [Oracle().fit(truth, truth, costs[rest], float(price)).decide(truth, costs[rest]) for price in PRICES]
    ideal = [_point(one.cost, truth[each, one.answer_stage]) for one in bound]
    aucs = {f"auroc {i}": auroc(log_odds[rest, i], truth[:, i]) or float("nan") for i in stages}
    return _figures(np.array(path), np.array(ideal), *model_points(truth, costs[rest])) | aucs


def _point(cost: FloatArray, right: FloatArray) -> tuple[float, float]:
    return float(cost.mean()), float(right.mean())


def _figures(path: FloatArray, ideal: FloatArray, costs: FloatArray, accuracies: FloatArray) -> dict[str, float]:
    low, mix = costs[0], area(costs, accuracies, costs[0])
    joined = np.vstack([[costs[0], accuracies[0]], path])
    joined = joined[np.argsort(joined[:, 0], kind="stable")]
    grid = np.linspace(low, 1.0, 20_001)
    along = np.interp(grid, joined[:, 0], joined[:, 1])
    enough = grid[along >= 0.95 * accuracies[-1]]
    return {
        "area of mix": mix,
        "area of path": float(along.mean()),
        "area of hull": area(joined[:, 0], joined[:, 1], low),
        "gap closed": oracle_gap_closed(float(along.mean()), mix, area(ideal[:, 0], ideal[:, 1], low)),
        "cost at 95 % (path)": float(enough[0]) if len(enough) else float("nan"),
        "cost at 95 % (hull)": cost_at_retention(joined[:, 0], joined[:, 1], accuracies[-1]) or float("nan"),
    }


def table(name: str, rows: list[dict[str, float]]) -> str:
    """The figures of all seeds as a Markdown table."""
    lines = [
        f"{name}: mean and standard deviation over {len(rows)} seeds",
        "",
        "| figure | mean | sd |",
        "|---|---|---|",
    ]
    for figure in rows[0]:
        values = [row[figure] for row in rows]
        lines.append(f"| {figure} | {np.mean(values):.4f} | {np.std(values, ddof=1):.4f} |")
    better = sum(row["area of path"] > row["area of mix"] for row in rows)
    return "\n".join([*lines, f"| seeds with an area above the mix | {better} | |", "", ""])


def main(names: list[str]) -> None:
    """Write a table per ladder to standard output."""
    for name in names or list(SOURCES):
        ladder = load(SOURCES[name])
        sys.stdout.write(table(name, [measure(ladder, seed) for seed in SEEDS]))


if __name__ == "__main__":
    main(sys.argv[1:])
