"""The quality predictor: trained, calibrated, asked."""

from asd.core.event import Event, Fact, JsonObject, event_id
from asd.core.policies.ladders import Ladder


def judgement_name(sample: str, stage: int, after: Ladder | None, seed: int) -> str:
    """How an estimate is named: `sample@stage/seed-SEED`, with the stages before it where it is told of some only."""
    return f"{sample}@{stage}{_after(after)}/seed-{seed}"


def _after(after: Ladder | None) -> str:
    return "" if after is None else "/after-" + ("-".join(map(str, after)) or "none")


class PredictorTrained(Event, kind="predictor.trained", v=1, once=True):
    """One network for all stages of one seed: it is told the stage and estimates whether that stage's answer is right.

    `file` is relative to the run's folder of files and has the hash `sha256`; `loss` is the mean log-loss on
    samples that were not fitted on. With `folds` above 1 there are as many networks in the file, and each has not seen
    one part of the samples, which it judges (cross-fitting); samples that none has seen are judged by all.
    """

    seed: int
    file: str
    sha256: str
    features: tuple[str, ...]
    hidden: tuple[int, ...]
    dropout: float
    samples: int
    epochs: int
    loss: float
    train_s: float
    torch_version: str
    folds: int = 1

    @property
    def subject(self) -> str:
        return f"seed-{self.seed}"


class RouterTrained(Event, kind="router.trained", v=1, once=True):
    """One seed's network that foretells from the prompt alone which stages will be right, with a calibration a stage.

    For the comparison with routers, which choose a stage before any has answered. Fields as in `predictor.trained`;
    `auroc` [stages] is on evaluation samples, None where one class only was seen.
    """

    seed: int
    file: str
    sha256: str
    samples: int
    folds: int
    calibrations: tuple[JsonObject, ...]
    auroc: tuple[float | None, ...]
    train_s: float

    @property
    def subject(self) -> str:
        return f"seed-{self.seed}"


class RouterAsked(Event, kind="router.asked", v=1, once=True):
    """What the router's network and calibrations foretell of the samples of one role, in parts of at most 2,000.

    `q` [samples, stages] is the probability that each stage will be right, from the prompts alone; `policy` names the
    policy that decides by it. It is said by parts and not by samples, of which nobody asks one by one: nothing but the
    comparison of policies reads it.
    """

    policy: str
    seed: int
    role: str
    part: int
    samples: tuple[str, ...]
    q: tuple[tuple[float, ...], ...]

    @property
    def subject(self) -> str:
        return f"seed-{self.seed}/{self.role}/{self.part}"

    @property
    def cause(self) -> str:
        return event_id(RouterTrained.kind, f"seed-{self.seed}")


class ReliabilityBin(Fact):
    """One bin of a reliability diagram: samples, mean predicted probability, share that was right."""

    samples: int
    predicted: float
    observed: float


class PredictorCalibrated(Event, kind="predictor.calibrated", v=1, once=True):
    """The map from score to probability of one stage, chosen on the calibration samples, and what it is worth.

    Brier score, log-loss, AUROC and ECE (10 bins) are over the `samples` of `role`, which were not fitted on. `after`
    are the earlier stages whose answers are known, None for all of them.
    """

    seed: int
    stage: int
    method: str
    parameters: JsonObject
    role: str
    samples: int
    brier: float
    log_loss: float
    auroc: float | None
    ece: float
    reliability: tuple[ReliabilityBin, ...]
    after: Ladder | None = None

    @property
    def subject(self) -> str:
        return f"seed-{self.seed}/stage-{self.stage}{_after(self.after)}"

    @property
    def cause(self) -> str:
        return event_id(PredictorTrained.kind, f"seed-{self.seed}")


class QualityPredicted(Event, kind="quality.predicted", v=1, once=True):
    """The calibrated probability `q` that a stage's answer is right, which took `predict_s`: given the answers of the
    stages in `after`, None for all earlier ones."""

    sample: str
    stage: int
    seed: int
    q: float
    predict_s: float
    after: Ladder | None = None

    @property
    def subject(self) -> str:
        return judgement_name(self.sample, self.stage, self.after, self.seed)

    @property
    def cause(self) -> str:
        return event_id(PredictorCalibrated.kind, f"seed-{self.seed}/stage-{self.stage}{_after(self.after)}")


class RecallFitted(Event, kind="recall.fitted", v=1, once=True):
    """How earlier answers are judged again on the (sub-)ladder `stages`: `parameters` rebuild the model.

    Fitted on the `samples` that policies are fitted on.
    """

    seed: int
    stages: Ladder
    samples: int
    parameters: JsonObject

    @property
    def subject(self) -> str:
        return f"seed-{self.seed}/stages-{'-'.join(map(str, self.stages))}"
