"""The fold: an event comes in, the counters of the run's screen change. `seed.py` fills the same counters by SQL."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import asd.core.facts  # noqa: F401  (registers the built-in events)
from asd.core.errors import EventError
from asd.core.event import JsonObject, kinds
from asd.core.log import Record
from asd.views.tui.model.counters import LOSSES, READINGS, Counters
from asd.views.tui.model.drift import DRIFTING, changed
from asd.views.tui.model.rows import micros
from asd.views.tui.model.state import MICRO, Answers, Cell, Certificate, Phase, Reading, Recent, Training

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


class Fold(Counters):
    """Two folds are equal where they have seen the same events, one by one or by SQL."""

    def apply(self, record: Record) -> None:
        """Count one event in, at its place."""
        now = micros(record.time)
        self.place(record, now)
        self.paced(record.kind, now)
        self.told(record, now)

    def told(self, record: Record, now: int) -> None:
        """Take in what the event says; its place has been counted."""
        known = _KINDS.get(record.kind)
        if known is None or record.v > known.v:
            self.unreadable += 1
        handler = _HANDLERS.get(record.kind)
        if handler is not None and (data := fields(record)) is not None:
            handler(self, data, now)


def _started(fold: Counters, data: JsonObject, now: int) -> None:
    fold.life = replace(
        fold.life,
        name=data["name"],
        runner=data["runner"],
        nature=data["nature"],
        parent=data.get("parent") or "",
        started_us=now,
        attempts=1,
    )


def _resumed(fold: Counters, data: JsonObject, now: int) -> None:
    fold.life = replace(fold.life, attempts=data["attempt"], failed_us=0, failure="")


def _planned(fold: Counters, data: JsonObject, now: int) -> None:
    fold.life = replace(
        fold.life,
        units=dict(data["units"]),
        lambdas=tuple(data["lambdas"]),
        seeds=tuple(data["seeds"]),
        stages=tuple(data["stages"]),
        tasks=tuple(data["tasks"]),
    )


def _finished(fold: Counters, data: JsonObject, now: int) -> None:
    fold.life = replace(fold.life, finished_us=now)


def _failed(fold: Counters, data: JsonObject, now: int) -> None:
    fold.life = replace(fold.life, failed_us=now, failure=f"{data['error']}: {data['message']}")
    fold.problem("run failed", data["error"], data["message"], now)


def _chosen(fold: Counters, data: JsonObject, now: int) -> None:
    fold.life = replace(fold.life, chosen=data["lam"], rule=data["rule"])


def _certified(fold: Counters, data: JsonObject, now: int) -> None:
    fold.certified[data["policy"], data["seed"]] = Certificate(data["lam"], data["target"], data["alpha"])


def _phase_started(fold: Counters, data: JsonObject, now: int) -> None:
    before = fold.phases.get(data["phase"], Phase())
    fold.phases[data["phase"]] = before._replace(started=before.started + 1, since_us=now)


def _phase_finished(fold: Counters, data: JsonObject, now: int) -> None:
    before = fold.phases.get(data["phase"], Phase())
    lasted = before.duration_s + data["duration_s"]
    fold.phases[data["phase"]] = before._replace(finished=before.finished + 1, duration_s=lasted, since_us=0)


def _loaded(fold: Counters, data: JsonObject, now: int) -> None:
    fold.models[data["stage"]] = data["model"]


def _sample_planned(fold: Counters, data: JsonObject, now: int) -> None:
    fold.tasks[data["sample"]] = data["task"]
    fold.planned[data["task"]] = fold.planned.get(data["task"], 0) + 1


def _split(fold: Counters, data: JsonObject, now: int) -> None:
    if data["role"] != "evaluate":
        return
    for sample in data["samples"]:
        key = data["seed"], fold.tasks.get(sample, "")
        fold.expected[key] = fold.expected.get(key, 0) + 1


def _generated(fold: Counters, data: JsonObject, now: int) -> None:
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


def _graded(fold: Counters, data: JsonObject, now: int) -> None:
    key = data["stage"], data["task"]
    old = fold.answers.get(key, Answers())
    fold.answers[key] = old._replace(graded=old.graded + 1, correct=old.correct + bool(data["correct"]))


def _answered(fold: Counters, data: JsonObject, now: int) -> None:
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


def _sample_failed(fold: Counters, data: JsonObject, now: int) -> None:
    fold.problem("sample failed", data["error"], f"{data['sample']}@{data['stage']}: {data['message']}", now)


def _recovered(fold: Counters, data: JsonObject, now: int) -> None:
    fold.problem("log recovered", "torn tail", f"{data['bytes_cut']} bytes cut from {data['file']}", now)


def _device(fold: Counters, data: JsonObject, now: int) -> None:
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

    def compare(fold: Counters, data: JsonObject, now: int) -> None:
        name = kind if "stage" not in data else f"{kind} of stage {data['stage']}"
        now_is: dict[str, Any] = {key: data.get(key) for key in DRIFTING[kind]}
        for what in changed(fold.seen.get(name, now_is), now_is):
            fold.problem("drift", f"{name}: {what}", "differs from the attempt before", now)
        fold.seen[name] = now_is

    return compare


def _training_started(fold: Counters, data: JsonObject, now: int) -> None:
    fold.training[data["stage"]] = Training(data["model"], data["steps"])


def _training_progressed(fold: Counters, data: JsonObject, now: int) -> None:
    old = fold.training.get(data["stage"], Training())
    losses = (*old.losses, data["loss"])[-LOSSES:]
    fold.training[data["stage"]] = old._replace(step=data["step"], elapsed_s=data["elapsed_s"], losses=losses)


Handler = Callable[[Counters, JsonObject, int], None]
RARE: dict[str, Handler] = {
    "run.started": _started,
    "run.resumed": _resumed,
    "run.planned": _planned,
    "run.finished": _finished,
    "run.failed": _failed,
    "lambda.chosen": _chosen,
    "retention.certified": _certified,
    "phase.started": _phase_started,
    "phase.finished": _phase_finished,
    "stage.loaded": _loaded,
    "split.assigned": _split,
    "sample.failed": _sample_failed,
    "log.recovered": _recovered,
    "training.started": _training_started,
    "training.progressed": _training_progressed,
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
