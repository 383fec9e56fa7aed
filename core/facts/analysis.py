"""What was computed from the run's own facts, and what was handed out."""

from pydantic import Field

from asd.core.event import Event, Fact, JsonObject


class Interval(Fact):
    """A two-sided interval at `level` (0.95 or 0.99), made by `method`."""

    level: float
    low: float
    high: float
    method: str


class PolicyEvaluated(Event, kind="policy.evaluated", v=1, once=True):
    """One policy on the evaluation samples of one seed (None: it does not depend on one).

    `setting` tells which of the policy's points this is (a stage, a threshold, a λ); `cost` is the mean per sample
    in units of the last stage's mean cost; `chosen` marks the point picked on the calibration samples. `on_path` marks
    prices that are there only to draw the frontier.
    """

    policy: str
    setting: str
    task: str
    seed: int | None
    samples: int
    correct: int
    accuracy: float
    cost: float
    early_stop_rate: float
    basis: str
    chosen: bool = False
    on_path: bool = False

    @property
    def subject(self) -> str:
        return f"{self.policy}/{self.setting}/{self.task}/seed-{self.seed}"


class FrontierMeasured(Event, kind="frontier.measured", v=1, once=True):
    """One policy's path over all its settings on the evaluation samples of one seed, all tasks together.

    `area` is the mean height of the path, its points joined by straight lines (neighbours mixed at random), over costs
    from the cheapest stage's to the last's; `hull_area` that of its upper hull. `cost_at_retention` is the least cost
    at which the path keeps `retention` of the last stage's accuracy, None where it never does. `gap_closed` is the
    share of the way from the hull of single models to the oracle, by area.
    """

    policy: str
    seed: int
    points: int
    area: float
    hull_area: float
    retention: float
    cost_at_retention: float | None
    gap_closed: float | None

    @property
    def subject(self) -> str:
        return f"{self.policy}/seed-{self.seed}"


class LambdaChosen(Event, kind="lambda.chosen", v=1, once=True):
    """The λ that the report leads with, picked on calibration samples alone by `rule`."""

    lam: float
    rule: str
    retention: float
    speedup: float
    samples: int


class CertificateTest(Fact):
    """One λ's test: `kept` of the baseline's right answers stayed right; `p_value` by the certificate's method."""

    lam: float
    kept: int
    p_value: float


class RetentionCertified(Event, kind="retention.certified", v=1, once=True):
    """Which λ keep the baseline's right answers, by Learn-then-Test on certification samples of one seed.

    `lam` is the least λ whose item retention is at least `target`, with error at most `alpha`, None where none is sure.
    `tested` holds the tests made, from the largest λ down; `baseline_right` of the `samples` the last stage answers
    rightly. `clusters` is in how many groups they come that the test takes for independent, None where samples are.
    """

    seed: int
    policy: str
    lam: float | None
    target: float
    alpha: float
    samples: int
    baseline_right: int
    tested: tuple[CertificateTest, ...]
    method: str
    clusters: int | None = None

    @property
    def subject(self) -> str:
        return f"{self.policy}/seed-{self.seed}"


class StatisticsComputed(Event, kind="statistics.computed", v=2, once=True):
    """One planned question answered. `p_adjusted` is within `family`; `details` holds counts and further effect
    sizes by name; `rests_on` says how many facts of which kinds the computation had before it.

    `head` is the head that it read: the last sequence number by stream, of this run or of the run `head_of`. It is
    empty where no log was read, and in events of version 1.
    """

    name: str
    task: str
    lam: float | None
    method: str
    estimate: float | None
    intervals: tuple[Interval, ...]
    p_value: float | None
    p_adjusted: float | None
    family: str
    effect_size: float | None
    effect: str | None
    samples: int
    clusters: int | None
    seeds: int
    rng_seed: int | None
    details: JsonObject
    versions: dict[str, str]
    rests_on: dict[str, int]
    exploratory: bool = False
    head: dict[str, int] = Field(default_factory=dict)
    head_of: str | None = None

    @classmethod
    def upcast_v1(cls, data: JsonObject) -> JsonObject:
        """Which head was read was not said."""
        return data

    def same_fact(self, before: Event) -> bool:
        """Another attempt may have read further and found the same."""
        return isinstance(before, StatisticsComputed) and self == before.model_copy(update={"head": self.head})

    @property
    def subject(self) -> str:
        return f"{self.name}/{self.task}" + ("" if self.lam is None else f"/lambda-{self.lam:g}")


class AblationMeasured(Event, kind="ablation.measured", v=1, once=True):
    """One arm of an ablation on the evaluation samples: figures over all seeds at the chosen λ."""

    ablation: str
    arm: str
    samples: int
    accuracy: float
    quality_retention: float
    speedup: float
    cost_accuracy: float | None
    basis: str
    details: JsonObject

    @property
    def subject(self) -> str:
        return f"{self.ablation}/{self.arm}"


class ReportPublished(Event, kind="report.published", v=1):
    """A report was handed out: the hash of its bytes, the sequence numbers that it was built from, and by stream the
    signed heads that it carries. `ablations` are the runs whose ablations it shows."""

    format: str
    sha256: str
    heads: dict[str, int]
    notes: dict[str, str] = Field(default_factory=dict)
    ablations: tuple[str, ...] = ()
