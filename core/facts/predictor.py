"""The quality predictor: trained, calibrated, asked."""

from asd.core.event import Event, Fact, JsonObject, event_id


class PredictorTrained(Event, kind="predictor.trained", v=1, once=True):
    """One network for all stages of one seed: it is told the stage and estimates whether that stage's answer is right.

    `file` is relative to the run's folder of files and has the hash `sha256`; `loss` is the mean log-loss on
    samples that were not fitted on.
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

    @property
    def subject(self) -> str:
        return f"seed-{self.seed}"


class ReliabilityBin(Fact):
    """One bin of a reliability diagram: samples, mean predicted probability, share that was right."""

    samples: int
    predicted: float
    observed: float


class PredictorCalibrated(Event, kind="predictor.calibrated", v=1, once=True):
    """The map from score to probability of one stage, chosen on the calibration samples, and what it is worth.

    Brier score, log-loss, AUROC and ECE (10 bins) are over the `samples` of `role`, which were not fitted on.
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

    @property
    def subject(self) -> str:
        return f"seed-{self.seed}/stage-{self.stage}"

    @property
    def cause(self) -> str:
        return event_id(PredictorTrained.kind, f"seed-{self.seed}")


class QualityPredicted(Event, kind="quality.predicted", v=1, once=True):
    """The calibrated probability `q` that a stage's answer is right, given all stages up to it, after `predict_s`."""

    sample: str
    stage: int
    seed: int
    q: float
    predict_s: float

    @property
    def subject(self) -> str:
        return f"{self.sample}@{self.stage}/seed-{self.seed}"

    @property
    def cause(self) -> str:
        return event_id(PredictorCalibrated.kind, f"seed-{self.seed}/stage-{self.stage}")
