"""What each stage costs, from the times that its answers took."""

from collections.abc import Iterator, Sequence

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.costs import CostModel, fit_cost_model, theoretical_costs
from asd.core.errors import ConfigError
from asd.core.facts.cost import CostMeasured
from asd.core.facts.model import StageLoaded
from asd.core.facts.sample import SampleGenerated
from asd.runners.base import Step
from asd.runners.settings import PolicySettings
from asd.runners.state import State


def measure(settings: PolicySettings, drawn: Sequence[int], state: State) -> Iterator[Step]:
    """One `cost.measured` a stage. `drawn` [stages] is how many generations an answer of each stage takes."""
    by_stage = [[one for one in state.generated.values() if one.stage == stage] for stage in range(len(drawn))]
    sizes = {one.stage: one.parameters for one in state.all(StageLoaded)}
    measured = [_mean_seconds(answers) for answers in by_stage]
    theory = [_theory(answers, sizes.get(stage), drawn[stage]) for stage, answers in enumerate(by_stage)]
    reckoned = _relative(_chosen(settings, measured, theory))
    relative, theoretical = _relative(measured), _relative(theory)
    gpus = {one.stage: len(one.gpus) for one in state.all(StageLoaded)}
    for stage, answers in enumerate(by_stage):
        mean, model = measured[stage], _model(answers)
        policy_cost = reckoned[stage]
        assert policy_cost is not None
        yield CostMeasured(
            stage=stage,
            model=answers[0].model,
            samples=len(answers),
            mean_s=mean,
            mean_gpu_s=mean * gpus[stage] if mean is not None and gpus.get(stage) else None,
            relative_cost=relative[stage],
            intercept_s=model.intercept if model else None,
            per_input_token_s=model.per_input_token if model else None,
            per_output_token_s=model.per_output_token if model else None,
            theoretical_cost=theoretical[stage],
            policy_cost=policy_cost,
            basis=settings.costs,
        )


def _chosen(
    settings: PolicySettings, measured: Sequence[float | None], theory: Sequence[float | None]
) -> Sequence[float | None]:
    costs = {"measured": measured, "theoretical": theory, "declared": settings.declared_costs}[settings.costs]
    if len(costs) != len(measured) or any(cost is None or cost <= 0 for cost in costs):
        raise ConfigError(
            f"policy.costs is {settings.costs!r}, but not every stage has such a cost; "
            "choose measured, theoretical (needs parameters) or declared (needs declared_costs, one a stage)"
        )
    return costs


def _relative(costs: Sequence[float | None]) -> list[float | None]:
    first = costs[0]
    return [cost / first if cost is not None and first else None for cost in costs]


def _mean_seconds(answers: Sequence[SampleGenerated]) -> float | None:
    times = [one.busy_s for one in answers if one.busy_s is not None]
    return float(np.mean(times)) if times and len(times) == len(answers) else None


def _theory(answers: Sequence[SampleGenerated], parameters: int | None, drawn: int) -> float | None:
    if parameters is None:
        return None
    counts = np.array([[one.input_tokens, one.output_tokens] for one in answers], dtype=np.float64)
    costs = theoretical_costs(np.array([parameters]), counts[:, :1], counts[:, 1:], np.array([drawn]))
    return float(costs.mean())


def _model(answers: Sequence[SampleGenerated]) -> CostModel | None:
    timed = [one for one in answers if one.busy_s is not None]
    return fit_cost_model(*_columns(timed)) if timed else None


def _columns(answers: Sequence[SampleGenerated]) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = np.array([[one.busy_s or 0.0, one.input_tokens, one.output_tokens] for one in answers], dtype=np.float64)
    return rows[:, 0], rows[:, 1], rows[:, 2]
