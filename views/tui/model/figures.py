"""The figures of the run's screen, computed from its state: plain values, no terminal."""

from collections.abc import Sequence
from typing import NamedTuple

from asd.views.tui.model.state import MICRO, Answers, Cell, RunState

STALE_S = 8.0
"""A run without an end that has been silent for longer is stale, unless its writer is known to live."""


ORDER = {"generated": 0, "graded": 1, "answered": 2}
"""Units of work in the order in which a run does them; others come after, by name."""


class Status(NamedTuple):
    """How the run is: a word, and a sentence where there is more to say."""

    word: str
    detail: str = ""


class Work(NamedTuple):
    """A planned unit of work."""

    unit: str
    done: int
    planned: int


class LadderRow(NamedTuple):
    """One stage on one task."""

    stage: int
    model: str
    task: str
    answers: Answers
    planned: int


class GridRow(NamedTuple):
    """One policy, λ and task: a cell per seed, and how many answers each is going to have (0: not known)."""

    policy: str
    lam: float
    task: str
    cells: tuple[Cell, ...]
    expected: tuple[int, ...]


class FunnelRow(NamedTuple):
    """One policy and λ: answers that reached each stage, and those that came from a stage before the last."""

    policy: str
    lam: float
    reached: tuple[int, ...]
    answered: int
    early: int


def age_s(state: RunState, now_us: int) -> float:
    """Seconds since the last event."""
    return max(0.0, (now_us - state.last_us) / MICRO)


def moment_of(state: RunState, now_us: int) -> int:
    """The moment that rates are of: the one looked at, the end of a run that is over, or now."""
    over = state.life.finished_us or state.life.failed_us
    return state.as_of_us or (state.last_us + MICRO if over else now_us)


def status(state: RunState, now_us: int, writer: bool | None) -> Status:
    """How the run is at `now_us`; `writer` says whether a process holds it (None: cannot be told)."""
    life = state.life
    if not state.events:
        return Status("empty", "nothing is logged yet")
    if life.finished_us:
        return Status("finished")
    if life.failed_us:
        return Status("failed", life.failure)
    if state.as_of_us is not None:
        return Status("running", "at that time")
    if writer is False:
        return Status("stale", "its writer is gone: asd-runner resume")
    if age_s(state, now_us) <= STALE_S:
        return Status("running")
    return Status("quiet", "its writer lives") if writer else Status("stale", "no event for a while")


def work(state: RunState) -> list[Work]:
    """The ledger: what was planned and how much of it is done, by unit."""
    kinds = state.kinds
    return [
        Work(unit, kinds.get(unit, kinds.get(f"sample.{unit}", 0)), planned)
        for unit, planned in sorted(state.life.units.items(), key=lambda one: (ORDER.get(one[0], len(ORDER)), one[0]))
    ]


def share_done(state: RunState) -> float | None:
    """Share of all planned units that is done, None without a plan."""
    ledger = work(state)
    planned = sum(one.planned for one in ledger)
    return min(1.0, sum(one.done for one in ledger) / planned) if planned else None


def per_second(state: RunState, now_us: int, over_s: int = 10) -> float:
    """Events per second over the last `over_s` whole seconds."""
    now = now_us // MICRO
    return sum(state.pace[second].events for second in range(now - over_s, now) if second in state.pace) / over_s


def answers_per_minute(state: RunState, now_us: int) -> tuple[int, int]:
    """Answers of the stages and of the policy in the last 60 whole seconds."""
    now = now_us // MICRO
    seen = [state.pace[second] for second in range(now - 60, now) if second in state.pace]
    return sum(one.generated for one in seen), sum(one.answered for one in seen)


def history(state: RunState, now_us: int, bars: int, bar_s: int = 2) -> list[int]:
    """Events in each of the last `bars` stretches of `bar_s` seconds, oldest first."""
    now = now_us // MICRO // bar_s * bar_s
    counts = [0] * bars
    for second, pace in state.pace.items():
        bar = bars - 1 - (now - second - 1) // bar_s
        if 0 <= bar < bars and second < now:
            counts[bar] += pace.events
    return counts


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` of the values lie below, interpolated; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def first_token(state: RunState) -> tuple[float | None, float | None, int]:
    """p50 and p95 of the time to first token over the latest answers, in seconds, and over how many."""
    values = [one.first_token_s for one in state.recent if one.first_token_s is not None]
    return percentile(values, 0.5), percentile(values, 0.95), len(values)


def tokens_per_second(state: RunState) -> float | None:
    """Output tokens per second of engine time over the latest answers."""
    timed = [one for one in state.recent if one.busy_s]
    busy = sum(one.busy_s or 0.0 for one in timed)
    return sum(one.output_tokens for one in timed) / busy if busy else None


def ladder(state: RunState) -> list[LadderRow]:
    """Every stage on every task, planned ones too."""
    stages = len(state.life.stages) or (max((stage for stage, _ in state.answers), default=-1) + 1)
    draws = _draws(state)
    return [
        LadderRow(
            stage,
            state.models.get(stage, state.life.stages[stage] if stage < len(state.life.stages) else ""),
            task,
            state.answers.get((stage, task), Answers()),
            state.planned.get(task, 0) * draws,
        )
        for stage in range(stages)
        for task in tasks(state)
    ]


def tasks(state: RunState) -> tuple[str, ...]:
    """The tasks of the run: planned, else seen."""
    return state.life.tasks or tuple(sorted({task for _, task in state.answers}))


def _draws(state: RunState) -> int:
    """How many answers each stage gives to a sample: more than one where answers are sampled."""
    each = sum(state.planned.values()) * max(1, len(state.life.stages))
    planned = state.life.units.get("generated", state.life.units.get("sample.generated", 0))
    return max(1, planned // each) if each else 1


def grid(state: RunState) -> list[GridRow]:
    """λ × task × seed: what is done and how often it was right, rows by policy, task and λ."""
    policies = sorted({policy for policy, *_ in state.cells}) or ([""] if state.life.lambdas else [])
    lambdas = state.life.lambdas or tuple(sorted({key[1] for key in state.cells}))
    return [
        GridRow(
            policy,
            lam,
            task,
            tuple(state.cells.get((policy, lam, task, seed), Cell()) for seed in seeds(state)),
            tuple(state.expected.get((seed, task), 0) for seed in seeds(state)),
        )
        for policy in policies
        for task in tasks(state)
        for lam in lambdas
    ]


def seeds(state: RunState) -> tuple[int, ...]:
    """The seeds of the run: planned, else seen."""
    return state.life.seeds or tuple(sorted({key[3] for key in state.cells}))


def funnel(state: RunState) -> list[FunnelRow]:
    """How many answers reached each stage, by policy and λ; what stopped before is not among them."""
    stages = max(len(state.life.stages), max((stage for *_, stage in state.stops), default=-1) + 1)
    rows = []
    for policy, lam in sorted({(policy, lam) for policy, lam, _ in state.stops}):
        stopped = [state.stops.get((policy, lam, stage), 0) for stage in range(stages)]
        reached = tuple(sum(stopped[stage:]) for stage in range(stages))
        early = sum(cell.early for key, cell in state.cells.items() if key[:2] == (policy, lam))
        rows.append(FunnelRow(policy, lam, reached, sum(stopped), early))
    return rows


def interim(state: RunState) -> bool:
    """Whether the figures are of an unfinished run: then nothing may be inferred from them."""
    return not state.life.finished_us
