"""The settings of a ladder's experiment, each block a part of the configuration file."""

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from asd.core.event import Fact
from asd.core.facts.cost import CostBasis
from asd.core.features import INFORMATION_SETS, InformationSet

Role = Literal["fit", "calibrate", "certify", "evaluate"]
ROLES: tuple[Role, ...] = get_args(Role)
"""What a sample is used for, by seed: the predictor; calibration and policies; certificates; figures."""


class Shares(Fact):
    """How samples are shared among the roles, by distinct prompt. They need not add up to 1."""

    fit: float = Field(default=0.3, gt=0)
    calibrate: float = Field(default=0.2, gt=0)
    certify: float = Field(default=0.0, ge=0)
    evaluate: float = Field(default=0.5, gt=0)


class PredictorSettings(Fact):
    """The quality predictor: features of which information sets, the network, and how it is trained.

    With `folds` above 1, fitting and calibration samples both train it and both calibrate it: each is judged by a
    network that has not seen it. With `sub_ladders` it also judges each answer as if stages before had not run, which
    skipping stages needs. `samples` is the most that are trained on.
    """

    information: tuple[InformationSet, ...] = INFORMATION_SETS
    hidden: tuple[int, ...] = (256, 128, 64)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    epochs: int = Field(default=12, gt=0)
    learning_rate: float = Field(default=3e-4, gt=0)
    weight_decay: float = Field(default=0.1, ge=0)
    batch: int = Field(default=64, gt=0)
    samples: int = Field(default=100_000, gt=0)
    folds: int = Field(default=1, ge=1)
    sub_ladders: bool = False

    @property
    def trains(self) -> tuple[Role, ...]:
        """The roles whose samples the networks are fitted on."""
        return ("fit",) if self.folds == 1 else ("fit", "calibrate")

    @property
    def calibrates(self) -> tuple[Role, ...]:
        """The roles whose samples calibrations and policies are fitted on."""
        return ("calibrate",) if self.folds == 1 else ("fit", "calibrate")

    @property
    def judges(self) -> tuple[Role, ...]:
        """The roles whose samples are judged, each by networks that have not seen it."""
        return ("calibrate", "certify", "evaluate") if self.folds == 1 else ROLES

    @property
    def told(self) -> bool:
        """Whether an estimate is another one where stages before were skipped."""
        return self.sub_ladders and "agreement" in self.information


class PolicySettings(Fact):
    """Optimal stopping. `recall` may give an earlier answer back; `skip` may leave stages out of the ladder.

    `costs` says what decisions reckon with; with "declared", `declared_costs` holds one number a stage. `budget` (mean
    cost per sample, the last stage alone = 1) or `retention` (share of the last stage's accuracy) searches a λ for what
    is wanted, on calibration samples. `prices` is how many λ draw each policy's frontier.
    """

    recall: bool = False
    skip: bool = False
    costs: CostBasis = "measured"
    declared_costs: tuple[float, ...] = ()
    budget: float | None = Field(default=None, gt=0)
    retention: float | None = Field(default=None, gt=0)
    prices: int = Field(default=40, ge=2)

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if self.budget is not None and self.retention is not None:
            raise ValueError("give a budget or a retention, not both")
        return self

    @property
    def searched(self) -> bool:
        """Whether a λ is searched for."""
        return self.budget is not None or self.retention is not None


class AnalysisSettings(Fact):
    """What is fixed before the first sample: significance, printed confidence, the retention that must be kept,
    and how often is resampled."""

    alpha: float = Field(default=0.01, gt=0, lt=1)
    confidence: float = Field(default=0.95, gt=0, lt=1)
    retention: float = Field(default=0.98, gt=0)
    permutations: int = Field(default=99_999, gt=0)
    bootstraps: int = Field(default=9_999, gt=0)
    rng_seed: int = 20240612
