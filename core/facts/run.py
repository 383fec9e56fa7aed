"""The run itself: what was planned, when it went, how it ended."""

from enum import StrEnum

from asd.core.event import Event, Fact, JsonObject


class Nature(StrEnum):
    """Where a figure comes from; said in events and in every table."""

    MEASURED = "measured"
    RECORDED = "recorded"
    SIMULATED = "simulated"


class Hypothesis(Fact):
    """One question that the analysis will answer, with the method fixed before the first sample."""

    name: str
    question: str
    method: str
    family: str
    exploratory: bool = False


class RunStarted(Event, kind="run.started", v=1, once=True):
    """A runner began. `config` is everything it runs with; `parent` names the run that this one varies."""

    runner: str
    name: str
    config: JsonObject
    config_sha256: str
    command: tuple[str, ...]
    asd_version: str
    durability: str
    nature: Nature
    parent: str | None = None


class RunPlanned(Event, kind="run.planned", v=1, once=True):
    """What is going to be asked and how it will be judged.

    `units` counts what must happen, by name (generated, graded, answered, …); `alpha` is the significance level,
    `confidence` that of the printed intervals, `retention_margin` the share of the baseline's accuracy that
    'keeps at least' means.
    """

    units: dict[str, int]
    lambdas: tuple[float, ...]
    seeds: tuple[int, ...]
    stages: tuple[str, ...]
    tasks: tuple[str, ...]
    alpha: float
    confidence: float
    retention_margin: float
    hypotheses: tuple[Hypothesis, ...]


class RunResumed(Event, kind="run.resumed", v=1):
    """The run went on after an interruption; `attempt` counts from 2."""

    attempt: int
    command: tuple[str, ...]
    asd_version: str


class RunFinished(Event, kind="run.finished", v=1, once=True):
    """The runner came to its end. `duration_s` is this attempt's wall-clock time."""

    duration_s: float


class RunFailed(Event, kind="run.failed", v=1):
    """The runner stopped with an error; what was logged before stays, and the run can be resumed."""

    error: str
    message: str
    duration_s: float


class PhaseStarted(Event, kind="phase.started", v=2):
    """A phase began; a phase that is entered several times adds up. `stage` and `model` say of which stage it is, where
    it is of one; version 1 does not say it."""

    phase: str
    stage: int | None = None
    model: str | None = None

    @classmethod
    def upcast_v1(cls, data: JsonObject) -> JsonObject:
        """The stage was not said."""
        return data

    @property
    def subject(self) -> str:
        return self.phase


class PhaseFinished(Event, kind="phase.finished", v=1):
    """A phase ended after `duration_s` seconds of wall-clock time."""

    phase: str
    duration_s: float

    @property
    def subject(self) -> str:
        return self.phase
