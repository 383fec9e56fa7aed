"""Without a terminal: a line of JSON for each change of the run's state."""

import time
from collections.abc import Callable
from queue import Empty, Queue
from typing import Any

import orjson

from asd.core.errors import UnknownRunError
from asd.views.tui.model import figures, outlook
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.rows import moment
from asd.views.tui.model.source import Source
from asd.views.tui.model.watcher import Watcher

EVERY_S = 1.0
"""The least time between two lines."""


def follow(source: Source, run: str | None, write: Callable[[str], object], tell: Callable[[str], object]) -> None:
    """Write a line whenever the state has changed, at most one a second, until the run has finished or failed.

    Where there is no run yet, `tell` says so, once, and it waits.
    """
    frames: Queue[Frame] = Queue()
    watcher = Watcher(_open(source, run, tell), frames.put)
    watcher.start()
    try:
        _write_all(frames, write)
    finally:
        watcher.stop()
        watcher.join(5.0)


def _open(source: Source, run: str | None, tell: Callable[[str], object]) -> Any:
    said = False
    while True:
        try:
            return source.open(run)
        except UnknownRunError as error:
            if not said:
                tell(f"{error}; waiting for it (asd-runner start pocket starts one)")
                said = True
            time.sleep(0.5)


def _write_all(frames: "Queue[Frame]", write: Callable[[str], object]) -> None:
    before: dict[str, Any] = {}
    while True:
        frame = _newest(frames)
        now_us = time.time_ns() // 1000
        now = line(frame, now_us)
        if _lasting(now) != _lasting(before):
            write(orjson.dumps(now).decode() + "\n")
            before = now
        if now["state"] in ("finished", "failed"):
            return
        time.sleep(EVERY_S)


def _newest(frames: "Queue[Frame]") -> Frame:
    frame = frames.get()
    while frame.opening or not frames.empty():
        try:
            frame = frames.get(timeout=EVERY_S if frame.opening else 0)
        except Empty:
            break
    return frame


def _lasting(shown: dict[str, Any]) -> dict[str, Any]:
    """What makes a line worth writing: not the clock alone."""
    return {key: value for key, value in shown.items() if key not in ("time", "age_s", "lag_s", "events_per_s")}


def line(frame: Frame, now_us: int) -> dict[str, Any]:
    """The state of the run as plain values; times in seconds, RFC 3339 in UTC."""
    state = frame.state
    left = outlook.remaining(state)
    p50, p95, _ = figures.first_token(state)
    word = figures.status(state, now_us, frame.writer)
    return {
        "time": _stamp(now_us),
        "run": state.run,
        "state": "unreadable" if frame.trouble else "opening" if frame.opening else word.word,
        "detail": frame.trouble or word.detail,
        "interim": figures.interim(state),
        "nature": state.life.nature,
        "events": state.events,
        "seq": dict(state.streams),
        "last_event": _stamp(state.last_us),
        "age_s": round(figures.age_s(state, now_us), 3),
        "lag_s": round(frame.lag_s, 4),
        "events_per_s": figures.per_second(state, now_us),
        "work": [one._asdict() for one in figures.work(state)],
        "remaining_s": None if left is None else {"low": left.low_s, "high": left.high_s, "unseen": left.unseen},
        "first_token_s": {"p50": p50, "p95": p95},
        "stages": [
            {"stage": one.stage, "model": one.model, "task": one.task, "answers": one.answers.generated,
             "graded": one.answers.graded, "correct": one.answers.correct, "planned": one.planned}
            for one in figures.ladder(state)
        ],
        "cells": [
            {"policy": key[0], "lambda": key[1], "task": key[2], "seed": key[3], **cell._asdict()}
            for key, cell in sorted(state.cells.items())
        ],
        "devices": {name: readings[-1]._asdict() for name, readings in state.devices.items()},
        "problems": [one._asdict() for one in state.problems],
        "stalls": state.stalls,
    }  # fmt: skip


def _stamp(us: int) -> str | None:
    return moment(us).isoformat(timespec="microseconds").replace("+00:00", "Z") if us else None
