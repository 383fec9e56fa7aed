"""The run's screen, block by block: each takes a frame, the time and a width, and gives Rich text."""

from rich.text import Text

from asd.views.sanitize import sanitize
from asd.views.tui.model import figures, outlook
from asd.views.tui.model.figures import GridRow, LadderRow
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.state import MICRO, Reading, RunState
from asd.views.tui.paint.words import (
    INTERIM,
    bar,
    cut,
    lines,
    number,
    percent,
    ratio,
    seconds,
    size,
    sparks,
    title,
    whole_seconds,
)


def note(state: RunState) -> str:
    """What is said beside figures of a run that is not over."""
    return INTERIM if figures.interim(state) else ""


def progress(frame: Frame, now_us: int, width: int) -> Text:
    """The ledger: a bar for each planned unit, and how long the stages will still take."""
    state = frame.state
    ledger = figures.work(state)
    parts: list[Text | str] = [title("Progress", _phase(state, now_us))]
    for one in ledger:
        share = one.done / one.planned if one.planned else 1.0
        counts = f"{one.done:>9,} of {one.planned:<9,}"
        parts.append(f"{cut(one.unit, 11):11} {bar(share, max(6, width - 42))} {percent(share):>4} {counts}")
    if not ledger:
        parts.append(Text("no plan is logged yet", "dim"))
    parts.append(_remaining(state))
    return lines(parts)


def _phase(state: RunState, now_us: int) -> str:
    running = [(name, phase) for name, phase in state.phases.items() if phase.since_us]
    if not running or state.life.finished_us:
        return ""
    name, phase = max(running, key=lambda one: one[1].since_us)
    since = (state.as_of_us or now_us) - phase.since_us
    return f"{name}, for {whole_seconds(max(0, since) / MICRO)}"


def _remaining(state: RunState) -> Text:
    left = outlook.remaining(state)
    if left is None:
        return Text("")
    if left.unseen:
        text = f"generation: at least {seconds(left.low_s)} more; {left.unseen} stage(s) not seen yet may be slower"
    else:
        text = f"generation: {seconds(left.low_s)} to {seconds(left.high_s)} more"
    return Text(text, "cyan")


def ladder(frame: Frame, now_us: int, width: int) -> Text:
    """Stage × task: answers, accuracy, engine time."""
    state = frame.state
    parts: list[Text | str] = [title("Stages", note(state))]
    rows = figures.ladder(state)
    if not rows:
        return lines([*parts, Text("no stage has answered yet", "dim")])
    name = max(8, min(24, width - 45))
    header = f"{'':2} {'model':{name}} {'task':10} {'answers':>8} {'done':>4} {'right':>6} {'busy each':>9}"
    return lines([*parts, Text(header, "dim"), *(_ladder_row(row, name) for row in rows)])


def _ladder_row(row: LadderRow, name: int) -> str:
    done = row.answers.generated
    share = percent(done / row.planned) if row.planned else "–"
    busy = row.answers.busy_us / MICRO / row.answers.timed if row.answers.timed else None
    right = ratio(row.answers.correct, row.answers.graded)
    counts = f"{done:>8,} {share:>4} {right:>6} {seconds(busy):>9}"
    return f"{row.stage:2} {cut(row.model, name):{name}} {cut(row.task, 10):10} {counts}"


