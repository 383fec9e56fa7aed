"""What a stage costs per sample."""

from asd.core.event import Event


class CostMeasured(Event, kind="cost.measured", v=1, once=True):
    """A stage's cost per sample, `unit` "s" (seconds of the engine), "gpu_s" (times GPUs) or "declared".

    `cost` is the mean over `samples`; `relative_cost` has stage 0 = 1. `intercept`, `per_input_token` and
    `per_output_token` are the measured cost model a + b·input + c·output in the same unit; `theoretical_cost` is
    """

    stage: int
    model: str
    unit: str
    samples: int
    cost: float
    relative_cost: float
    intercept: float | None
    per_input_token: float | None
    per_output_token: float | None
    theoretical_cost: float | None

    @property
    def subject(self) -> str:
        return f"stage-{self.stage}"
