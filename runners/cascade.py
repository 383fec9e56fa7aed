"""The ladder's experiment: one pass in which every stage answers every sample, then every λ and seed as a replay."""

from collections.abc import Iterable, Iterator
from typing import Self

from pydantic import Field, model_validator

from asd.core.event import Event
from asd.core.facts.run import Nature
from asd.core.features import information_mask
from asd.runners.base import Runner, Step
from asd.runners.config import AnyEngine, AnyTask
from asd.runners.engines.base import joint_nature
from asd.runners.featuring import Features
from asd.runners.phases import certificate, choice, comparison, costs, generation, planning, preparation, statistics
from asd.runners.phases.decisions import Replay
from asd.runners.phases.preparation import Asked, suited
from asd.runners.phases.timing import timed
from asd.runners.predictor import Predictor, PredictorTraining
from asd.runners.routing import Routing
from asd.runners.settings import AnalysisSettings, PolicySettings, PredictorSettings, Shares
from asd.runners.state import State


class Cascade(Runner):
    """A ladder of stages, cheapest first, on some tasks.

    Answers are greedy at temperature 0 and shared by all seeds; above it, every seed has its own answers. Seeds
    draw the splits, the predictor and, where answers are sampled, the answers.
    """

    kind = "cascade"
    tasks: tuple[AnyTask, ...] = Field(min_length=1)
    stages: tuple[AnyEngine, ...] = Field(min_length=2)
    lambdas: tuple[float, ...] = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
    seeds: tuple[int, ...] = Field(default=(42, 123, 456, 789, 999), min_length=1)
    temperature: float = Field(default=0.0, ge=0)
    shares: Shares = Shares()
    predictor: PredictorSettings = PredictorSettings()
    policy: PolicySettings = PolicySettings()
    analysis: AnalysisSettings = AnalysisSettings()

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        for name, values in (("lambdas", self.lambdas), ("seeds", self.seeds)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} must be distinct")
        if not self.lambdas and not self.policy.searched:
            raise ValueError("give at least one λ, or a policy.budget or policy.retention to search one for")
        if min(self.lambdas, default=1.0) <= 0:
            raise ValueError("each λ must be above 0: it is the price of a wrong answer")
        if self.policy.skip and "agreement" in self.predictor.information and not self.predictor.sub_ladders:
            raise ValueError(
                "policy.skip needs estimates that are told of what ran; set predictor.sub_ladders to true, "
                "or predictor.information to [prompt, answer, logprobs]"
            )
        return self

    @property
    def nature(self) -> Nature:
        """As the stages say."""
        return joint_nature(self.stages)

    @property
    def packages(self) -> frozenset[str]:
        """Those of the predictor's training, of the stages and of the tasks."""
        return self._training().packages.union(
            *(stage.packages for stage in self.stages), *(task.packages for task in self.tasks)
        )

    def run(self, past: Iterable[Event]) -> Iterator[Step]:
        """Yield what is missing of the whole experiment, phase by phase."""
        state = State.of(past)
        asked: list[Asked] = []
        yield from timed(state, "environment capture", preparation.capture(state), again=True)
        yield from timed(state, "model check", preparation.check_models(self.stages, state))
        yield from timed(state, "data preparation", self._prepare(asked, state))
        yield from generation.generate(self.stages, asked, self.temperature, self.draws, self.known, state)
        yield from timed(state, "costs", costs.measure(self.policy, [stage.draws for stage in self.stages], state))
        yield from timed(state, "predictor", self._training().steps(state))
        replay = self._replay(state)
        yield from timed(state, "policy", self._decide(replay))
        yield from timed(state, "replay", replay.answer())
        yield from timed(state, "certificate", certificate.certificates(self.analysis, replay))
        yield from timed(state, "comparison", comparison.compare(replay, self._routers(state)))
        yield from timed(state, "statistics", statistics.analyse(self.analysis, replay))

    @property
    def draws(self) -> tuple[int | None, ...]:
        """The sampling seeds of the generations: None alone where they are greedy."""
        return self.seeds if self.temperature > 0 else (None,)

    def _prepare(self, asked: list[Asked], state: State) -> Iterator[Step]:
        yield from preparation.load_datasets(suited(self.tasks, self.stages), asked)
        yield from preparation.assign_splits(asked, self.seeds, self.shares.model_dump())
        models = [stage.model for stage in self.stages]
        many = len(self.lambdas) + self.policy.searched
        yield from planning.plan(asked, models, self.lambdas, many, self.seeds, self.draws, self.analysis, state)

    def _training(self) -> PredictorTraining:
        return PredictorTraining(
            name=self.name,
            files=self.files,
            stages=len(self.stages),
            seeds=self.seeds,
            draws=self.draws,
            settings=self.predictor,
        )

    def _replay(self, state: State) -> Replay:
        return Replay(self.policy, self.predictor, len(self.stages), self.lambdas, self._drawn, state)

    @property
    def _drawn(self) -> dict[int, int | None]:
        """The sampling seed of each seed's answers."""
        return {seed: seed if self.temperature > 0 else None for seed in self.seeds}

    def _routers(self, state: State) -> Iterator[Routing]:
        features = Features(state, information_mask(("prompt",)))
        for seed, draw in self._drawn.items():
            predictor = Predictor(self.predictor, len(self.stages), state, features, seed, draw)
            yield Routing(predictor, self.files)

    def _decide(self, replay: Replay) -> Iterator[Step]:
        yield from replay.fit()
        yield from choice.choose(replay, self.analysis.retention)