def grid(frame: Frame, now_us: int, width: int) -> Text:
    """λ × dataset × seed: progress and running accuracy in each cell, all seeds on the right."""
    state = frame.state
    parts: list[Text | str] = [title("λ × dataset × seed: done, right", note(state))]
    rows = figures.grid(state)
    if not rows:
        return lines([*parts, Text("no λ is planned yet", "dim")])
    seeds = figures.seeds(state)
    room = max(1, min(len(seeds), (width - 36) // 11))
    heads = "".join(f"{f'seed {seed}':>11}" for seed in seeds[:room])
    parts.append(Text(f"{'λ':>7} {'task':11}{heads}{_more(len(seeds) - room):>6}{'all seeds':>17}", "dim"))
    return lines([*parts, *(_grid_row(row, room, state.life.chosen) for row in rows)])


def _more(hidden: int) -> str:
    return f" +{hidden}" if hidden > 0 else ""


def _grid_row(row: GridRow, room: int, chosen: float | None) -> Text:
    line = Text(f"{'*' if row.lam == chosen else ' '}{row.lam:>6g} {cut(row.task, 11):11}")
    for cell, expected in zip(row.cells[:room], row.expected[:room], strict=True):
        share = cell.answered / expected if expected else None
        line.append(f"{percent(share) if cell.answered else '·':>5}", "dim" if not cell.answered else "")
        line.append(f"{ratio(cell.correct, cell.answered):>6}", "green" if share == 1 else "")
    correct, answered = sum(one.correct for one in row.cells), sum(one.answered for one in row.cells)
    line.append(f"{'':6}{f'{correct:,}/{answered:,}' if answered else '–':>17}")
    return line


def funnel(frame: Frame, now_us: int, width: int) -> Text:
    """How many answers reached each stage at each λ, and the early-stop rate."""
    state = frame.state
    parts: list[Text | str] = [title("Funnel: share that reached each stage", note(state))]
    rows = figures.funnel(state)
    if not rows:
        return lines([*parts, Text("no decision is logged yet", "dim")])
    stages = len(rows[0].reached)
    wide = max(4, min(10, (width - 30) // stages - 6))
    heads = "".join(f"{f'stage {stage}':{wide + 6}}" for stage in range(stages))
    parts.append(Text(f"{'λ':>7} {heads}{'early stop':>10}", "dim"))
    for row in rows:
        shares = [reached / row.answered for reached in row.reached]
        cells = "".join(f"{bar(share, wide)}{percent(share):>5} " for share in shares)
        parts.append(f"{row.lam:>7g} {cells}{ratio(row.early, row.answered):>10}")
    return lines(parts)


def throughput(frame: Frame, now_us: int, width: int) -> Text:
    """Events and answers by time, tokens, and the time to first token."""
    state = frame.state
    at = figures.moment_of(state, now_us)
    answers, decisions = figures.answers_per_minute(state, at)
    p50, p95, over = figures.first_token(state)
    rate = figures.tokens_per_second(state)
    counts = figures.history(state, at, max(10, width - 25))
    first = f"p50 {seconds(p50)}, p95 {seconds(p95)} over the latest {over:,}" if over else "the engine does not tell"
    return lines(
        [
            title("Throughput"),
            f"events      {figures.per_second(state, at):>8,.1f} /s {sparks(counts)}",
            f"answers     {answers:>8,} /min   decisions {decisions:,} /min",
            f"tokens      {number(rate, 1):>8} per second of engine time",
            f"first token {first}",
        ]
    )


def devices(frame: Frame, now_us: int, width: int) -> Text:
    """The accelerators with their history; processor and memory where there is none."""
    found = frame.state.devices
    shown = [name for name in found if name != "host"] or list(found)
    parts: list[Text | str] = [title("Devices", "busy, memory, heat, power, history of busy")]
    if not shown:
        return lines([*parts, Text("no telemetry is logged", "dim")])
    room = max(6, width - 48)
    for name in sorted(shown):
        parts += _device(name, found[name], room)
    return lines(parts)


def _device(name: str, readings: tuple[Reading, ...], room: int) -> list[Text]:
    now = readings[-1]
    share = now.memory_used_bytes / now.memory_total_bytes if now.memory_used_bytes and now.memory_total_bytes else None
    heat = f"{now.temperature_c:.0f} °C" if now.temperature_c is not None else "– °C"
    power = f"{now.power_w:.0f} W" if now.power_w is not None else "– W"
    past = sparks([one.utilization or 0.0 for one in readings[-room:]], 1.0)
    memory = f"{percent(share):>4} {size(now.memory_used_bytes):>8}"
    line = Text(f"{cut(name, 6):6} {percent(now.utilization):>4} busy {memory} {heat:>5} {power:>5} ")
    line.append(past, "green")
    throttled = sum(bool(one.throttle_reasons) for one in readings)
    found = [line]
    if throttled:
        reasons = sorted({reason for one in readings for reason in one.throttle_reasons})
        words = sanitize(", ".join(reasons))
        found.append(Text(f"        throttled in {throttled} of the latest {len(readings)}: {words}", "yellow"))
    return found


def problems(frame: Frame, now_us: int, width: int) -> Text:
    """What went wrong, in short; the screen of problems has it in full."""
    found = wrong(frame.state)
    if not found:
        return lines([title("Problems"), Text("none", "green")])
    return lines([title("Problems", "e shows more"), *(Text(cut(one, width), "yellow") for one in found)])


def wrong(state: RunState) -> list[str]:
    """What went wrong, a line each: errors by kind, slower stages, silences, unknown events, missing work."""
    found = [f"{one.times:>5,} × {one.group}: {one.what}" for one in state.problems]
    found += [f"stage {stage} is {times:.1f} times slower a token" for stage, times in outlook.slower(state).items()]
    if state.stalls:
        found.append(f"{state.stalls:>5,} × silent, for {seconds(state.longest_stall_us / MICRO)} at most")
    if state.unreadable:
        found.append(f"{state.unreadable:>5,} × events of a kind or version unknown here")
    over = state.life.finished_us or state.life.failed_us
    missing = [one for one in figures.work(state) if over and one.done < one.planned]
    return found + [f"{one.planned - one.done:>5,} × {one.unit} missing" for one in missing]
