"""What a stage costs per sample."""

from typing import Literal

from asd.core.event import Event

CostBasis = Literal["measured", "theoretical", "declared"]
"""Where the costs of decisions come from: measured seconds, parameters × tokens, or the configuration."""


class CostMeasured(Event, kind="cost.measured", v=1, once=True):
    """A stage's cost per sample, over `samples` answers.

    `mean_s` is the engine's mean busy time a sample in seconds, `mean_gpu_s` the same times the stage's GPUs (None
    without GPUs); `relative_cost` is `mean_s` with stage 0 = 1. All three are None where answers have no times.
    `intercept_s`, `per_input_token_s` and `per_output_token_s` are the measured cost model a + b·input + c·output.
    `theoretical_cost` is parameters × tokens with stage 0 = 1, None where the parameters are not known.
    `policy_cost` is what decisions reckon with, stage 0 = 1, and `basis` says which of these it is.
    """

    stage: int
    model: str
    samples: int
    mean_s: float | None
    mean_gpu_s: float | None
    relative_cost: float | None
    intercept_s: float | None
    per_input_token_s: float | None
    per_output_token_s: float | None
    theoretical_cost: float | None
    policy_cost: float
    basis: CostBasis

    @property
    def subject(self) -> str:
        return f"stage-{self.stage}"
