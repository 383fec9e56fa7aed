"""Training the pocket ladder: a run like any other, so that the shipped weights have a record."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import Field

from asd.core.event import Event, Fact
from asd.core.facts.training import (
    Architecture,
    CellAccuracy,
    ModelTrained,
    TrainedFile,
    TrainingProgressed,
    TrainingStarted,
)
from asd.runners import environment, pocket_models
from asd.runners.base import Runner, Step
from asd.runners.engines.base import Sampling
from asd.runners.engines.transformers import TransformersEngine
from asd.runners.pocket_fitting import Lesson, Progress, fit
from asd.runners.tasks.base import Problem as Question
from asd.runners.tasks.pocket_problems import FAMILIES, LEVELS, Problem, Split, problems
from asd.runners.threads import threads

CHECKED_ON: Split = "fit"


class Pupil(Fact):
    """One stage: the model's name, its shape, and how it is trained."""

    model: str = Field(pattern=r"[a-z0-9][a-z0-9-]*")
    shape: Architecture
    lesson: Lesson


class PocketTraining(Runner):
    """Train the stages one after another, each from its own seed (`seed` + stage), and store them in `files`.

    A stage that `past` shows trained is left as it is; one that was interrupted starts from the beginning and, with
    the same machine, software and `threads`, ends with the same weights. `check_per_cell` problems of each family
    and level measure what came out.
    """

    kind = "pocket-train"
    stages: tuple[Pupil, ...] = Field(min_length=1)
    seed: int = 7
    threads: int = Field(default=1, ge=1)
    report_every: int = Field(default=100, ge=1)
    check_per_cell: int = Field(default=100, ge=1)

    @property
    def packages(self) -> frozenset[str]:
        """What trains a model, and what stores it."""
        return frozenset({"torch", "transformers", "safetensors"})

    def run(self, past: Iterable[Event]) -> Iterator[Step]:
        """Yield the environment, then start, progress and end of each stage that is still missing."""
        done = {event.stage for event in past if isinstance(event, ModelTrained)}
        missing = [stage for stage in range(len(self.stages)) if stage not in done]
        if missing:
            yield environment.capture()
        for stage in missing:
            with threads(self.threads):
                yield from self._train(stage, self.stages[stage])

    def _train(self, stage: int, pupil: Pupil) -> Iterator[Step]:
        seed, folder = self.seed + stage, self.files / pupil.model
        model = pocket_models.untrained(pupil.shape, seed)
        started = _started(stage, pupil, model.num_parameters(), seed, self.threads)
        yield started
        progress = Progress(0, 0.0, 0.0, 0.0)
        for progress in fit(model, pocket_models.tokenizer(), pupil.lesson, seed, self.report_every):
            yield _progressed(stage, progress)
        files = pocket_models.save(model, folder)
        yield _trained(started, progress, files, self._cells(folder))

    def _cells(self, folder: Path) -> tuple[CellAccuracy, ...]:
        """Accuracy per family and level of the model as `folder` holds it, through the engine that will load it."""
        asked = problems(CHECKED_ON, self.check_per_cell, self.seed)
        answers = _answers(TransformersEngine(path=str(folder), threads=self.threads), asked)
        right = [(one.family, one.level, text == one.answer) for one, text in zip(asked, answers, strict=True)]
        return tuple(
            CellAccuracy(
                family=family,
                level=level,
                samples=self.check_per_cell,
                accuracy=right.count((family, level, True)) / self.check_per_cell,
            )
            for family in FAMILIES
            for level in LEVELS
        )


def _answers(engine: TransformersEngine, asked: Sequence[Problem], together: int = 100) -> list[str]:
    questions = [Question(one.id, one.prompt, one.answer) for one in asked]
    sampling = Sampling(max_tokens=pocket_models.LONGEST_ANSWER)
    with engine.load() as session:
        prompts = session.prompts(questions)
        groups = (prompts[start : start + together] for start in range(0, len(prompts), together))
        return [answer.text for group in groups for answer in session.generate(group, sampling)]


def _started(stage: int, pupil: Pupil, parameters: int, seed: int, threads: int) -> TrainingStarted:
    import torch
    import transformers

    return TrainingStarted(
        stage=stage,
        model=pupil.model,
        architecture=pupil.shape,
        parameters=parameters,
        training_seed=seed,
        threads=threads,
        torch_version=torch.__version__,
        transformers_version=transformers.__version__,
        **pupil.lesson.model_dump(),
    )


def _progressed(stage: int, progress: Progress) -> TrainingProgressed:
    return TrainingProgressed(
        stage=stage,
        step=progress.step,
        loss=progress.loss,
        elapsed_s=progress.elapsed_s,
        cpu_s=progress.cpu_s,
    )


def _trained(
    started: TrainingStarted,
    progress: Progress,
    files: tuple[TrainedFile, ...],
    cells: tuple[CellAccuracy, ...],
) -> ModelTrained:
    return ModelTrained(
        stage=started.stage,
        model=started.model,
        folder=started.model,
        files=files,
        parameters=started.parameters,
        training_seed=started.training_seed,
        steps=progress.step,
        loss=progress.loss,
        train_s=progress.elapsed_s,
        cpu_s=progress.cpu_s,
        checked_on=CHECKED_ON,
        samples=sum(cell.samples for cell in cells),
        accuracy=sum(cell.accuracy for cell in cells) / len(cells),
        cells=cells,
        torch_version=started.torch_version,
    )
