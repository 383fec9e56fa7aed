"""A live cascade: a stage runs only for the samples that reach it, decided by an earlier run's predictor and policy."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from pydantic import Field

from asd.core.calibration import calibration_from_data
from asd.core.errors import UsageError
from asd.core.event import Event, Fact, JsonObject, event_id
from asd.core.facts.analysis import LambdaChosen
from asd.core.facts.cost import CostMeasured
from asd.core.facts.decision import PolicyFitted, SampleAnswered, StageEscalated, rule_name
from asd.core.facts.predictor import PredictorCalibrated, PredictorTrained, QualityPredicted
from asd.core.facts.run import Nature, RunStarted
from asd.core.features import FEATURE_NAMES
from asd.core.policies.base import Step as Decision
from asd.core.policy import policy_from_data
from asd.runners import mlp
from asd.runners.base import Runner, Step
from asd.runners.config import AnyEngine, AnyTask
from asd.runners.engines.base import Sampling, Session, batches, joint_nature
from asd.runners.phases import preparation
from asd.runners.phases.decisions import POLICY
from asd.runners.phases.generation import Stage, load, weights
from asd.runners.phases.preparation import Asked, suited
from asd.runners.phases.timing import timed
from asd.runners.predictor import Features, stored_network
from asd.runners.state import State


class Judge(Fact):
    """A predictor: the weights' file with its hash, the features that it reads, and a calibration for each stage."""

    file: str
    sha256: str
    features: tuple[str, ...]
    calibrations: tuple[JsonObject, ...]


class LiveCascade(Runner):
    """One λ and seed of the run `parent`, live, on that run's evaluation samples.

    Everything that decides is in the configuration: the fitted policy, the predictor's file and its hash, and
    the costs. Nothing here is fitted.
    """

    kind = "live"
    tasks: tuple[AnyTask, ...] = Field(min_length=1)
    stages: tuple[AnyEngine, ...] = Field(min_length=2)
    lam: float
    seed: int
    temperature: float = 0.0
    judge: Judge
    policy: JsonObject
    costs: tuple[float, ...]

    @property
    def nature(self) -> Nature:
        """As the stages say."""
        return joint_nature(self.stages)

    @property
    def packages(self) -> frozenset[str]:
        """Those of the stages and of the tasks, and what reads the predictor's weights."""
        return frozenset({"safetensors"}).union(
            *(stage.packages for stage in self.stages), *(task.packages for task in self.tasks)
        )

    def run(self, past: Iterable[Event]) -> Iterator[Step]:
        """Yield what is missing: answers, grades, predictions and decisions of one pass."""
        state = State.of(past)
        asked: list[Asked] = []
        yield from timed(state, "environment capture", preparation.capture(state), again=True)
        yield from timed(state, "model check", preparation.check_models(self.stages, state))
        yield from timed(state, "data preparation", preparation.load_datasets(suited(self.tasks, self.stages), asked))
        seen = [one for one in asked if one.role != "fit"]
        walk = Walk(self, state)
        for stage in walk.policy.stages:
            reached = [one for one in seen if walk.reaches(one.problem.sample, stage)]
            if not all(walk.decided(one.problem.sample, stage) for one in reached):
                yield from self._stage(stage, reached, walk, state)

    def _stage(self, stage: int, reached: Sequence[Asked], walk: "Walk", state: State) -> Iterator[Step]:
        with ExitStack() as stack:
            sessions: list[Session] = []
            loading = load(stage, self.stages[stage], stack, sessions)
            yield from timed(state, "stage loading", loading, again=True)
            for task in dict.fromkeys(one.task.task for one in reached):
                mine = [one for one in reached if one.task.task == task]
                yield from timed(state, task, walk.answer(stage, mine, sessions[0]), again=True)


