"""The runner that turns other tools' results into events."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import orjson
from pydantic import Field

from asd.core.errors import ConfigError
from asd.core.event import Event, event_id
from asd.core.facts.data import DatasetLoaded
from asd.core.facts.run import Nature
from asd.core.facts.sample import SampleGenerated, SampleGraded, SamplePlanned
from asd.runners.base import Runner, Step, head_of
from asd.runners.imports import inspect_log, lm_eval
from asd.runners.imports.answers import Answer, Source
from asd.runners.imports.comparison import compare


class Import(Runner):
    """Answers from `sources`, files of lm-eval (`samples_*.jsonl`) or inspect_ai (`.eval`).

    Each model is a stage, in the order in which the files name them: give the cheapest first.
    """

    kind = "import"
    name: str = Field(default="import", pattern=r"[a-z0-9][a-z0-9-]*")
    sources: tuple[Path, ...] = Field(min_length=1)
    alpha: float = Field(default=0.01, gt=0, lt=1)

    @property
    def nature(self) -> Nature:
        """Recorded: the answers were given at another time and place."""
        return Nature.RECORDED

    def run(self, past: Iterable[Event]) -> Iterator[Step]:
        """Yield what is missing: datasets, samples, answers with grades, paired comparisons of the stages."""
        said = {event_id(event.kind, event.subject) for event in past if event.once}
        sources = [read(path) for path in self.sources]
        stages = {model: stage for stage, model in enumerate(dict.fromkeys(one.model for one in sources))}
        for step in _steps(sources, stages, past):
            group = tuple(event for event in step if event_id(event.kind, event.subject) not in said)
            said.update(event_id(event.kind, event.subject) for event in group)
            if group:
                yield group


def read(path: Path) -> Source:
    """The answers in one file, by its name. Raises `ConfigError`, `MissingDataError`."""
    if lm_eval.is_lm_eval(path):
        return lm_eval.read(path)
    if inspect_log.is_inspect(path):
        return inspect_log.read(path)
    raise ConfigError(f"{path}: neither samples_*.jsonl (lm-eval) nor *.eval or *.json (inspect_ai)")


def _steps(sources: list[Source], stages: dict[str, int], past: Iterable[Event]) -> Iterator[tuple[Event, ...]]:
    for source in sources:
        yield (_loaded(source),)
        for answer in source.answers:
            yield (_planned(source, answer),)
    for source in sources:
        for answer in source.answers:
            yield _answered(source, answer, stages[source.model])
    yield from ((event,) for event in compare(sources, stages, head_of(past)))


def _sample(source: Source, answer: Answer) -> str:
    return f"{source.task}/{source.split}/{answer.name}"


def _loaded(source: Source) -> DatasetLoaded:
    rows = orjson.dumps(sorted({(one.name, one.prompt, one.reference) for one in source.answers}))
    samples = len({one.name for one in source.answers})
    return DatasetLoaded(
        task=source.task,
        role="any",
        hub_path=source.hub_path,
        config=None,
        split=source.split,
        samples=samples,
        samples_used=samples,
        fingerprint=sha256(rows).hexdigest(),
        licence=None,
        loaded_from=source.path.name,
    )


def _planned(source: Source, answer: Answer) -> SamplePlanned:
    return SamplePlanned(
        sample=_sample(source, answer),
        task=source.task,
        role="any",
        prompt=answer.prompt,
        reference=answer.reference,
    )


def _answered(source: Source, answer: Answer, stage: int) -> tuple[Event, ...]:
    sample = _sample(source, answer)
    work = sha256(f"{source.sha256}:{sample}:{answer.draw}".encode()).hexdigest()
    generated = SampleGenerated(
        sample=sample,
        task=source.task,
        stage=stage,
        model=source.model,
        sampling_seed=answer.draw,
        work=work,
        prompt_sha256=sha256(answer.prompt.encode()).hexdigest(),
        text=answer.text,
        token_ids=(),
        logprobs=None,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        finish_reason=answer.finish_reason,
        first_token_s=None,
        queue_s=None,
        prefill_s=None,
        decode_s=None,
        latency_s=answer.latency_s,
        busy_s=None,
        batch=1,
        nature=Nature.RECORDED,
    )
    graded = SampleGraded(
        sample=sample,
        task=source.task,
        stage=stage,
        sampling_seed=answer.draw,
        correct=answer.correct,
        extracted=answer.extracted,
        grader=f"{source.grader} (imported)",
        score=answer.score,
    )
    return generated, graded
