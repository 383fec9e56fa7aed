"""Rows of the report's projections as text, with the report's digits."""

from collections.abc import Sequence

import orjson
import pyarrow as pa
from rich.text import Text

from asd.views import digits
from asd.views.formats import rows_of
from asd.views.tui.paint.words import cut, lines

ROWS = 500
"""Rows of one projection that are shown."""
CELL = 72
"""The most characters of one cell."""
LEAST = 14
"""Rows are written as columns, where the columns do not fit beside each other, if each has this much room."""
GAP = "  "
Cells = Sequence[Sequence[str]]


def table(rows: pa.Table, width: int) -> Text:
    """The table in `width` columns: turned round where that makes it fit, else wider than the screen."""
    if not rows.num_rows:
        return Text("no rows yet", "dim")
    names = list(rows.schema.names)
    cells = [[_cell(name, row[name]) for name in names] for row in rows_of(rows.slice(0, ROWS))]
    if names == ["field", "value"]:
        cells = [[field, _quantity(field, value)] for field, value in cells]
    numbers = [_is_number(field.type) for field in rows.schema]
    room = (width - max(map(len, names))) // len(cells) - len(GAP)
    if _width([names, *cells]) > width and room >= LEAST:
        turned = [[name, *(cut(cell, room) for cell in row)] for name, *row in zip(names, *cells, strict=True)]
        return lines(_grid(turned, [False] + [len(cells) > 1] * len(cells)))
    head, *body = _grid([names, *cells], numbers)
    more = [Text(f"… {rows.num_rows - ROWS:,} rows more: asd project prints them all", "dim")]
    return lines([Text(head.plain, "dim"), *body, *(more if rows.num_rows > ROWS else [])])


def _cell(name: str, value: object) -> str:
    if value is None:
        return "–"
    return cut(orjson.dumps(value).decode() if isinstance(value, list | dict) else digits.shown(name, value), CELL)


def _quantity(field: str, value: str) -> str:
    """Bytes as people read them, also where the column holds all sorts of things."""
    if value == digits.NOT_RECORDED:
        return "–"
    return digits.shown(field, int(value)) if "bytes" in field and value.isdigit() else value


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _widths(cells: Cells) -> list[int]:
    return [max(map(len, column)) for column in zip(*cells, strict=True)]


def _width(cells: Cells) -> int:
    widths = _widths(cells)
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _grid(cells: Cells, right: Sequence[bool]) -> list[Text]:
    widths = _widths(cells)
    return [_line(row, widths, right) for row in cells]


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> Text:
    line = Text()
    for place, (cell, width, numeric) in enumerate(zip(row, widths, right, strict=True)):
        line.append(GAP if place else "")
        line.append(f"{cell:>{width}}" if numeric else f"{cell:{width}}", "dim" if cell == "–" else "")
    line.rstrip()
    return line
