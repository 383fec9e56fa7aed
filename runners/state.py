"""What a run knows so far: the fold over its events.

Live or resumed, the state comes from events alone, so both go the same way from the same events. Large kinds are
kept as compact values; a fact that is already there is dropped, one that differs is refused.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from asd.core.errors import ConflictError
from asd.core.event import Event, event_id
from asd.core.facts.decision import SampleAnswered, StageEscalated
from asd.core.facts.predictor import QualityPredicted
from asd.core.facts.run import PhaseFinished
from asd.core.facts.sample import SampleGenerated, SampleGraded, SamplePlanned
from asd.core.policies.ladders import Ladder
from asd.runners.base import Step, head_of

E = TypeVar("E", bound=Event)
AnswerKey = tuple[str, int, int | None]
"""Sample, stage, and sampling seed (None: greedy)."""
JudgementKey = tuple[int, int, Ladder | None, str]
"""Seed, stage, the earlier stages that the estimate is told of (None: all), and sample."""
BULK = (QualityPredicted, StageEscalated, SampleAnswered)
"""Kinds of which a run has hundreds of thousands: known by name alone, never compared with what was said before."""


class Outcome(NamedTuple):
    """What later phases need of a `sample.answered`."""

    correct: bool
    baseline_correct: bool | None
    cost: float
    baseline_cost: float
    time_s: float | None
    baseline_time_s: float | None


@dataclass
class State:
    """The run's facts by what later phases ask for."""

    facts: dict[type[Event], list[Event]] = field(default_factory=lambda: defaultdict(list))
    said: dict[str, Event | None] = field(default_factory=dict)
    planned: dict[str, SamplePlanned] = field(default_factory=dict)
    generated: dict[AnswerKey, SampleGenerated] = field(default_factory=dict)
    graded: dict[AnswerKey, SampleGraded] = field(default_factory=dict)
    quality: dict[JudgementKey, float] = field(default_factory=dict)
    predict_s: dict[JudgementKey, float] = field(default_factory=dict)
    answered: dict[tuple[float, int], dict[str, Outcome]] = field(default_factory=lambda: defaultdict(dict))
    finished: set[str] = field(default_factory=set)
    past: Iterable[Event] = ()

    @classmethod
    def of(cls, past: Iterable[Event]) -> "State":
        """The state after `past`."""
        state = cls(past=past)
        for event in past:
            state.apply(event)
        return state

    @property
    def head(self) -> dict[str, int]:
        """The head that has been read so far, by stream; empty where the past came from no log."""
        return head_of(self.past)

    def all(self, kind: type[E]) -> list[E]:
        """Every event of `kind` so far, in order; not kept for `BULK` kinds and samples."""
        return cast(list[E], self.facts[kind])

    def last(self, kind: type[E]) -> E | None:
        """The newest event of `kind`, or None."""
        found = self.all(kind)
        return found[-1] if found else None

    def take(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Pass on what is new of `steps`, having applied it.

        Raises `ConflictError` where a fact differs from what the run has said before, for instance because a
        dataset was changed between two attempts.
        """
        for step in steps:
            group = step if isinstance(step, tuple) else (step,)
            new = tuple(event for event in group if self._is_new(event))
            for event in new:
                self.apply(event)
            if new:
                yield new if len(new) > 1 else new[0]

    def apply(self, event: Event) -> None:
        """Fold one event in."""
        if event.once:
            self.said[event_id(event.kind, event.subject)] = None if isinstance(event, BULK) else event
        match event:
            case SamplePlanned():
                self.planned[event.sample] = event
            case SampleGenerated():
                self.generated[event.sample, event.stage, event.sampling_seed] = event
            case SampleGraded():
                self.graded[event.sample, event.stage, event.sampling_seed] = event
            case QualityPredicted():
                key = (event.seed, event.stage, event.after, event.sample)
                self.quality[key], self.predict_s[key] = event.q, event.predict_s
            case SampleAnswered():
                self.answered[event.lam, event.seed][event.sample] = _outcome(event)
            case PhaseFinished():
                self.finished.add(event.phase)
                self.facts[PhaseFinished].append(event)
            case _ if not isinstance(event, BULK):
                self.facts[type(event)].append(event)

    def _is_new(self, event: Event) -> bool:
        name = event_id(event.kind, event.subject)
        if not event.once or name not in self.said:
            return True
        before = self.said[name]
        if before is not None and not event.same_fact(before):
            raise ConflictError(f"{name} was recorded with other content; start a new run instead of resuming this one")
        return False


def _outcome(event: SampleAnswered) -> Outcome:
    return Outcome(*(getattr(event, name) for name in Outcome._fields))
