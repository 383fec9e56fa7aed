"""What goes from the threads that read to the screen that shows."""

from dataclasses import dataclass

from asd.views.tui.model.state import RunState

SPEEDS = (1, 3, 10, 30, 100, 300, 1000)
"""How many seconds of the run pass in one second of a replay."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One state of one run, and how it was come by.

    Where it is not `whole`, only the ledger and the life of the run are known, from a first glance.
    `writer` says whether a process holds the run (None: cannot be told); `lag_s` is the time from the newest event's
    append to its being counted here; `end_us` is the last event of the whole log, also where the state is older.
    """

    state: RunState
    writer: bool | None = None
    lag_s: float = 0.0
    end_us: int = 0
    playing: bool = False
    speed: int = 1
    trouble: str = ""
    opening: bool = False
    whole: bool = True
