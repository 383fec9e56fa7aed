"""How long a run will still take, and whether an engine has become slower."""

from collections.abc import Sequence
from typing import NamedTuple

from asd.views.tui.model.state import MICRO, Recent, RunState

SLOWER = 1.5
"""An engine that takes this many times its mean time per token has drifted."""


class Remaining(NamedTuple):
    """Seconds until the stages have answered everything, low and high; `unseen` stages had no answer yet."""

    low_s: float
    high_s: float
    unseen: int


def remaining(state: RunState) -> Remaining | None:
    """How long the stages will still take, None where nothing is left or nothing can be told.

    A stage that has answered goes on at its own pace, between its mean and its latest one; one that has not answered
    is taken to be as slow as the slowest so far, and its number is said, since it may well be slower.
    """
    planned = state.life.units.get("generated", state.life.units.get("sample.generated", 0))
    failed = sum(one.times for one in state.problems if one.group == "sample failed")
    left = planned - state.kinds.get("sample.generated", 0) - failed
    stages = len(state.life.stages)
    paces = {stage: pace for stage in range(stages) if (pace := _pace(state, stage)) is not None}
    if left <= 0 or not stages or not paces or state.life.finished_us:
        return None
    low = high = 0.0
    slowest = max(paces.values(), key=lambda pace: pace[1])
    for stage in range(stages):
        missing = max(
            0, planned // stages - sum(one.generated for key, one in state.answers.items() if key[0] == stage)
        )
        pace = paces.get(stage, slowest)
        low, high = low + missing * pace[0], high + missing * pace[1]
    return Remaining(low, high, stages - len(paces))


def _pace(state: RunState, stage: int) -> tuple[float, float] | None:
    """Seconds of wall clock between two answers of a stage: the lower and the higher of its mean and its latest."""
    mine = [one for (of, _), one in state.answers.items() if of == stage and one.generated > 1]
    gaps = sum(one.generated - 1 for one in mine)
    if not gaps:
        return None
    mean = sum(one.last_us - one.first_us for one in mine) / gaps / MICRO
    seconds = sorted(second for second, pace in state.pace.items() if pace.generated)[-60:]
    if max(one.last_us for one in mine) // MICRO != (seconds[-1] if seconds else -1) or len(seconds) < 5:
        return mean * 0.9, mean * 1.1
    came = sum(state.pace[second].generated for second in seconds)
    latest = (seconds[-1] - seconds[0] + 1) / came
    return min(mean, latest), max(mean, latest)


def slower(state: RunState) -> dict[int, float]:
    """Stages whose latest 200 answers took `SLOWER` times their mean engine time per token, or more."""
    found = {}
    for stage in {one.stage for one in state.recent}:
        latest = [one for one in state.recent if one.stage == stage and one.busy_s][-200:]
        now, mean = _per_token(latest), _mean_per_token(state, stage)
        if now and mean and len(latest) >= 50 and now / mean >= SLOWER:
            found[stage] = now / mean
    return found


def _per_token(answers: Sequence[Recent]) -> float:
    tokens = sum(one.output_tokens for one in answers)
    return sum(one.busy_s or 0.0 for one in answers) / tokens if tokens else 0.0


def _mean_per_token(state: RunState, stage: int) -> float:
    mine = [one for (of, _), one in state.answers.items() if of == stage and one.timed == one.generated]
    tokens = sum(one.output_tokens for one in mine)
    return sum(one.busy_us for one in mine) / MICRO / tokens if tokens else 0.0
