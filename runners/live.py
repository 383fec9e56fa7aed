"""A live cascade: a stage runs only for the samples that reach it, decided by an earlier run's predictor and policy."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from pydantic import Field

from asd.core.arrays import FloatArray
from asd.core.calibration import calibration_from_data
from asd.core.errors import UsageError
from asd.core.event import Event, Fact, JsonObject, event_id
from asd.core.facts.analysis import LambdaChosen
from asd.core.facts.cost import CostMeasured
from asd.core.facts.decision import PolicyFitted, SampleAnswered, StageEscalated, rule_name
from asd.core.facts.predictor import PredictorCalibrated, PredictorTrained, QualityPredicted, RecallFitted
from asd.core.facts.run import Nature, RunStarted
from asd.core.features import FEATURE_NAMES
from asd.core.policies.base import Step as Decision
from asd.core.policies.ladders import Ladder
from asd.core.policy import RecallModel, judged, policy_from_data, rejudged
from asd.runners import mlp
from asd.runners.base import Runner, Step
from asd.runners.config import AnyEngine, AnyTask
from asd.runners.engines.base import Sampling, Session, batches, joint_nature
from asd.runners.ensemble import UNSEEN, stored_ensemble
from asd.runners.featuring import Features
from asd.runners.ladder import after, same_answers
from asd.runners.phases import preparation
from asd.runners.phases.decisions import POLICY
from asd.runners.phases.generation import Stage, load, weights
from asd.runners.phases.preparation import Asked, suited
from asd.runners.phases.timing import timed
from asd.runners.settings import PredictorSettings
from asd.runners.state import JudgementKey, State


class Judge(Fact):
    """A predictor: the weights' file with its hash, the features that it reads, and a calibration for each stage.

    `told` says that an estimate is another one where stages before were skipped; `recall` judges earlier answers again.
    """

    file: str
    sha256: str
    features: tuple[str, ...]
    calibrations: tuple[JsonObject, ...]
    told: bool = False
    recall: JsonObject | None = None


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
            loading, of = load(stage, self.stages[stage], stack, sessions), (stage, self.stages[stage].model)
            yield from timed(state, "stage loading", loading, again=True, of=of)
            for task in dict.fromkeys(one.task.task for one in reached):
                mine = [one for one in reached if one.task.task == task]
                yield from timed(state, task, walk.answer(stage, mine, sessions[0]), again=True, of=of)


class Walk:
    """The decisions of a live cascade, as far as its answers go."""

    def __init__(self, runner: LiveCascade, state: State) -> None:
        """Read the predictor. Raises `DamageError` where a file is not the one that was recorded."""
        self.runner, self.state = runner, state
        self.policy = policy_from_data(runner.policy)
        self.draw = runner.seed if runner.temperature > 0 else None
        used = set(runner.judge.features)
        self.features = Features(state, np.array([name in used for name in FEATURE_NAMES]))
        self.networks = stored_ensemble(Path(runner.judge.file), runner.judge.sha256)
        self.maps = [calibration_from_data(one) for one in runner.judge.calibrations]
        self.recall = None if runner.judge.recall is None else RecallModel.from_data(runner.judge.recall)

    def reaches(self, sample: str, stage: int) -> bool:
        """Whether the decisions so far lead `sample` to `stage`."""
        return all(
            self._predicted(sample, before) and self.decision(sample, before).next_stage is not None
            for before in self.policy.stages
            if before < stage
        )

    def decision(self, sample: str, stage: int) -> Decision:
        """What the policy says after `stage`, from the predictions so far."""
        return self.policy.stop_or_go(stage, self.judgements(sample, stage)[: stage + 1])

    def judgements(self, sample: str, stage: int) -> FloatArray:
        """The probabilities of all answers so far, as judged after each of them: [stages, stages], nan elsewhere."""
        ran, many = self.ran(stage), len(self.runner.stages)
        q, same = np.full((1, many), np.nan), np.zeros((1, many, many), dtype=np.bool_)
        for place, before in enumerate(ran):
            q[0, before] = self.state.quality[self._key(sample, ran[: place + 1])]
        if self.recall is None:
            return np.asarray(judged(q)[0])
        at = np.array(ran)
        same[:, at[:, None], at] = same_answers(self.state, [sample], self.draw, ran)
        return np.asarray(rejudged(self.recall, q, same, self.policy.stages)[0])

    def ran(self, stage: int) -> Ladder:
        """The policy's stages up to `stage`."""
        return tuple(one for one in self.policy.stages if one <= stage)

    def _key(self, sample: str, ran: Ladder) -> JudgementKey:
        return self.runner.seed, ran[-1], after(ran, self.runner.judge.told), sample

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
        return self._key(sample, self.ran(stage)) in self.state.quality

    def _predictions(self, names: Sequence[str], stage: int) -> Iterator[QualityPredicted]:
        began, ran = time.perf_counter(), self.ran(stage)
        features = mlp.with_stage(self.features.of(names, ran, self.draw), stage, len(self.runner.stages))
        log_odds = self.networks.scores(features, np.full(len(names), UNSEEN))[:, 0]
        q = self.maps[stage].apply(log_odds).tolist()
        each_s = (time.perf_counter() - began) / len(names)
        told, seed = after(ran, self.runner.judge.told), self.runner.seed
        for name, value in zip(names, q, strict=True):
            yield QualityPredicted(sample=name, stage=stage, seed=seed, q=value, predict_s=each_s, after=told)

    def _decided(self, sample: str, task: str, stage: int) -> StageEscalated | SampleAnswered:
        step, used = self.decision(sample, stage), self.ran(stage)
        q = float(self.judgements(sample, stage)[stage, step.answer_stage])
        about = {
            "sample": sample,
            "policy": POLICY,
            "lam": self.runner.lam,
            "seed": self.runner.seed,
            "stage": stage,
            "stop_value": step.stop_value,
            "go_value": step.go_value if np.isfinite(step.go_value) else None,
            "cost": sum(self.runner.costs[one] for one in used),
            "q": q,
            "after": after(used, self.runner.judge.told),
        }
        if step.next_stage is not None:
            return StageEscalated.model_validate({**about, "next_stage": step.next_stage})
        return SampleAnswered.model_validate(
            {
                **about,
                "task": task,
                "answer_stage": step.answer_stage,
                "early": step.answer_stage < len(self.runner.stages) - 1,
                "correct": self.state.graded[sample, step.answer_stage, self.draw].correct,
                "baseline_cost": self.runner.costs[-1],
                "time_s": self._seconds(sample, used),
                "basis": "measured",
            }
        )

    def _seconds(self, sample: str, used: Sequence[int]) -> float | None:
        """Busy seconds of the stages used, and the predictor's but for the last stage, after which it is not asked."""
        busy = [self.state.generated[sample, stage, self.draw].busy_s for stage in used]
        asked = [stage for stage in used if stage < len(self.runner.stages) - 1]
        spent = sum(self.state.predict_s[self._key(sample, self.ran(stage))] for stage in asked)
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
    predictor = PredictorSettings.model_validate(config["predictor"])
    ladder = policy_from_data(fitted[0].parameters).stages
    maps = {(one.stage, one.after): one.parameters for one in state.all(PredictorCalibrated) if one.seed == first}
    # Stages that the policy skips are never judged; their maps only keep the list one a stage.
    ran = [(*(one for one in ladder if one < stage), stage) for stage in range(len(config["stages"]))]
    recalls = (one for one in state.all(RecallFitted) if (one.seed, one.stages) == (first, ladder))
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
            "calibrations": [maps[one[-1], after(one, predictor.told)] for one in ran],
            "told": predictor.told,
            "recall": next((one.parameters for one in recalls), None),
        },
    }


def _offered(state: State) -> str:
    fitted = state.all(PolicyFitted)
    lambdas, seeds = sorted({one.lam for one in fitted}), sorted({one.seed for one in fitted})
    return f"λ {', '.join(f'{one:g}' for one in lambdas)} and seeds {', '.join(map(str, seeds))}"
