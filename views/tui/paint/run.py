"""The run's screen, block by block: each takes a frame, the time and a width, and gives a block."""

from rich.text import Text

from asd.views.tui.model import figures, outlook
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.state import MICRO, RunState
from asd.views.tui.paint.block import Block, block
from asd.views.tui.paint.words import (
    INTERIM,
    bar,
    cut,
    number,
    percent,
    seconds,
    sparks,
    whole_seconds,
)


def note(state: RunState) -> str:
    """What is said beside figures of a run that is not over."""
    return INTERIM if figures.interim(state) else ""


def progress(frame: Frame, now_us: int, width: int) -> Block:
    """The ledger: a bar for each planned unit, and how long the stages will still take."""
    state = frame.state
    parts: list[Text | str] = []
    ledger = figures.work(state)
    counts = [f"{one.done:,} of {one.planned:,}" for one in ledger]
    wide = max(map(len, counts), default=0)
    for one, count in zip(ledger, counts, strict=True):
        share = one.done / one.planned if one.planned else 1.0
        line = Text(f"{cut(one.unit, 10):10} ").append_text(bar(share, max(6, width - 18 - wide)))
        parts.append(line.append(f" {percent(share):>4}  ").append(f"{count:>{wide}}", "dim"))
    if not parts:
        parts.append(Text("no plan is logged yet", "dim"))
    return block("Progress", _phase(state, now_us), [*parts, *_remaining(state)])


def _phase(state: RunState, now_us: int) -> str:
    running = [(name, phase) for name, phase in state.phases.items() if phase.since_us]
    if not running or state.life.finished_us:
        return ""
    name, phase = max(running, key=lambda one: one[1].since_us)
    since = (state.as_of_us or now_us) - phase.since_us
    return f"{name}, for {whole_seconds(max(0, since) / MICRO)}"


def _remaining(state: RunState) -> list[Text | str]:
    left = outlook.remaining(state)
    if left is None:
        return []
    if left.unseen:
        text = f"{seconds(left.low_s)} or more: {left.unseen} of the stages not seen yet"
    else:
        text = f"{seconds(left.low_s)} to {seconds(left.high_s)} more"
    return [Text("generation ", "").append(text, "cyan")]


def throughput(frame: Frame, now_us: int, width: int) -> Block:
    """Events and answers by time, tokens, and the time to first token."""
    state = frame.state
    at = figures.moment_of(state, now_us)
    answers, decisions = figures.answers_per_minute(state, at)
    p50, p95, over = figures.first_token(state)
    counts = figures.history(state, at, max(10, width - 24))
    first = f"p50 {seconds(p50)}, p95 {seconds(p95)}" if over else "the engine does not tell"
    told = Text(f"first token {first}").append(f"  latest {over:,}" if over else "", "dim")
    return block(
        "Throughput",
        "",
        [
            Text(f"events    {figures.per_second(state, at):>9,.1f} /s ").append(sparks(counts), "blue"),
            f"answers   {answers:>9,} /min   decisions {decisions:,} /min",
            f"tokens    {number(figures.tokens_per_second(state), 1):>9} per second of engine time",
            told,
        ],
    )


def problems(frame: Frame, now_us: int, width: int) -> Block:
    """What went wrong, in short; the screen of problems has it in full."""
    found = wrong(frame.state)
    if not found:
        return block("Problems", "", [Text("✓ none", "green")])
    return block("Problems", "e shows more", [Text(cut(one, width), "yellow") for one in found])


def wrong(state: RunState) -> list[str]:
    """What went wrong, a line each: errors by kind, slower stages, silences, unknown events, missing work."""
    return [f"{one.times:>5,} × {one.group}: {one.what}" for one in state.problems] + beside_errors(state)


def beside_errors(state: RunState) -> list[str]:
    """What went wrong without an event that says so."""
    found = [
        f"stage {stage} is {times:.1f} times slower a token than before"
        for stage, times in outlook.slower(state).items()
    ]
    if state.stalls:
        found.append(f"{state.stalls:>5,} × silent, for {seconds(state.longest_stall_us / MICRO)} at most")
    if state.unreadable:
        found.append(f"{state.unreadable:>5,} × events of a kind or version unknown here")
    over = state.life.finished_us or state.life.failed_us
    missing = [one for one in figures.work(state) if over and one.done < one.planned]
    return found + [f"{one.planned - one.done:>5,} × {one.unit} missing" for one in missing]
