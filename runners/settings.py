"""The settings of a ladder's experiment, each block a part of the configuration file."""

from pydantic import Field

from asd.core.event import Fact
from asd.core.facts.cost import CostBasis
from asd.core.features import INFORMATION_SETS, InformationSet


class Shares(Fact):
    """How samples are shared among the roles, by distinct prompt. They need not add up to 1."""

    fit: float = Field(default=0.3, gt=0)
    calibrate: float = Field(default=0.2, gt=0)
    certify: float = Field(default=0.0, ge=0)
    evaluate: float = Field(default=0.5, gt=0)


class PredictorSettings(Fact):
    """The quality predictor: features of which information sets, the network, and how it is trained."""

    information: tuple[InformationSet, ...] = INFORMATION_SETS
    hidden: tuple[int, ...] = (256, 128, 64)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    epochs: int = Field(default=12, gt=0)
    learning_rate: float = Field(default=3e-4, gt=0)
    weight_decay: float = Field(default=0.1, ge=0)
    batch: int = Field(default=64, gt=0)
    samples: int = Field(default=100_000, gt=0)


class PolicySettings(Fact):
    """Optimal stopping. `recall` may give an earlier answer back; `skip` may leave stages out of the ladder.

    `costs` says what decisions reckon with; with "declared", `declared_costs` holds one number a stage.
    """

    recall: bool = False
    skip: bool = False
    costs: CostBasis = "measured"
    declared_costs: tuple[float, ...] = ()


class AnalysisSettings(Fact):
    """What is fixed before the first sample: significance, printed confidence, the retention that must be kept,
    and how often is resampled."""

    alpha: float = Field(default=0.01, gt=0, lt=1)
    confidence: float = Field(default=0.95, gt=0, lt=1)
    retention: float = Field(default=0.98, gt=0)
    permutations: int = Field(default=99_999, gt=0)
    bootstraps: int = Field(default=9_999, gt=0)
    rng_seed: int = 20240612
