"""Phases with their times."""

import time
from collections.abc import Iterable, Iterator

from asd.core.facts.run import PhaseFinished, PhaseStarted
from asd.runners.base import Step
from asd.runners.state import State


def timed(
    state: State, phase: str, steps: Iterable[Step], *, again: bool = False, of: tuple[int, str] | None = None
) -> Iterator[Step]:
    """What is new of `steps`, between `phase.started` and `phase.finished`.

    A phase that an earlier attempt finished goes unmarked: it runs again only to hand later phases what they need.
    With `again`, it is marked each time: a phase in several parts, whose times add up; `of` is
    the stage that a part is of, with its model.
    """
    if phase in state.finished and not again:
        yield from state.take(steps)
        return
    stage, model = of or (None, None)
    began = time.monotonic()
    yield from state.take((PhaseStarted(phase=phase, stage=stage, model=model),))
    yield from state.take(steps)
    yield from state.take((PhaseFinished(phase=phase, duration_s=time.monotonic() - began),))
