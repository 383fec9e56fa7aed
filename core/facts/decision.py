"""Policies and what they decided."""

from asd.core.event import Event, JsonObject, event_id
from asd.core.facts.predictor import QualityPredicted, judgement_name
from asd.core.policies.ladders import Ladder


def rule_name(policy: str, lam: float, seed: int) -> str:
    """How a stopping rule is named: `policy/lambda-λ/seed-SEED`; decisions are named by it too."""
    return f"{policy}/lambda-{lam:g}/seed-{seed}"


class PolicyFitted(Event, kind="policy.fitted", v=1, once=True):
    """A stopping rule for one λ and seed, with all that is needed to rebuild it. Costs have stage 0's mean = 1."""

    policy: str
    lam: float
    seed: int
    samples: int
    parameters: JsonObject

    @property
    def subject(self) -> str:
        return rule_name(self.policy, self.lam, self.seed)


class StageEscalated(Event, kind="stage.escalated", v=1, once=True):
    """The policy went on from `stage` to `next_stage`, since stopping would have cost more than going on.

    `stop_value` = λ·(1 − q), `go_value` = expected cost to go; both in units of stage 0's mean cost, as `cost`,
    the cost paid so far. `after` are the stages that ran before, where the estimate is told of these only.
    """

    sample: str
    policy: str
    lam: float
    seed: int
    stage: int
    next_stage: int
    q: float
    stop_value: float
    go_value: float
    cost: float
    after: Ladder | None = None

    @property
    def subject(self) -> str:
        return f"{self.sample}@{self.stage}/{rule_name(self.policy, self.lam, self.seed)}"

    @property
    def cause(self) -> str:
        return event_id(QualityPredicted.kind, judgement_name(self.sample, self.stage, self.after, self.seed))


class SampleAnswered(Event, kind="sample.answered", v=1, once=True):
    """The policy stopped at `stage` and gave the answer of `answer_stage` (an earlier one where it recalls).

    `cost` is all that was paid, in units of stage 0's mean; `time_s` is the same in seconds, predictor included, None
    where answers have no times. The baseline is the last stage alone, None where it did not run. `basis` is measured
    where the stages ran for this λ, else replayed. `q` is of the answer that is given, as judged after `stage`, and
    `after` are the stages that ran before, where the estimate is told of these only.
    """

    sample: str
    task: str
    policy: str
    lam: float
    seed: int
    stage: int
    answer_stage: int
    early: bool
    correct: bool
    q: float
    stop_value: float
    go_value: float | None
    cost: float
    baseline_cost: float
    time_s: float | None
    basis: str
    baseline_correct: bool | None = None
    baseline_time_s: float | None = None
    after: Ladder | None = None

    @property
    def subject(self) -> str:
        return f"{self.sample}/{rule_name(self.policy, self.lam, self.seed)}"

    @property
    def cause(self) -> str:
        return event_id(QualityPredicted.kind, judgement_name(self.sample, self.stage, self.after, self.seed))
