"""The state of one run as the terminal shows it: immutable, made by `Fold.state`, handed between threads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

MICRO = 1_000_000
"""Microseconds in a second; every time here is whole microseconds since 1970, UTC."""


class Answers(NamedTuple):
    """One stage on one task: answers and grades so far, engine time in µs, when the first and the last came."""

    generated: int = 0
    timed: int = 0
    busy_us: int = 0
    output_tokens: int = 0
    first_us: int = 0
    last_us: int = 0
    graded: int = 0
    correct: int = 0


class Cell(NamedTuple):
    """One policy, λ, task and seed: answers given so far, right ones, early ones, right ones of the last stage."""

    answered: int = 0
    correct: int = 0
    early: int = 0
    baseline_correct: int = 0


class Recent(NamedTuple):
    """One of the latest answers; seconds, None where the engine cannot tell."""

    stage: int
    first_token_s: float | None
    busy_s: float | None
    output_tokens: int


class Certificate(NamedTuple):
    """The least λ that surely keeps `target` of the last stage's right answers, error at most `alpha`; None: none."""

    lam: float | None
    target: float
    alpha: float


class Training(NamedTuple):
    """A stage's model that learns: steps planned and done, seconds since it began, the latest mean losses in nats an
    answer token, oldest first."""

    model: str = ""
    steps: int = 0
    step: int = 0
    elapsed_s: float = 0.0
    losses: tuple[float, ...] = ()


class Reading(NamedTuple):
    """One reading of a device: shares 0 to 1, bytes, degrees Celsius, watts."""

    time_us: int
    utilization: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    temperature_c: float | None
    power_w: float | None
    throttle_reasons: tuple[str, ...]


class Problem(NamedTuple):
    """Something that went wrong `times` times; `what` is a kind of error, `message` the latest one's words."""

    group: str
    what: str
    message: str
    times: int
    last_us: int


class Pace(NamedTuple):
    """What came in one second: all events, answers of stages, answers of the policy."""

    events: int = 0
    generated: int = 0
    answered: int = 0


class Phase(NamedTuple):
    """A phase: times entered and left, seconds in the finished entries, when the open one began."""

    started: int = 0
    finished: int = 0
    duration_s: float = 0.0
    since_us: int = 0


@dataclass(frozen=True, slots=True)
class Life:
    """What the runner said about the run as a whole."""

    name: str = ""
    runner: str = ""
    nature: str = ""
    started_us: int = 0
    finished_us: int = 0
    failed_us: int = 0
    failure: str = ""
    attempts: int = 0
    parent: str = ""
    units: Mapping[str, int] = field(default_factory=dict)
    lambdas: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    stages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    chosen: float | None = None
    rule: str = ""


CellKey = tuple[str, float, str, int]
"""Policy, λ, task, seed."""


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything that the run's screen shows, after `events` events up to `last_us`.

    `as_of_us` is the moment looked at where that is not now; `cells` is by (policy, λ, task, seed), `answers` by
    (stage, task), `training` by stage, `certified` by (policy, seed), `stops` by (policy, λ, stage), `expected` by
    (seed, task), `pace` by second since 1970.
    """

    run: str
    events: int = 0
    streams: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    unreadable: int = 0
    first_us: int = 0
    last_us: int = 0
    last_kind: str = ""
    last_subject: str = ""
    life: Life = Life()
    phases: Mapping[str, Phase] = field(default_factory=dict)
    models: Mapping[int, str] = field(default_factory=dict)
    answers: Mapping[tuple[int, str], Answers] = field(default_factory=dict)
    cells: Mapping[CellKey, Cell] = field(default_factory=dict)
    stops: Mapping[tuple[str, float, int], int] = field(default_factory=dict)
    training: Mapping[int, Training] = field(default_factory=dict)
    certified: Mapping[tuple[str, int], Certificate] = field(default_factory=dict)
    planned: Mapping[str, int] = field(default_factory=dict)
    expected: Mapping[tuple[int, str], int] = field(default_factory=dict)
    recent: tuple[Recent, ...] = ()
    pace: Mapping[int, Pace] = field(default_factory=dict)
    devices: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    stalls: int = 0
    longest_stall_us: int = 0
    as_of_us: int | None = None
