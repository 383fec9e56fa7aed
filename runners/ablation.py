"""What each part of the method brings: a run of its own over a finished run's events, which needs no model.

Every arm decides the parent's evaluation samples at its chosen λ, seed by seed, with one part changed. The last arm of
an ablation leaves the part out, and each other arm is tested against it: does the loss that the policy minimises
differ? All tests are one family.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from asd.core.errors import UsageError
from asd.core.event import Event
from asd.core.facts.analysis import AblationMeasured
from asd.core.facts.cost import CostMeasured
from asd.core.facts.run import Hypothesis, Nature, RunFinished, RunPlanned, RunStarted
from asd.core.statistics import multiple, paired
from asd.runners.arms import Ground, Measured
from asd.runners.base import Runner, Step
from asd.runners.outcomes import Outcomes
from asd.runners.phases.statistics import Finding, about, finding_event
from asd.runners.phases.timing import timed
from asd.runners.state import State

Name = Literal["predictor", "costs", "ladder", "information", "policy"]
TITLES: dict[Name, str] = {
    "predictor": "quality predictor",
    "costs": "cost model",
    "ladder": "ladder",
    "information": "information set",
    "policy": "policy and calibration",
}
"""What each ablation is called in tables, from its name in the configuration."""
FAMILY = "ablations (Holm)"


class Ablation(Runner):
    """The `ablations` of the run `parent`, which must be a finished cascade."""

    kind = "ablation"
    parent: str
    ablations: tuple[Name, ...] = tuple(TITLES)

    @property
    def nature(self) -> Nature:
        """That of the parent's answers."""
        return next(one.nature for one in self.varied.read() if isinstance(one, RunStarted))

    def run(self, past: Iterable[Event]) -> Iterator[Step]:
        """Yield what is missing: the plan, then every arm's figures, then the tests."""
        state, ground = State.of(past), self._ground()
        yield from state.take([self._plan(ground)])
        findings: list[Finding] = []
        for name in self.ablations:
            yield from timed(state, TITLES[name], self._measured(name, ground, findings))
        yield from timed(state, "statistics", self._tests(findings, ground))

    def _ground(self) -> Ground:
        state = State.of(self.varied.read())
        started = state.last(RunStarted)
        if started is None or started.runner != "cascade" or not state.all(RunFinished):
            raise UsageError(f"{self.parent} is no finished cascade; resume it, or name another run")
        return Ground.of(state, started.config, self.varied.files)

    def _plan(self, ground: Ground) -> RunPlanned:
        question = "Does the loss that the policy minimises differ from the last arm's, which leaves the part out?"
        many = ground.analysis.permutations
        return RunPlanned(
            units={},
            lambdas=(ground.lam,),
            seeds=tuple(ground.base.draws),
            stages=tuple(one.model for one in ground.base.state.all(CostMeasured)),
            tasks=tuple(dict.fromkeys(one.task for one in ground.base.state.planned.values())),
            alpha=ground.analysis.alpha,
            confidence=ground.analysis.confidence,
            retention_margin=ground.analysis.retention,
            hypotheses=tuple(
                Hypothesis(
                    name=f"ablation: {TITLES[name]}",
                    question=question,
                    method=_method(many),
                    family=FAMILY,
                )
                for name in self.ablations
            ),
        )

    def _measured(self, name: Name, ground: Ground, findings: list[Finding]) -> Iterator[Step]:
        arms = [arm.measured() for arm in ground.arms(name)]
        for arm in arms:
            yield _event(TITLES[name], arm, ground)
        last = arms[-1]
        for arm in arms[:-1]:
            findings.append(_tested(_question(TITLES[name], arm.name, len(arms)), ground, arm.outcomes, last.outcomes))

    def _tests(self, findings: Sequence[Finding], ground: Ground) -> Iterator[Step]:
        adjusted = multiple.holm([one.p_value or 0.0 for one in findings])
        named = (replace(one, p_adjusted=p) for one, p in zip(findings, adjusted, strict=True))
        yield from (finding_event(one, ground.base, ground.base.state.head, self.parent) for one in named)


def _method(permutations: int) -> str:
    return f"sign-flip permutation of cost + λ·error, {permutations:,} resamples"


def _question(title: str, arm: str, arms: int) -> str:
    """How a test is named: by its ablation, and by its arm where there are more than two."""
    return f"ablation: {title}" if arms == 2 else f"ablation: {title}: {arm}"


def _event(title: str, arm: Measured, ground: Ground) -> AblationMeasured:
    seen = arm.outcomes
    base = float(seen.baseline_right.sum())
    return AblationMeasured(
        ablation=title,
        arm=arm.name,
        samples=len(seen.names),
        accuracy=float(seen.right.mean()),
        quality_retention=float(seen.right.sum()) / base if base else 1.0,
        speedup=seen.speedup,
        cost_accuracy=arm.cost_accuracy,
        basis="replayed",
        details={"lambda": ground.lam, **arm.details},
    )


def _tested(question: str, ground: Ground, first: Outcomes, last: Outcomes) -> Finding:
    """Sign flips of the per-sample difference in cost + λ·(answer wrong), in units of stage 0's mean cost."""
    loss = [one.cost + ground.lam * (1.0 - one.right) for one in (first, last)]
    gain, many = loss[1] - loss[0], ground.analysis.permutations
    return replace(
        about(question, ground.lam, "all", first),
        method=_method(many),
        family=FAMILY,
        estimate=float(gain.mean()),
        p_value=paired.sign_flip_test(gain, ground.analysis.rng_seed, many),
        effect_size=float(gain.mean()),
        effect="mean loss saved against the last arm, stage 0's cost = 1",
        rng_seed=ground.analysis.rng_seed,
    )
