"""The one pass of the ladder: every stage answers every sample, and every answer is graded."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from hashlib import sha256

import orjson

from asd.core.event import JsonObject
from asd.core.facts.model import ModelChecked, StageLoaded
from asd.core.facts.sample import SampleGenerated, SampleGraded
from asd.runners.base import Step
from asd.runners.engines.base import Engine, Generation, Prompt, Sampling, ScoringSession, Session, batches
from asd.runners.phases.preparation import Asked
from asd.runners.phases.timing import timed
from asd.runners.state import State
from asd.runners.tasks.base import Task

Known = Mapping[str, SampleGenerated]
"""Answers of other runs by the key of their work."""


def generate(
    engines: Sequence[Engine],
    asked: Sequence[Asked],
    temperature: float,
    draws: Sequence[int | None],
    known: Known,
    state: State,
) -> Iterator[Step]:
    """Stage by stage, so that a ladder larger than the memory still runs; a stage with nothing left is not loaded.

    `draws` holds the sampling seeds, or None alone where answers are greedy; `known` answers are taken over.
    """
    for stage, engine in enumerate(engines):
        tasks = [task for task in _tasks(asked) if _missing(task, asked, stage, draws, state)]
        if not tasks:
            continue
        with ExitStack() as stack:
            sessions: list[Session] = []
            of = (stage, engine.model)
            yield from timed(state, "stage loading", load(stage, engine, stack, sessions), again=True, of=of)
            for task in tasks:
                mine = [one for one in asked if one.task is task]
                for draw in draws:
                    sampling = Sampling(max_tokens=task.max_tokens, stop=task.stop, temperature=temperature, seed=draw)
                    work = Stage(stage, engine, sessions[0], sampling, weights(stage, state))
                    yield from timed(state, task.task, work.answer(task, mine, known, state), again=True, of=of)


def _tasks(asked: Sequence[Asked]) -> list[Task]:
    return list({one.task.task: one.task for one in asked}.values())


def _missing(task: Task, asked: Sequence[Asked], stage: int, draws: Sequence[int | None], state: State) -> bool:
    names = (one.problem.sample for one in asked if one.task is task)
    return any((name, stage, draw) not in state.generated for name in names for draw in draws)


class Stage:
    """One loaded stage: it answers batches and names the work by content."""

    def __init__(self, stage: int, engine: Engine, session: Session, sampling: Sampling, weights: str | None) -> None:
        """`weights` is the hash of the model's files, None where there are none to check."""
        self.stage, self.engine, self.session, self.sampling = stage, engine, session, sampling
        self.fixed = {"engine": engine.identity(), "weights": weights, "sampling": sampling.model_dump(mode="json")}

    def answer(self, task: Task, asked: Sequence[Asked], known: Known, state: State) -> Iterator[Step]:
        """Answers with their grades, a batch at a time. Batches depend on `asked` alone, never on what is left.

        A batch of which all work is `known` is taken over; any other is generated whole.
        """
        prompts = self.prompts(asked)
        for batch in batches(prompts, self.engine.batch):
            if all((prompts[i].sample, self.stage, self.sampling.seed) in state.generated for i in batch):
                continue
            answers = self.answers(task, [prompts[i] for i in batch], known)
            grades = [self.grade(task, asked[i], answer) for i, answer in zip(batch, answers, strict=True)]
            yield tuple(event for pair in zip(answers, grades, strict=True) for event in pair)

    def prompts(self, asked: Sequence[Asked]) -> list[Prompt]:
        """The problems as the engine sees them, with their choices."""
        made = self.session.prompts([one.problem for one in asked])
        return [replace(prompt, choices=one.problem.choices) for prompt, one in zip(made, asked, strict=True)]

    def answers(self, task: Task, prompts: Sequence[Prompt], known: Known) -> list[SampleGenerated]:
        """The answers to one batch, in its order."""
        before = [known.get(self.work(prompt)) for prompt in prompts]
        if all(one is not None for one in before):
            return [one.model_copy(update={"stage": self.stage}) for one in before if one is not None]
        generations = self._ask(prompts)
        return [self._generated(task, *one, len(prompts)) for one in zip(prompts, generations, strict=True)]

    def _ask(self, prompts: Sequence[Prompt]) -> list[Generation]:
        if not prompts[0].choices:
            return self.session.generate(prompts, self.sampling)
        assert isinstance(self.session, ScoringSession), f"{self.engine.engine} says that it can score choices"
        return self.session.score(prompts)

    def work(self, prompt: Prompt) -> str:
        """SHA-256 over everything that can change the answer, as canonical JSON."""
        asked: JsonObject = {**self.fixed, "prompt": list(prompt.token_ids) or prompt.text, "sample": prompt.sample}
        asked |= {"choices": prompt.choices} if prompt.choices else {}
        return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def _generated(self, task: Task, prompt: Prompt, generation: Generation, batch: int) -> SampleGenerated:
        return SampleGenerated(
            sample=prompt.sample,
            task=task.task,
            stage=self.stage,
            model=self.engine.model,
            sampling_seed=self.sampling.seed,
            work=self.work(prompt),
            prompt_sha256=sha256(prompt.text.encode()).hexdigest(),
            batch=batch,
            nature=self.engine.nature,
            **{name: getattr(generation, name) for name in generation.__slots__},
        )

    def grade(self, task: Task, one: Asked, answer: SampleGenerated) -> SampleGraded:
        """The grade of one answer."""
        scored = answer.choice_logprobs
        grade = task.grade_choices(one.problem, scored) if scored else task.grade(one.problem, answer.text)
        return SampleGraded(
            sample=one.problem.sample,
            task=task.task,
            stage=self.stage,
            sampling_seed=self.sampling.seed,
            correct=grade.correct,
            extracted=grade.extracted,
            grader=task.grader,
            score=grade.score,
        )


def load(stage: int, engine: Engine, stack: ExitStack, sessions: list[Session]) -> Iterator[Step]:
    """Load a stage into `sessions`; `stack` frees it."""
    began = time.monotonic()
    session = stack.enter_context(engine.load())
    sessions.append(session)
    yield StageLoaded(
        stage=stage,
        model=engine.model,
        engine=engine.engine,
        nature=engine.nature,
        load_s=time.monotonic() - began,
        **asdict(session.loaded),
    )


def weights(stage: int, state: State) -> str | None:
    """The hash of a stage's checked files, None where it has none."""
    return next((one.weights_sha256 for one in state.all(ModelChecked) if one.stage == stage), None)
