"""The fold: an event comes in, the counters of the run's screen change. `seed.py` fills the same counters by SQL."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import asd.core.facts  # noqa: F401  (registers the built-in events)
from asd.core.errors import EventError
from asd.core.event import JsonObject, kinds
from asd.core.log import Record
from asd.views.tui.model.drift import DRIFTING, changed
from asd.views.tui.model.rows import micros
from asd.views.tui.model.state import MICRO, Answers, Cell, Life, Pace, Phase, Problem, Reading, Recent, RunState

RECENT = 1000
"""Answers that the percentiles of the time to first token are over."""
READINGS = 120
"""Readings kept of each device."""
WINDOW_S = 900
"""Seconds of pace that are kept."""
STALL_US = 10 * MICRO
"""A longer silence within an attempt is a stall."""
_KINDS = kinds()


def fields(record: Record) -> JsonObject | None:
    """The event's fields at this build's version; None where it cannot read them."""
    known = _KINDS.get(record.kind)
    if known is None or record.v > known.v:
        return None
    if record.v == known.v:
        return record.json
    try:
        return record.event.model_dump(mode="json")
    except EventError:
        return None


@dataclass
class Fold:
    """The counters of one run. Two folds are equal where they have seen the same events, one by one or by SQL."""

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

    def apply(self, record: Record) -> None:
        """Count one event in, at its place."""
        now = micros(record.time)
        self.place(record, now)
        self._paced(record.kind, now)
        self.told(record, now)

    def told(self, record: Record, now: int) -> None:
        """Take in what the event says; its place has been counted."""
        known = _KINDS.get(record.kind)
        if known is None or record.v > known.v:
            self.unreadable += 1
        handler = _HANDLERS.get(record.kind)
        if handler is not None and (data := fields(record)) is not None:
            handler(self, data, now)

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

    def _paced(self, kind: str, now: int) -> None:
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


def _started(fold: Fold, data: JsonObject, now: int) -> None:
    fold.life = replace(
        fold.life,
        name=data["name"],
        runner=data["runner"],
        nature=data["nature"],
        parent=data.get("parent") or "",
        started_us=now,
        attempts=1,
    )


def _resumed(fold: Fold, data: JsonObject, now: int) -> None:
    fold.life = replace(fold.life, attempts=data["attempt"], failed_us=0, failure="")


def _planned(fold: Fold, data: JsonObject, now: int) -> None:
    fold.life = replace(
        fold.life,
        units=dict(data["units"]),
        lambdas=tuple(data["lambdas"]),
        seeds=tuple(data["seeds"]),
        stages=tuple(data["stages"]),
        tasks=tuple(data["tasks"]),
    )


def _finished(fold: Fold, data: JsonObject, now: int) -> None:
    fold.life = replace(fold.life, finished_us=now)


def _failed(fold: Fold, data: JsonObject, now: int) -> None:
    fold.life = replace(fold.life, failed_us=now, failure=f"{data['error']}: {data['message']}")
    fold.problem("run failed", data["error"], data["message"], now)


def _chosen(fold: Fold, data: JsonObject, now: int) -> None:
    fold.life = replace(fold.life, chosen=data["lam"])


def _phase_started(fold: Fold, data: JsonObject, now: int) -> None:
    before = fold.phases.get(data["phase"], Phase())
    fold.phases[data["phase"]] = before._replace(started=before.started + 1, since_us=now)


def _phase_finished(fold: Fold, data: JsonObject, now: int) -> None:
    before = fold.phases.get(data["phase"], Phase())
    lasted = before.duration_s + data["duration_s"]
    fold.phases[data["phase"]] = before._replace(finished=before.finished + 1, duration_s=lasted, since_us=0)


def _loaded(fold: Fold, data: JsonObject, now: int) -> None:
    fold.models[data["stage"]] = data["model"]


def _sample_planned(fold: Fold, data: JsonObject, now: int) -> None:
    fold.tasks[data["sample"]] = data["task"]
    fold.planned[data["task"]] = fold.planned.get(data["task"], 0) + 1


def _split(fold: Fold, data: JsonObject, now: int) -> None:
    if data["role"] != "evaluate":
        return
    for sample in data["samples"]:
        key = data["seed"], fold.tasks.get(sample, "")
        fold.expected[key] = fold.expected.get(key, 0) + 1


def _generated(fold: Fold, data: JsonObject, now: int) -> None:
    key, busy = (data["stage"], data["task"]), data["busy_s"]
    old = fold.answers.get(key, Answers())
    fold.answers[key] = old._replace(
        generated=old.generated + 1,
        timed=old.timed + (busy is not None),
        busy_us=old.busy_us + int((busy or 0.0) * MICRO),
        output_tokens=old.output_tokens + data["output_tokens"],
        first_us=old.first_us or now,
        last_us=max(old.last_us, now),
    )
    fold.recent.append(Recent(data["stage"], data["first_token_s"], busy, data["output_tokens"]))


def _graded(fold: Fold, data: JsonObject, now: int) -> None:
    key = data["stage"], data["task"]
    old = fold.answers.get(key, Answers())
    fold.answers[key] = old._replace(graded=old.graded + 1, correct=old.correct + bool(data["correct"]))


def _answered(fold: Fold, data: JsonObject, now: int) -> None:
    key = data["policy"], float(data["lam"]), data["task"], data["seed"]
    old = fold.cells.get(key, Cell())
    fold.cells[key] = Cell(
        old.answered + 1,
        old.correct + data["correct"],
        old.early + data["early"],
        old.baseline_correct + data["baseline_correct"],
    )
    stop = key[0], key[1], data["stage"]
    fold.stops[stop] = fold.stops.get(stop, 0) + 1


def _sample_failed(fold: Fold, data: JsonObject, now: int) -> None:
    fold.problem("sample failed", data["error"], f"{data['sample']}@{data['stage']}: {data['message']}", now)


def _recovered(fold: Fold, data: JsonObject, now: int) -> None:
    fold.problem("log recovered", "torn tail", f"{data['bytes_cut']} bytes cut from {data['file']}", now)


def _device(fold: Fold, data: JsonObject, now: int) -> None:
    reading = Reading(
        now,
        data["utilization"],
        data["memory_used_bytes"],
        data["memory_total_bytes"],
        data.get("temperature_c"),
        data.get("power_w"),
        tuple(data.get("throttle_reasons") or ()),
    )
    fold.devices.setdefault(data["device"], deque(maxlen=READINGS)).append(reading)


def _compared(kind: str) -> "Handler":
    """What differs from the last time that the same was captured is drift: another machine, other files."""

    def compare(fold: Fold, data: JsonObject, now: int) -> None:
        name = kind if "stage" not in data else f"{kind} of stage {data['stage']}"
        now_is: dict[str, Any] = {key: data.get(key) for key in DRIFTING[kind]}
        for what in changed(fold.seen.get(name, now_is), now_is):
            fold.problem("drift", f"{name}: {what}", "differs from the attempt before", now)
        fold.seen[name] = now_is

    return compare


Handler = Callable[[Fold, JsonObject, int], None]
RARE: dict[str, Handler] = {
    "run.started": _started,
    "run.resumed": _resumed,
    "run.planned": _planned,
    "run.finished": _finished,
    "run.failed": _failed,
    "lambda.chosen": _chosen,
    "phase.started": _phase_started,
    "phase.finished": _phase_finished,
    "stage.loaded": _loaded,
    "split.assigned": _split,
    "sample.failed": _sample_failed,
    "log.recovered": _recovered,
    "environment.captured": _compared("environment.captured"),
    "model.checked": _compared("model.checked"),
}
"""Kinds of which a run has few: opening a run folds them one by one."""
MANY: dict[str, Handler] = {
    "sample.planned": _sample_planned,
    "sample.generated": _generated,
    "sample.graded": _graded,
    "sample.answered": _answered,
    "device.sampled": _device,
}
"""Kinds of which a run has hundreds of thousands: opening a run counts them by SQL."""
_HANDLERS = RARE | MANY
