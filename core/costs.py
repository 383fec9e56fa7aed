"""What a stage costs: measured and theoretical cost models, and whether a ladder can pay at all."""

from dataclasses import dataclass

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.errors import UsageError


@dataclass(frozen=True)
class CostModel:
    """Cost of one sample: intercept + per_input_token · input tokens + per_output_token · output tokens.

    The unit is that of the costs it was fitted to (seconds, or seconds × GPUs).
    """

    intercept: float
    per_input_token: float
    per_output_token: float

    def predict(self, input_tokens: FloatArray, output_tokens: FloatArray) -> FloatArray:
        """Cost per sample, from token counts [m] each."""
        return np.asarray(self.intercept + self.per_input_token * input_tokens + self.per_output_token * output_tokens)


def fit_cost_model(costs: FloatArray, input_tokens: FloatArray, output_tokens: FloatArray) -> CostModel:
    """Least squares with coefficients that are not negative (Lawson and Hanson 1974), from m measured samples.

    A count that never varies cannot be told from the intercept and gets coefficient 0. Raises UsageError when
    there is no sample or the lengths differ.
    """
    if not len(costs) or not len(costs) == len(input_tokens) == len(output_tokens):
        raise UsageError("a cost model needs measured costs with as many input and output token counts")
    from scipy.optimize import nnls

    counts = np.column_stack([input_tokens, output_tokens]).astype(np.float64)
    counts[:, np.ptp(counts, axis=0) == 0] = 0.0
    scale = np.maximum(counts.max(axis=0), 1.0)
    solution, _ = nnls(np.column_stack([np.ones(len(costs)), counts / scale]), np.asarray(costs, dtype=np.float64))
    return CostModel(float(solution[0]), float(solution[1] / scale[0]), float(solution[2] / scale[1]))


def theoretical_costs(
    parameters: FloatArray, input_tokens: FloatArray, output_tokens: FloatArray, samples_drawn: FloatArray | None = None
) -> FloatArray:
    """Parameters × tokens per sample and stage: [m, n], in parameter-tokens.

    `parameters` [n], token counts [m, n]; `samples_drawn` [n] is how many answers a stage generates per question
    (default 1). A forward pass costs about 2 operations per parameter and token (Kaplan et al. 2020, 'Scaling laws
    for neural language models', section 2.1), so this is proportional to operations.
    """
    drawn = np.ones(len(parameters)) if samples_drawn is None else samples_drawn
    return np.asarray(parameters * (input_tokens + output_tokens * drawn))


def cost_accuracy(predicted: FloatArray | float, measured: FloatArray | float) -> float:
    """1 − |predicted − measured| / measured, on totals. Raises UsageError unless the measured total is positive."""
    total, truth = float(np.sum(predicted)), float(np.sum(measured))
    if truth <= 0:
        raise UsageError("cost accuracy needs a positive measured total")
    return 1.0 - abs(total - truth) / truth


def relative_costs(costs: FloatArray) -> FloatArray:
    """Mean costs per stage [n] in units of stage 0's. Raises UsageError unless stage 0's is positive."""
    if costs[0] <= 0:
        raise UsageError("relative costs need a positive cost of stage 0")
    return np.asarray(costs / costs[0])


def speedup_of(costs: FloatArray, stop_shares: FloatArray, overhead: float = 0.0) -> float:
    """Speedup over the last stage alone when share `stop_shares` [n] stops at each stage of the full ladder.

    `costs` [n] are mean costs; `overhead` is what the predictor costs per stage that is judged, in the same unit.
    A sample that stops at stage i has paid for all stages up to i and been judged at each but the last.
    """
    reached = np.cumsum(stop_shares[::-1])[::-1]
    judged = reached[:-1].sum() * overhead
    return float(costs[-1] / (reached @ costs + judged))


@dataclass(frozen=True)
class Payoff:
    """Whether a ladder can pay: see `can_pay`."""

    largest_speedup: float
    full_escalation_cost: float
    break_even_early_share: float
    can_pay: bool


def can_pay(costs: FloatArray, early_share: float = 1.0, overhead: float = 0.0) -> Payoff:
    """The most that a ladder with mean costs [n] can gain when at most `early_share` of the samples stop early.

    `largest_speedup` is reached if all of these stop at the first stage; `full_escalation_cost` is the cost of
    going through all stages, in units of the last alone; `break_even_early_share` is the share that must stop at
    the first stage, at least, for any gain. A single stage cannot pay.
    """
    if not 0.0 <= early_share <= 1.0:
        raise UsageError(f"an early-stop share is between 0 and 1, not {early_share}")
    count = len(costs)
    if count < 2:
        return Payoff(1.0, 1.0, 1.0, False)
    # The best ladder skips the middle: first stage, judgement, then the last for those that go on.
    first, last = costs[0] + overhead, costs[-1]
    best = last / (first + (1.0 - early_share) * last)
    full = (costs.sum() + overhead * (count - 1)) / last
    return Payoff(float(max(best, 1.0)), float(full), float(min(first / last, 1.0)), bool(best > 1.0))
