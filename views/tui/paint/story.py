"""One sample as text: prompt, answers, predictions, decisions, causes."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from asd.views.sanitize import sanitize
from asd.views.tui.model.story import Story, Values
from asd.views.tui.paint.words import cut, lines, ruled, seconds, time_of_day, title

_CONSOLE = Console()
LONGEST = 20_000
"""Characters of one answer that are shown."""


def sample(story: Story, width: int = 100) -> Text:
    """Everything that the log holds of one sample, in lines of `width` cells where text is long."""
    if not story.chain:
        return Text(f"the log holds nothing of {sanitize(story.sample)} at that time", "dim")
    parts: list[Text | str] = [*_asked(story, width)]
    for answer in story.answers:
        parts += _answer(answer, story, width)
    parts += [
        Text(sanitize(f"stage {one['stage']} failed: {one['error']}: {one['message']}"), "red")
        for one in story.failures
    ]
    return lines([*parts, *_decisions(story, width), *_chain(story, width)])


def _asked(story: Story, width: int) -> Iterator[Text | str]:
    known = story.planned
    facts = " · ".join(str(known[key]) for key in ("task", "role", "cluster") if known.get(key))
    yield ruled(title(story.sample, facts), width)
    if known:
        yield _body(str(known["prompt"]), width)
        yield Text.assemble(("right answer ", "dim"), (sanitize(str(known["reference"])), "bold"))
    yield ""


def _answer(answer: Values, story: Story, width: int) -> Iterator[Text | str]:
    grade = {True: Text("✓ right", "bold green"), False: Text("✗ wrong", "bold red"), None: Text("not graded", "dim")}
    draw = "" if answer["sampling_seed"] is None else f", draw {answer['sampling_seed']}"
    line = title(f"stage {answer['stage']}  {answer['model']}{draw}  ")
    line.append_text(grade[answer["correct"]])
    if answer["extracted"] is not None:
        line.append("  read as ", "dim").append(cut(str(answer["extracted"]), 60))
    yield ruled(line, width)
    yield Text(_measures(answer), "dim")
    if answer["logprobs"] is not None:
        yield Text(_logprobs(answer["logprobs"]), "dim")
    mine = [one for one in story.quality if one["stage"] == answer["stage"]]
    if mine:
        yield Text("q " + "  ".join(f"{one['q']:.3f} (seed {one['seed']})" for one in mine), "cyan")
    yield _body(str(answer["text"]), width)
    yield ""


def _measures(answer: Values) -> str:
    times = [("first token", "first_token_s"), ("total", "latency_s"), ("busy", "busy_s")]
    told = [f"{name} {seconds(answer[key])}" for name, key in times if answer[key] is not None]
    counts = f"{answer['input_tokens']} tokens in, {answer['output_tokens']} out, {sanitize(answer['finish_reason'])}"
    return ", ".join([counts, *told, str(answer["nature"])])


def _logprobs(found: Values) -> str:
    spread = " ".join(map(_two, found["quantiles"]))
    margin = "" if found["margin_mean"] is None else f", margin {_two(found['margin_mean'])}"
    return (
        f"log-probabilities mean {found['mean']:.3f}, first {_two(found['first'])}, last {_two(found['last'])}{margin};"
        f" quantiles {spread}"
    )


def _two(value: float) -> str:
    """Two decimals; what rounds to nothing has no sign."""
    return f"{value:.2f}".replace("-0.00", "0.00")


def _decisions(story: Story, width: int) -> Iterator[Text | str]:
    if not story.decisions:
        return
    yield ruled(title("Decisions", "stopping costs λ·(1 − q); it stops where that is no more than going on"), width)
    yield Text(
        f"{'policy':18}{'λ':>7}{'seed':>6}{'stage':>6}{'q':>8}{'stopping':>10}{'going on':>10}{'paid':>9}", "dim"
    )
    for one in story.decisions:
        go = "–" if one["go_value"] is None else f"{one['go_value']:.3f}"
        line = Text(
            f"{cut(str(one['policy']), 17):18}{one['lam']:>7g}{one['seed']:>6}{one['stage']:>6}{one['q']:>8.3f}"
            f"{one['stop_value']:>10.3f}{go:>10}{one['cost']:>9.2f}  "
        )
        if one["answer_stage"] is None:
            line.append(f"→ stage {one['next_stage']}", "yellow")
        else:
            right = one["correct"]
            line.append(f"stops, answer of stage {one['answer_stage']} ")
            line.append("✓ right" if right else "✗ wrong", "green" if right else "red")
            line.append(f"  {cut(str(one['basis']), 12)}", "dim")
        yield line
    yield ""


def _chain(story: Story, width: int) -> Iterator[Text | str]:
    yield ruled(title("What caused what", "event ← its cause"), width)
    for stream, seq, us, id, _kind, _subject, cause in story.chain:
        line = Text().append(f"{time_of_day(us)} {cut(stream, 10)} {seq:>8,}  ", "dim").append(cut(id, 70))
        if cause:
            fits = line.cell_len + len(cause) + 4 <= width
            line.append(f"  ← {cut(cause, 70)}" if fits else f"\n{'':24} ← {cut(cause, 70)}", "dim")
        yield line


def _body(text: str, width: int) -> Text:
    """What was written, inert, with a line at its left, wrapped here so that the line goes on."""
    shown = sanitize(text[:LONGEST], newlines=True)
    if len(text) > LONGEST:
        shown += f"\n… {len(text) - LONGEST:,} characters more"
    wrapped = Text(shown.expandtabs(4)).wrap(_CONSOLE, max(20, width - 2))
    return lines([Text().append("▏ ", "bright_black").append_text(line) for line in wrapped])
