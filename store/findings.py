"""What a check of a log finds."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not what was written: the file, the byte in it, the event, and what is wrong."""

    file: str
    offset: int
    event: int
    what: str


@dataclass(slots=True)
class StreamCheck:
    """What was found in one stream. `root` (hex) is the tree's over all `events`; `torn_bytes` follow the last commit,
    left by an interrupted write and never acknowledged; `unknown` counts events that this build cannot decode;
    `signers` are the verifier lines of the keys that signed its heads. `latest_head` is the last signed note."""

    stream: str
    events: int = 0
    commits: int = 0
    sealed_files: int = 0
    hot_files: int = 0
    signed_heads: int = 0
    unsigned_files: int = 0
    signers: list[str] = field(default_factory=list)
    torn_bytes: int = 0
    root: str = ""
    latest_head: str = ""
    last_time: str = ""
    unknown: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found in a run."""

    run: str
    streams: tuple[StreamCheck, ...]

    @property
    def events(self) -> int:
        """How many events are in the log."""
        return sum(one.events for one in self.streams)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong, stream by stream."""
        return tuple(problem for one in self.streams for problem in one.problems)

    @property
    def heads(self) -> dict[str, tuple[int, str]]:
        """Size and root (hex) of each stream."""
        return {one.stream: (one.events, one.root) for one in self.streams}

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems
