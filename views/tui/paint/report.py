"""The report's own Markdown as text for a terminal: headings, lists, code, tables with their columns in line."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from itertools import groupby
from textwrap import wrap

from rich.text import Text

from asd.views.sanitize import sanitize
from asd.views.tui.paint.words import lines, ruled

_CELLS = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([\\`*_\[\]|#~$>])")
_LINK = re.compile(r"(?<!\\)\[((?:\\.|[^\]\\])*)\]\([^)]*\)")
_MARKS = re.compile(r"(?<!\\)(\*\*|`)")


def report(markdown: str, width: int) -> Text:
    """The text with paragraphs in `width` columns; tables are as wide as they are."""
    parts: list[Text | str] = []
    for kind, some in groupby(_kinds(markdown), key=lambda one: one[0]):
        block = [line for _, line in some]
        parts += _table(block) if kind == "table" else [one for line in block for one in _line(kind, line, width)]
    return lines(parts)


def _kinds(markdown: str) -> Iterator[tuple[str, str]]:
    """Every line with what it is; the fences of code are left out."""
    code = False
    for line in sanitize(markdown, newlines=True).split("\n"):
        if line.startswith("```"):
            code = not code
        else:
            yield "code" if code else "table" if line.startswith("|") else "text", line


def _line(kind: str, line: str, width: int) -> list[Text]:
    if kind == "code":
        return [Text(f"  {part}", "cyan") for part in wrap(line, width - 2, drop_whitespace=False) or [""]]
    if line.startswith("#"):
        return [ruled(Text().append(_plain(line.lstrip("# ")), "bold cyan"), width)]
    style = "bold" if line.startswith("**") else ""
    indent = "  " if line.startswith("- ") else ""
    return [Text(part, style) for part in wrap(_plain(line), width, subsequent_indent=indent) or [""]]


def _plain(text: str) -> str:
    """`text` without marks and escapes; what it says is shown, never read again."""
    without = _MARKS.sub("", _LINK.sub(r"\1", text))
    return sanitize(unescape(_ESCAPED.sub(r"\1", without)))


def _table(rows: Sequence[str]) -> Iterator[Text]:
    cells = [[_plain(cell.strip()) for cell in _CELLS.split(row)[1:-1]] for row in rows]
    cells = [row for row in cells if len(row) == len(cells[0])]
    head, marks, *body = cells if len(cells) > 1 else [*cells, cells[0]]
    right = [mark.endswith(":") for mark in marks]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    for place, row in enumerate([head, *body]):
        shown = (f"{cell:>{w}}" if r else f"{cell:{w}}" for cell, w, r in zip(row, widths, right, strict=True))
        yield Text("  ".join(shown).rstrip(), "" if place else "dim")
