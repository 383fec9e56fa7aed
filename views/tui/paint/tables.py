"""Rows of the report's projections as text."""

import pyarrow as pa
from rich.text import Text

from asd.views.formats import rows_of, to_terminal
from asd.views.tui.paint.words import lines, title

ROWS = 500
"""Rows of one projection that are shown."""


def table(rows: pa.Table, width: int | None) -> Text:
    """The table as `asd project` prints it; wider than the screen where `width` is None."""
    if not rows.num_rows:
        return Text("no rows yet", "dim")
    text = Text(to_terminal(rows.schema.names, rows_of(rows.slice(0, ROWS)), width=width, color=False).rstrip("\n"))
    if rows.num_rows > ROWS:
        text.append(f"\n… {rows.num_rows - ROWS:,} rows more: asd project prints them all", "dim")
    return text


def fields(rows: pa.Table, skip: tuple[str, ...] = ()) -> Text:
    """Each row as lines of name and value: for few rows with many columns."""
    from asd.views.digits import shown
    from asd.views.sanitize import sanitize

    names = [name for name in rows.schema.names if name not in skip]
    wide = max((len(name) for name in names), default=0)
    parts: list[Text | str] = []
    for row in rows_of(rows.slice(0, ROWS)):
        for name in names:
            value = row[name]
            text = sanitize(str(value) if isinstance(value, dict | list) else shown(name, value))
            parts.append(Text.assemble((f"{name:{wide}}  ", "dim"), text))
        parts.append("")
    return lines(parts) if parts else Text("no rows yet", "dim")


def headed(name: str, answers: str, body: Text) -> Text:
    """A block with its heading."""
    return lines([title(name, answers), body, ""])
