"""Rows of the report's projections as text."""

import pyarrow as pa
from rich.text import Text

from asd.views.formats import rows_of, to_terminal

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
