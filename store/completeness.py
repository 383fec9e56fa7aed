"""What a run announced against what happened, unit by unit and by name."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asd.core.event import Event
from asd.core.facts.data import SplitAssigned
from asd.core.facts.decision import SampleAnswered
from asd.core.facts.run import RunPlanned
from asd.core.facts.sample import SampleFailed, SampleGenerated, SampleGraded, SamplePlanned
from asd.core.log import EventLog

KINDS: tuple[type[Event], ...] = (
    RunPlanned,
    SamplePlanned,
    SplitAssigned,
    SampleGenerated,
    SampleGraded,
    SampleFailed,
    SampleAnswered,
)
SHOWN = 20


@dataclass(frozen=True, slots=True)
class UnitCount:
    """How many of one sort of unit were planned, are done, and failed; `missing` names the first of the others."""

    unit: str
    planned: int
    done: int
    failed: int
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether all that was planned is done or failed, by name."""
        return self.done + self.failed >= self.planned and not self.missing


@dataclass(frozen=True, slots=True)
class Completeness:
    """The ledger of a run; `planned` is False where it announced nothing."""

    planned: bool
    units: tuple[UnitCount, ...]

    @property
    def complete(self) -> bool:
        """Whether the run announced what it would do, and did it."""
        return self.planned and all(one.complete for one in self.units)


@dataclass(slots=True)
class _Seen:
    plan: RunPlanned | None = None
    samples: list[str] = field(default_factory=list)
    evaluated: set[tuple[int, str]] = field(default_factory=set)
    generated: set[tuple[str, int]] = field(default_factory=set)
    graded: set[tuple[str, int]] = field(default_factory=set)
    failed: set[tuple[str, int]] = field(default_factory=set)
    answered: set[tuple[int, str, float]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, event: Event) -> None:
        """Note one event."""
        self.counts[event.kind.removeprefix("sample.")] += 1
        match event:
            case RunPlanned():
                self.plan = event
            case SamplePlanned():
                self.samples.append(event.sample)
            case SplitAssigned() if event.role == "evaluate":
                self.evaluated.update((event.seed, sample) for sample in event.samples)
            case SampleGenerated():
                self.generated.add((event.sample, event.stage))
            case SampleGraded():
                self.graded.add((event.sample, event.stage))
            case SampleFailed():
                self.failed.add((event.sample, event.stage))
            case SampleAnswered():
                self.answered.add((event.seed, event.sample, event.lam))
            case _:
                pass


def completeness(log: EventLog) -> Completeness:
    """Compare what `run.planned` and `sample.planned` announced with what is in the log.

    A sample that a stage could not answer counts as failed, not as missing. Raises `DamageError` and `EventError`.
    """
    seen = _Seen()
    for record in log.read(only=KINDS):
        seen.take(record.event)
    if seen.plan is None:
        return Completeness(planned=False, units=())
    return Completeness(planned=True, units=tuple(_counted(seen, seen.plan)))


def _counted(seen: _Seen, plan: RunPlanned) -> Iterator[UnitCount]:
    pairs = [(sample, stage) for sample in seen.samples for stage in range(len(plan.stages))]
    missing: dict[str, Iterable[str]] = {
        "generated": (_answer(one) for one in pairs if one not in seen.generated and one not in seen.failed),
        "graded": (_answer(one) for one in pairs if one not in seen.graded and one not in seen.failed),
        "answered": (
            f"{sample} for λ = {lam:g}, seed {seed}"
            for seed, sample in sorted(seen.evaluated)
            for lam in plan.lambdas
            if (seed, sample, lam) not in seen.answered
        ),
    }
    for unit, planned in sorted(plan.units.items()):
        done = seen.counts[unit]
        failed = len(seen.failed) if unit in ("generated", "graded") else 0
        names = missing.get(unit, ()) if done + failed < planned else ()
        yield UnitCount(unit, planned, done, failed, tuple(name for name, _ in zip(names, range(SHOWN), strict=False)))


def _answer(pair: tuple[str, int]) -> str:
    return f"{pair[0]}@{pair[1]}"
