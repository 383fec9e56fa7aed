"""Stages, λ × dataset × seed and the funnel as text."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeVar

from rich.text import Text

from asd.views.tui.model import figures
from asd.views.tui.model.figures import FunnelRow, GridRow, LadderRow
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.state import MICRO, Cell, Certificate, RunState
from asd.views.tui.paint.block import Block, block
from asd.views.tui.paint.run import note
from asd.views.tui.paint.words import bar, cut, percent, ratio, seconds, sparks

R = TypeVar("R", GridRow, FunnelRow)
CELL = 7
"""The least width of a column that holds an accuracy."""


def ladder(frame: Frame, now_us: int, width: int) -> Block:
    """Every stage: how much is answered, how often it was right on each task, engine time an answer."""
    state = frame.state
    rows = figures.ladder(state)
    if state.training and not state.answers:
        return training(state, width)
    if not rows:
        return block("Stages", note(state), [Text("no stage has answered yet", "dim")])
    tasks = figures.tasks(state)
    name = max(8, min(24, width - 16 - (CELL + 3) * len(tasks)))
    room = (width - 16 - name) // len(tasks)
    if room < CELL:
        return block("Stages", note(state), _long_ladder(rows, width))
    room = min(room, 12)
    heads = "".join(f"{cut(task, room - 1):>{room}}" for task in tasks)
    head = Text(f"  {'model':{name}} done{heads}{'busy':>9}", "dim")
    return block(
        "Stages", note(state) or "right on each task", [head, *(_stage(mine, name, room) for mine in _by_stage(rows))]
    )


def training(state: RunState, width: int) -> Block:
    """Every stage that learns: its steps, its time, and its loss so far."""
    parts = [Text(f"  {'model':10} {'steps':>12} {'':6} {'time':>11} {'loss':>6}", "dim")]
    for stage, one in sorted(state.training.items()):
        line = Text(f"{stage} {cut(one.model, 10):10} {f'{one.step:,}/{one.steps:,}':>12} ")
        line.append_text(bar(one.step / one.steps if one.steps else None, 6)).append(f" {seconds(one.elapsed_s):>11}")
        line.append(f" {one.losses[-1]:>6.3f} " if one.losses else f" {'–':>6} ")
        parts.append(line.append(sparks(one.losses[-(width - 53) :] if width > 60 else ()), "blue"))
    return block("Training", note(state) or "nats an answer token", parts)


def _by_stage(rows: Sequence[LadderRow]) -> Iterator[list[LadderRow]]:
    return (list(mine) for _, mine in groupby(rows, key=lambda row: row.stage))


def _stage(rows: Sequence[LadderRow], name: int, room: int) -> Text:
    done, planned = sum(row.answers.generated for row in rows), sum(row.planned for row in rows)
    timed, busy_us = sum(row.answers.timed for row in rows), sum(row.answers.busy_us for row in rows)
    line = Text(f"{rows[0].stage} {cut(rows[0].model, name):{name}}")
    line.append(f" {percent(done / planned) if planned else '–':>4}", "dim")
    for row in rows:
        line.append(f"{ratio(row.answers.correct, row.answers.graded):>{room}}", "" if row.answers.graded else "dim")
    return line.append(f"{seconds(busy_us / MICRO / timed if timed else None):>9}")


def _long_ladder(rows: Sequence[LadderRow], width: int) -> list[Text | str]:
    """A line a stage and task, where the tasks do not fit beside each other."""
    name = max(8, min(24, width - 43))
    head = Text(f"  {'':{name}} {'task':10} {'answers':>8} {'done':>4} {'right':>5} {'busy':>8}", "dim")
    return [head, *(_long_row(row, first, name) for mine in _by_stage(rows) for first, row in _marked(mine))]


def _marked(rows: Sequence[LadderRow]) -> Iterator[tuple[bool, LadderRow]]:
    return ((place == 0, row) for place, row in enumerate(rows))


def _long_row(row: LadderRow, first: bool, name: int) -> Text:
    done = row.answers.generated
    share = percent(done / row.planned) if row.planned else "–"
    busy = row.answers.busy_us / MICRO / row.answers.timed if row.answers.timed else None
    stage = f"{row.stage} {cut(row.model, name):{name}}" if first else " " * (name + 2)
    line = Text(f"{stage} {cut(row.task, 10):10} {done:>8,} ").append(f"{share:>4}", "dim")
    return line.append(f" {ratio(row.answers.correct, row.answers.graded):>5} {seconds(busy):>8}")


def grid(frame: Frame, now_us: int, width: int) -> Block:
    """λ × dataset × seed: progress and running accuracy in each cell, all seeds on the right."""
    state = frame.state
    rows = figures.grid(state)
    if not rows:
        return block("λ × dataset × seed", note(state), [Text("no λ is planned yet", "dim")])
    seeds = figures.seeds(state)
    room = max(1, min(len(seeds), (width - 33) // 10))
    heads = "".join(f"{f'seed {seed}':>10}" for seed in seeds[:room])
    head = Text(f"{'task':10}{'λ':>7} {heads}{_more(len(seeds) - room):>3}{'all seeds':>12}", "dim")
    parts = [head]
    for named, of_policy in _by_policy(rows, width):
        parts += named
        for _, of_task in groupby(of_policy, key=lambda row: row.task):
            parts += [_grid_row(row, place == 0, room, state.life.chosen) for place, row in enumerate(of_task)]
    return block("λ × dataset × seed", note(state) or "done, right", [*parts, *_sure(state, width)])


def _sure(state: RunState, width: int) -> Iterator[Text]:
    """By what rule λ was chosen, and which λ are certified."""
    if state.life.chosen is not None:
        yield Text(cut(f"* λ = {state.life.chosen:g} was chosen by the rule: {state.life.rule}", width), "dim")
    for (policy, target, alpha), mine in groupby(sorted(state.certified.items()), key=_promise):
        found = ", ".join(f"seed {seed} {'none' if lam is None else f'λ ≥ {lam:g}'}" for (_, seed), (lam, *_) in mine)
        sure = f"{percent(target)} kept, {percent(1 - alpha)} sure: {found}"
        yield Text(cut(f"certified for {policy}: {sure}", width), "green")


def _promise(one: tuple[tuple[str, int], Certificate]) -> tuple[str, float, float]:
    return one[0][0], one[1].target, one[1].alpha


def _by_policy(rows: Sequence[R], width: int) -> Iterator[tuple[list[Text], list[R]]]:
    """The rows of each policy, with its name where there is more than one."""
    several = len({row.policy for row in rows}) > 1
    for policy, mine in groupby(rows, key=lambda row: row.policy):
        yield [Text(cut(policy, width), "magenta")] if several else [], list(mine)


def _more(hidden: int) -> str:
    return f" +{hidden}" if hidden > 0 else ""


def _grid_row(row: GridRow, first: bool, room: int, chosen: float | None) -> Text:
    here = row.lam == chosen
    line = Text(f"{cut(row.task, 10) if first else '':10}")
    line.append(f"{'*' if here else ' '}{row.lam:>6g} ", "bold cyan" if here else "")
    for cell, expected in zip(row.cells[:room], row.expected[:room], strict=True):
        _cell(line, cell, expected, "bold" if here else "")
    correct, answered = sum(one.correct for one in row.cells), sum(one.answered for one in row.cells)
    line.append(f"{ratio(correct, answered):>7}", "bold" if here else "")
    return line.append(f"{f'{answered:,}' if answered else '':>8}", "dim")


def _cell(line: Text, cell: Cell, expected: int, style: str) -> None:
    """Grey is what is not complete, so that what can be compared stands out."""
    share = cell.answered / expected if expected else None
    line.append(
        f"{percent(share) if cell.answered else '·':>5}", "dim" if share == 1 or not cell.answered else "yellow"
    )
    line.append(f"{ratio(cell.correct, cell.answered):>5}", style if share == 1 else "dim")


def funnel(frame: Frame, now_us: int, width: int) -> Block:
    """How many answers reached each stage at each λ, and the early-stop rate."""
    state = frame.state
    rows = figures.funnel(state)
    if not rows:
        return block("Funnel", note(state), [Text("no decision is logged yet", "dim")])
    stages = len(rows[0].reached)
    wide = max(2, min(10, (width - 13) // stages - 6))
    heads = "".join(f"{f'stage {stage}':{wide + 6}}" for stage in range(stages))
    parts = [Text(f"{'λ':>6} {heads}{'early':>5}", "dim")]
    for named, of_policy in _by_policy(rows, width):
        parts += [*named, *(_funnel_row(row, wide, state.life.chosen) for row in of_policy)]
    return block("Funnel", note(state) or "share that reached each stage", parts)


def _funnel_row(row: FunnelRow, wide: int, chosen: float | None) -> Text:
    here = row.lam == chosen
    line = Text().append(f"{'*' if here else ' '}{row.lam:>5g} ", "bold cyan" if here else "")
    for reached in row.reached:
        share = reached / row.answered
        line.append_text(bar(share, wide)).append(f"{percent(share):>5} ", "" if reached else "dim")
    return line.append(f"{ratio(row.early, row.answered):>5}")
