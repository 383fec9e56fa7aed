"""The counters that a run's screen is made of, and the state that they add up to."""

from collections import deque
from dataclasses import dataclass, field

from asd.core.event import JsonObject
from asd.core.log import Record
from asd.views.tui.model.state import (
    MICRO,
    Answers,
    Cell,
    Certificate,
    Life,
    Pace,
    Phase,
    Problem,
    Reading,
    Recent,
    RunState,
    Training,
)

RECENT = 1000
"""Answers that the percentiles of the time to first token are over."""
READINGS = 120
"""Readings kept of each device."""
LOSSES = 60
"""Losses kept of each stage that learns."""
WINDOW_S = 900
"""Seconds of pace that are kept."""
STALL_US = 10 * MICRO
"""A longer silence within an attempt is a stall."""


@dataclass
class Counters:
    """The counters of one run, and where in the log they are."""

    run: str
    streams: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    first_us: int = 0
    last_us: int = 0
    last_kind: str = ""
    last_subject: str = ""
    life: Life = field(default_factory=Life)
    phases: dict[str, Phase] = field(default_factory=dict)
    models: dict[int, str] = field(default_factory=dict)
    answers: dict[tuple[int, str], Answers] = field(default_factory=dict)
    cells: dict[tuple[str, float, str, int], Cell] = field(default_factory=dict)
    stops: dict[tuple[str, float, int], int] = field(default_factory=dict)
    training: dict[int, Training] = field(default_factory=dict)
    certified: dict[tuple[str, int], Certificate] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    planned: dict[str, int] = field(default_factory=dict)
    expected: dict[tuple[int, str], int] = field(default_factory=dict)
    recent: deque[Recent] = field(default_factory=lambda: deque(maxlen=RECENT))
    pace: dict[int, Pace] = field(default_factory=dict)
    devices: dict[str, deque[Reading]] = field(default_factory=dict)
    problems: dict[tuple[str, str], Problem] = field(default_factory=dict)
    seen: dict[str, JsonObject] = field(default_factory=dict)
    stalls: int = 0
    longest_stall_us: int = 0

    def state(self, as_of_us: int | None = None) -> RunState:
        """What the screens need of it, never changing again."""
        return RunState(
            run=self.run,
            events=sum(self.kinds.values()),
            streams=dict(self.streams),
            kinds=dict(self.kinds),
            unreadable=self.unreadable,
            first_us=self.first_us,
            last_us=self.last_us,
            last_kind=self.last_kind,
            last_subject=self.last_subject,
            life=self.life,
            phases=dict(self.phases),
            models=dict(self.models),
            answers=dict(self.answers),
            cells=dict(self.cells),
            stops=dict(self.stops),
            training=dict(self.training),
            certified=dict(self.certified),
            planned=dict(self.planned),
            expected=dict(self.expected),
            recent=tuple(self.recent),
            pace=dict(self.pace),
            devices={name: tuple(readings) for name, readings in self.devices.items()},
            problems=tuple(self.problems.values()),
            stalls=self.stalls,
            longest_stall_us=self.longest_stall_us,
            as_of_us=as_of_us,
        )

    def problem(self, group: str, what: str, message: str, now: int) -> None:
        """Count a problem by its kind."""
        before = self.problems.get((group, what))
        self.problems[group, what] = Problem(group, what, message, before.times + 1 if before else 1, now)

    def counted(self, stream: str, kind: str, events: int, last_seq: int, first_us: int, last_us: int) -> None:
        """Count `events` events of one stream and kind in, all at once."""
        self.streams[stream] = max(last_seq, self.streams.get(stream, -1))
        self.kinds[kind] = self.kinds.get(kind, 0) + events
        self.first_us = min(first_us, self.first_us or first_us)
        self.last_us = max(last_us, self.last_us)

    def place(self, record: Record, now: int) -> None:
        """Count one event by its place alone."""
        self.streams[record.stream] = record.seq
        self.kinds[record.kind] = self.kinds.get(record.kind, 0) + 1
        silence = now - self.last_us
        if self.first_us and silence > STALL_US and record.kind != "run.resumed":
            self.stalls += 1
            self.longest_stall_us = max(self.longest_stall_us, silence)
        self.first_us = self.first_us or now
        self.last_us = max(now, self.last_us)
        self.last_kind, self.last_subject = record.kind, record.subject or ""

    def paced(self, kind: str, now: int) -> None:
        second = now // MICRO
        before = self.pace.get(second)
        if before is None:
            before = Pace()
            oldest = self.last_us // MICRO - WINDOW_S
            for old in [one for one in self.pace if one < oldest]:
                del self.pace[old]
        self.pace[second] = Pace(
            before.events + 1,
            before.generated + (kind == "sample.generated"),
            before.answered + (kind == "sample.answered"),
        )
