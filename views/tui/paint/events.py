"""Events in a line: what kind, and what they say."""

import re

from rich.text import Text

from asd.views.tui.paint.words import cut

STYLES = {
    "run": "magenta",
    "phase": "dim",
    "sample.generated": "blue",
    "sample.graded": "",
    "sample.answered": "green",
    "sample.failed": "bold red",
    "stage.escalated": "yellow",
    "device": "dim",
    "log": "bold yellow",
}
"""By kind, else by its first word: the end of a decision is green, going on yellow, telemetry in the background."""
FIRST = ("correct", "stage", "answer_stage", "next_stage", "q", "stop_value", "go_value", "cost", "model", "extracted")
"""The fields that are shown first, in this order."""
_FIELD = re.compile(r'"(\w+)":([^\[{].*?)(?=,"\w+":|$)', re.DOTALL)

_CUT = re.compile(r',"\w*"?:?$')
"""What is left of a field's name where the data was cut within it."""


def kind(name: str, width: int) -> Text:
    """The kind of an event."""
    return Text(cut(name, width), STYLES.get(name, STYLES.get(name.partition(".")[0], "")))


def brief(data: str, width: int) -> Text:
    """What the beginning of an event's JSON says, without its punctuation: `correct true  stage 2`."""
    whole = _CUT.sub("", data.strip("{}"))
    found = [(name, value) for name, value in _FIELD.findall(whole) if value != "null"]
    found.sort(key=lambda one: FIRST.index(one[0]) if one[0] in FIRST else len(FIRST))
    line = Text(no_wrap=True)
    for name, value in found[:12]:
        line.append(f"{cut(name, 40)} ", "dim").append(f"{cut(_short(value), width)}  ")
    return line


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}" if "." in value else value
    except ValueError:
        return value
