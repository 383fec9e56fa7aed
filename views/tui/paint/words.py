"""Small pieces of text: bars, durations, shares, states."""

from collections.abc import Sequence

from rich.text import Text

from asd.views.sanitize import sanitize
from asd.views.tui.model.rows import moment

SPARKS = "▁▂▃▄▅▆▇█"
STYLES = {
    "running": "bold green",
    "finished": "bold cyan",
    "failed": "bold red",
    "stale": "bold red",
    "quiet": "bold yellow",
    "empty": "yellow",
    "opening": "bold yellow",
    "unreadable": "bold red",
    "damaged": "bold red",
}
SIGNS = {
    "running": "▶",
    "finished": "■",
    "failed": "✗",
    "stale": "!",
    "quiet": "…",
    "empty": "·",
    "opening": "…",
    "unreadable": "!",
    "damaged": "!",
}
INTERIM = "interim: not for inference"


def state(word: str) -> Text:
    """How a run is: a sign and a word, coloured."""
    return Text(f"{SIGNS.get(word, '?')} {word}", STYLES.get(word, ""))


def bar(share: float | None, width: int) -> Text:
    """A line of `width` cells, thick up to `share`, in half cells; a whole one is green."""
    share = max(0.0, min(1.0, share or 0.0))
    halves = min(round(share * width * 2), width * 2 - (share < 1))
    full, half = divmod(halves, 2)
    line = Text().append("━" * full + "╸" * half, "green" if share == 1 else "cyan")
    return line.append("─" * (width - full - half), "dim")


def sparks(values: Sequence[float], top: float | None = None) -> str:
    """A line of bars, the tallest for `top` (the largest value where it is None); a space where there is nothing."""
    highest = top if top is not None else max(values, default=0.0)
    if highest <= 0:
        return "▁" * len(values)
    return "".join(SPARKS[min(7, int(max(0.0, value) / highest * 7.999))] for value in values)


def percent(share: float | None) -> str:
    """A share as a whole per cent; never 100 % or 0 % where it is not quite."""
    if share is None:
        return "–"
    rounded = round(share * 100)
    if rounded == 100 and share < 1:
        return ">99%"
    return "<1%" if rounded == 0 and share > 0 else f"{rounded}%"


def ratio(part: int, whole: int) -> str:
    """A share to three decimals, without the zero before the point: .875, 1.00."""
    if not whole:
        return "–"
    return "1.00" if part == whole else f"{part / whole:.3f}".removeprefix("0").replace("1.000", ">.999")


def seconds(value: float | None) -> str:
    """A duration as people say it: 340 ms, 12.3 s, 4 min 10 s, 3 h 14 min, 2 d 5 h."""
    if value is None:
        return "–"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(int(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def whole_seconds(value: float) -> str:
    """A duration without fractions, for what ticks."""
    return f"{int(value)} s" if value < 60 else seconds(value)


def size(value: float | None) -> str:
    """Bytes in GB with one decimal."""
    return "–" if value is None else f"{value / 1e9:.1f} GB"


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands parted."""
    return "–" if value is None else f"{value:,.{digits}f}"


def clock(us: int) -> str:
    """Date and time to the second, UTC."""
    return f"{moment(us):%Y-%m-%d %H:%M:%S}" if us else "–"


def time_of_day(us: int) -> str:
    """The time to the millisecond, UTC."""
    return f"{moment(us):%H:%M:%S.%f}"[:-3] if us else "–"


def cut(text: str, width: int) -> str:
    """`text` made safe, on one line, cut to about `width` characters."""
    shown = sanitize(text[: width * 2])
    return shown if len(shown) <= width else shown[: max(0, width - 1)] + "…"


def ending(text: str, width: int) -> str:
    """The end of a name that is too long: samples differ there."""
    shown = sanitize(text[-width * 2 :])
    return shown if len(shown) <= width else "…" + shown[1 - width :]


def title(text: str, note: str = "") -> Text:
    """The heading of a block."""
    line = Text().append(sanitize(text), "bold")
    if note:
        line.append("  " + sanitize(note), "yellow" if note == INTERIM else "dim")
    return line


def ruled(heading: Text, width: int) -> Text:
    """A heading with a line to the right end."""
    return heading.append(" " + "─" * max(0, width - heading.cell_len - 1), "bright_black")


def apart(left: Text, right: Text, width: int) -> Text:
    """One line with `left` and `right` at its ends; `left` is cut where they do not fit."""
    room = width - right.cell_len - 2
    if right.cell_len and left.cell_len > room:
        left.truncate(max(0, room), overflow="ellipsis")
    line = left.append(" " * max(2, width - left.cell_len - right.cell_len)).append_text(right)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def lines(parts: Sequence[Text | str]) -> Text:
    """Lines of text as one."""
    return Text("\n").join([one if isinstance(one, Text) else Text(one) for one in parts])