class Walk:
    """The decisions of a live cascade, as far as its answers go."""

    def __init__(self, runner: LiveCascade, state: State) -> None:
        """Read the predictor. Raises `DamageError` where a file is not the one that was recorded."""
        self.runner, self.state = runner, state
        self.policy = policy_from_data(runner.policy)
        self.draw = runner.seed if runner.temperature > 0 else None
        used = set(runner.judge.features)
        self.features = Features(state, np.array([name in used for name in FEATURE_NAMES]))
        self.network = stored_network(Path(runner.judge.file), runner.judge.sha256)
        self.maps = [calibration_from_data(one) for one in runner.judge.calibrations]

    def reaches(self, sample: str, stage: int) -> bool:
        """Whether the decisions so far lead `sample` to `stage`."""
        return all(
            self._predicted(sample, before) and self.decision(sample, before).next_stage is not None
            for before in self.policy.stages
            if before < stage
        )

    def decision(self, sample: str, stage: int) -> Decision:
        """What the policy says after `stage`, from the predictions so far."""
        history = np.full(stage + 1, np.nan)
        for before in self.policy.stages:
            if before <= stage:
                history[before] = self.state.quality[self.runner.seed, before, sample]
        return self.policy.stop_or_go(stage, history)

    def decided(self, sample: str, stage: int) -> bool:
        """Whether the decision after `stage` has been said, the last of what a stage says of a sample."""
        rule = rule_name(POLICY, self.runner.lam, self.runner.seed)
        went_on = event_id(StageEscalated.kind, f"{sample}@{stage}/{rule}")
        return went_on in self.state.said or event_id(SampleAnswered.kind, f"{sample}/{rule}") in self.state.said

    def answer(self, stage: int, asked: Sequence[Asked], session: Session) -> Iterator[Step]:
        """Answers with grades, then predictions, then decisions, a batch at a time: each needs what came before."""
        engine, task = self.runner.stages[stage], asked[0].task
        sampling = Sampling(
            max_tokens=task.max_tokens, stop=task.stop, temperature=self.runner.temperature, seed=self.draw
        )
        work = Stage(stage, engine, session, sampling, weights(stage, self.state))
        prompts = work.prompts(asked)
        for batch in batches(prompts, engine.batch):
            names = [prompts[i].sample for i in batch]
            if not all((name, stage, self.draw) in self.state.generated for name in names):
                answers = work.answers(task, [prompts[i] for i in batch], self.runner.known)
                yield (*answers, *(work.grade(task, asked[i], one) for i, one in zip(batch, answers, strict=True)))
            if not all(self._predicted(name, stage) for name in names):
                yield tuple(self._predictions(names, stage))
            yield tuple(self._decided(name, task.task, stage) for name in names)

    def _predicted(self, sample: str, stage: int) -> bool:
        return (self.runner.seed, stage, sample) in self.state.quality

    def _predictions(self, names: Sequence[str], stage: int) -> Iterator[QualityPredicted]:
        began = time.perf_counter()
        features = mlp.with_stage(self.features.of(names, stage, self.draw), stage, len(self.runner.stages))
        q = self.maps[stage].apply(mlp.scores(self.network, features)[:, 0]).tolist()
        each_s = (time.perf_counter() - began) / len(names)
        for name, value in zip(names, q, strict=True):
            yield QualityPredicted(sample=name, stage=stage, seed=self.runner.seed, q=value, predict_s=each_s)

    def _decided(self, sample: str, task: str, stage: int) -> StageEscalated | SampleAnswered:
        step = self.decision(sample, stage)
        used = [one for one in self.policy.stages if one <= stage]
        about = {
            "sample": sample,
            "policy": POLICY,
            "lam": self.runner.lam,
            "seed": self.runner.seed,
            "stage": stage,
            "stop_value": step.stop_value,
            "go_value": step.go_value if np.isfinite(step.go_value) else None,
            "cost": sum(self.runner.costs[one] for one in used),
        }
        if step.next_stage is not None:
            q = self.state.quality[self.runner.seed, stage, sample]
            return StageEscalated.model_validate({**about, "next_stage": step.next_stage, "q": q})
        return SampleAnswered.model_validate(
            {
                **about,
                "task": task,
                "answer_stage": step.answer_stage,
                "early": step.answer_stage < len(self.runner.stages) - 1,
                "correct": self.state.graded[sample, step.answer_stage, self.draw].correct,
                "q": self.state.quality[self.runner.seed, step.answer_stage, sample],
                "baseline_cost": self.runner.costs[-1],
                "time_s": self._seconds(sample, used),
                "basis": "measured",
            }
        )

    def _seconds(self, sample: str, used: Sequence[int]) -> float | None:
        """Busy seconds of the stages used, and the predictor's but for the last stage, after which it is not asked."""
        busy = [self.state.generated[sample, stage, self.draw].busy_s for stage in used]
        asked = [stage for stage in used if stage < len(self.runner.stages) - 1]
        spent = sum(self.state.predict_s[self.runner.seed, stage, sample] for stage in asked)
        known = [one for one in busy if one is not None]
        return sum(known) + spent if len(known) == len(busy) else None


def live_settings(events: Iterable[Event], parent: str, files: Path, lam: float | None, seed: int | None) -> JsonObject:
    """The configuration of a live cascade from the events of the run `parent`, whose files are in `files`.

    `lam` is the chosen λ and `seed` the first unless said otherwise. Raises `UsageError` where the run has no such λ,
    seed, or has not come to its policies yet.
    """
    state = State.of(events)
    started, chosen = state.last(RunStarted), state.last(LambdaChosen)
    if started is None or chosen is None or started.runner != "cascade":
        raise UsageError(f"{parent} is no cascade that has chosen its policy yet; let it finish, or name another run")
    config = started.config
    price, first = chosen.lam if lam is None else lam, config["seeds"][0] if seed is None else seed
    fitted = [one for one in state.all(PolicyFitted) if (one.lam, one.seed) == (price, first)]
    if not fitted:
        raise UsageError(f"{parent} has no policy for λ = {price:g} and seed {first}; it has {_offered(state)}")
    trained = next(one for one in state.all(PredictorTrained) if one.seed == first)
    calibrated = [one for one in state.all(PredictorCalibrated) if one.seed == first]
    return {
        "runner": LiveCascade.kind,
        "name": f"{config['name']}-live",
        "parent": parent,
        "tasks": config["tasks"],
        "stages": config["stages"],
        "temperature": config["temperature"],
        "lam": price,
        "seed": first,
        "policy": fitted[0].parameters,
        "costs": [one.policy_cost for one in state.all(CostMeasured)],
        "judge": {
            "file": str((files / trained.file).resolve()),
            "sha256": trained.sha256,
            "features": trained.features,
            "calibrations": [one.parameters for one in sorted(calibrated, key=lambda one: one.stage)],
        },
    }


def _offered(state: State) -> str:
    fitted = state.all(PolicyFitted)
    lambdas, seeds = sorted({one.lam for one in fitted}), sorted({one.seed for one in fitted})
    return f"λ {', '.join(f'{one:g}' for one in lambdas)} and seeds {', '.join(map(str, seeds))}"
