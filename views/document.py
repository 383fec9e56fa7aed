"""A report as data: sections of blocks, which Markdown, HTML and LaTeX each write by their own rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from asd.views.digits import shown

Row = dict[str, object]
Language = Literal["en", "ja"]
"""Of titles, headings, captions and fixed sentences."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, the projection's column that it shows, and how (None: by its digits)."""

    heading: str
    name: str
    show: Callable[[Row], str] | None = None

    def cell(self, row: Row) -> str:
        """What the row shows here."""
        return self.show(row) if self.show else shown(self.name, row.get(self.name))

    def is_number(self, rows: Sequence[Row]) -> bool:
        """Whether the column holds numbers, which stand to the right."""
        values = [row.get(self.name) for row in rows]
        return any(value is not None for value in values) and all(
            value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values
        )


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the projection `projection`; `terms` are the glossary's words that its columns use."""

    projection: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """Names with one value each, from one row of the projection `projection`."""

    projection: str
    pairs: tuple[tuple[str, str, str], ...]
    """Label, the projection's column, and what is shown."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. `warning` marks what a reader must not miss."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be copied as it is; `language` names its grammar."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by its name in `asd.views.figures`."""

    name: str
    caption: str


Block = Table | Fields | Text | Code | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """One of the record's ten sections; a later part of one has a `title` of its own and the same number."""

    number: int
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A report on one run."""

    title: str
    run: str
    preface: tuple[Block, ...]
    sections: tuple[Section, ...]
    terms: tuple[tuple[str, str], ...] = field(default=())
    """The words that the tables use, each with its definition."""
