"""A table as JSON, CSV, Markdown or a terminal's table, each escaped by its own rules."""

import csv
import io
import itertools
import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Literal

import orjson

from asd.views.digits import shown
from asd.views.sanitize import safe, sanitize

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table

Format = Literal["table", "json", "csv", "md"]


def rows_of(table: "pa.Table") -> list[dict[str, object]]:
    """The rows as plain values: maps become objects, times RFC 3339 in UTC, what is no number becomes None; a name that
    a column before has is numbered."""
    columns = [[_plain(value, field.type) for value in one.to_pylist()]
               for one, field in zip(table.columns, table.schema, strict=True)]  # fmt: skip
    names = _distinct(table.schema.names)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, a number added to each that is there already, as a join of two tables has some twice."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        found.append(next(one for one in itertools.chain([name], numbered) if one not in found))
    return found


def _plain(value: object, kind: "pa.DataType") -> object:
    import pyarrow as pa

    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if pa.types.is_map(kind) and isinstance(value, list):
        return {str(key): _plain(one, kind.item_type) for key, one in value}
    if pa.types.is_list(kind) and isinstance(value, list):
        return [_plain(one, kind.value_type) for one in value]
    if pa.types.is_struct(kind) and isinstance(value, dict):
        return {field.name: _plain(value[field.name], field.type) for field in kind}
    if isinstance(value, bytes):
        return value.hex()
    if pa.types.is_interval(kind) and isinstance(value, tuple):
        return _interval(*value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value if isinstance(value, str | int | float | bool) else str(value)


def _interval(months: int, days: int, nanoseconds: int) -> str:
    """A span of time, as in "2 months, 3 days, 0:12:33.500000"."""
    rest = timedelta(days, microseconds=nanoseconds // 1_000)
    return (f"{months} months, " if months else "") + (f"-{-rest}" if rest < timedelta() else str(rest))


def to_json(rows: Sequence[dict[str, object]]) -> str:
    """An array of rows, one row a line, so that two files can be compared line by line."""
    lines = ",\n".join(orjson.dumps(row).decode() for row in rows)
    return f"[\n{lines}\n]\n" if rows else "[]\n"


def to_csv(names: Sequence[str], rows: Iterable[dict[str, object]]) -> str:
    """RFC 4180 with a header. Text that a spreadsheet would run as a formula gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_csv_cell(row[name]) for name in names])
    return out.getvalue()


def _csv_cell(value: object) -> object:
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    if isinstance(value, str):
        shown = sanitize(value, newlines=True)
        return f"'{shown}" if shown.lstrip().startswith(("=", "+", "-", "@", "\t", "\r")) else shown
    return value


def to_markdown(names: Sequence[str], rows: Iterable[dict[str, object]]) -> str:
    """A Markdown table with the digits of `asd.views.digits`; numbers stand right."""
    kept = list(rows)
    right = [all(isinstance(row[name], int | float) or row[name] is None for row in kept) for name in names]
    lines = [_line(markdown_text(name) for name in names), _line("---:" if one else "---" for one in right)]
    lines += [_line(markdown_text(_cell(name, row[name])) for name in names) for row in kept]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(name: str, value: object) -> str:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else shown(name, value)


_MARKUP = re.compile(r"[`*|~$]|(?<![^\W_])_|_(?![^\W_])|\\(?![^\W_])|^[#>]")
"""What Markdown would read as markup: an underscore within a word, as in `stage_0`, is none."""
_LINKS = re.compile(r"\]\s*[(\[:]|\[\^")
_ENTITY = re.compile(r"&(?=#?\w)|<(?=[A-Za-z/!?])")


def markdown_text(text: str) -> str:
    """`text` so that Markdown shows it as it is: no markup, no HTML, no end of a table's cell."""
    shown = _MARKUP.sub(r"\\\g<0>", sanitize(text))
    if _LINKS.search(shown):
        shown = re.sub(r"[\[\]]", r"\\\g<0>", shown)
    return _ENTITY.sub(lambda found: escape(found[0]), shown)


def to_terminal(names: Sequence[str], rows: Iterable[dict[str, object]], *, width: int | None, color: bool) -> str:
    """A table for a terminal of `width` columns; every cell is sanitized and never read as markup.

    Where it is too wide, one or two rows are written field by field; of more rows, and of none, the first columns are
    shown, and the rest are named below.
    """
    kept = list(rows)
    cells = [[sanitize(_cell(name, row[name])) for name in names] for row in kept]
    widths = [max(len(name), *(len(row[i]) for row in cells), 0) for i, name in enumerate(names)]
    if width is None or sum(widths) + GAP * len(widths) <= width or len(names) * LEAST <= width:
        return _grid(names, kept, width=width or max(40, sum(widths) + GAP * len(widths)), color=color)
    if 1 <= len(kept) <= 2:
        return "\n".join(_fields(names, row, width=width, color=color) for row in kept)
    fitting = _fitting(widths, width)
    rest = ", ".join(names[fitting:])
    note = f"(and {len(names) - fitting} more columns: {rest}; a wider terminal or --format json, csv or md has them)"
    return _grid(names[:fitting], kept, width=width, color=color) + "\n".join(textwrap.wrap(note, width)) + "\n"


GAP = 2
"""Blanks between columns."""
LEAST = 14
"""A table whose columns have this much room on average is folded rather than cut."""


def _fitting(widths: Sequence[int], width: int) -> int:
    """How many leading columns fit, at least one."""
    total = 0
    for count, one in enumerate(widths):
        total += one + GAP
        if total > width:
            return max(count, 1)
    return len(widths)


def _fields(names: Sequence[str], row: dict[str, object], *, width: int, color: bool) -> str:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name in names:
        table.add_row(safe(name), safe(_cell(name, row[name])))
    return _printed(table, width=width, color=color)


def _grid(names: Sequence[str], rows: Sequence[dict[str, object]], *, width: int, color: bool) -> str:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        right = all(isinstance(row[name], int | float) or row[name] is None for row in rows)
        table.add_column(safe(name), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(safe(_cell(name, row[name])) for name in names))
    return _printed(table, width=width, color=color)


def _printed(table: "Table", *, width: int, color: bool) -> str:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=width, force_terminal=color, no_color=not color).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def render(table: "pa.Table", form: Format, *, width: int | None = None, color: bool = False) -> str:
    """`table` in the format `form`."""
    rows, names = rows_of(table), _distinct(table.schema.names)
    if form == "json":
        return to_json(rows)
    if form == "csv":
        return to_csv(names, rows)
    return to_markdown(names, rows) if form == "md" else to_terminal(names, rows, width=width, color=color)
