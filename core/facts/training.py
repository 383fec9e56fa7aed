"""Training a ladder of small models: what each is made of, how its loss fell, what came out."""

from asd.core.event import Event, Fact


class Architecture(Fact):
    """The shape of a decoder-only transformer; `kv_heads` are shared by groups of `heads`, `ffn` is the inner width
    of its feed-forward layers."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int


class TrainingStarted(Event, kind="training.started", v=1):
    """A stage's model was initialised from `training_seed` and began to learn; again after an interruption, from
    the beginning. `families` are the weights that problems are drawn by; `warm_up` steps raise the learning rate,
    the last `cool_down` lower it."""

    stage: int
    model: str
    architecture: Architecture
    parameters: int
    families: dict[str, float]
    steps: int
    batch: int
    warm_up: int
    cool_down: int
    learning_rate: float
    muon_rate: float
    weight_decay: float
    training_seed: int
    threads: int
    torch_version: str
    transformers_version: str

    @property
    def subject(self) -> str:
        return f"stage-{self.stage}"


class TrainingProgressed(Event, kind="training.progressed", v=1):
    """The mean loss (nats per answer token) of the steps since the last such event, and the seconds since the start:
    of wall-clock time, and of the processor."""

    stage: int
    step: int
    loss: float
    elapsed_s: float
    cpu_s: float

    @property
    def subject(self) -> str:
        return f"stage-{self.stage}"


class TrainedFile(Fact):
    """A file of the model."""

    name: str
    size_bytes: int
    sha256: str


class CellAccuracy(Fact):
    """The share of right answers to the problems of one family and level."""

    family: str
    level: int
    samples: int
    accuracy: float


class ModelTrained(Event, kind="model.trained", v=1, once=True):
    """A stage's model is finished and stored in `folder`, relative to the run's folder of files.

    `loss` is that of the last reported steps. Accuracies were measured after loading the stored files again, on
    `samples` problems of the split `checked_on`, which training never sees.
    """

    stage: int
    model: str
    folder: str
    files: tuple[TrainedFile, ...]
    parameters: int
    training_seed: int
    steps: int
    loss: float
    train_s: float
    cpu_s: float
    checked_on: str
    samples: int
    accuracy: float
    cells: tuple[CellAccuracy, ...]
    torch_version: str

    @property
    def subject(self) -> str:
        return f"stage-{self.stage}"
