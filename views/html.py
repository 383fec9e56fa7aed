"""A report as one HTML file: no network, light and dark, each number with its lineage."""

import base64
import re
import shlex
from collections.abc import Callable
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import count

import orjson
from jinja2 import Environment
from markupsafe import Markup

from asd.views import figures, lineage, projections
from asd.views.digits import NOT_RECORDED
from asd.views.document import Block, Code, Column, Document, Fields, Figure, Row, Table, Text
from asd.views.glossary import anchor
from asd.views.sanitize import sanitize
from asd.views.session import Session

LONG = 40
"""A text of more characters gets a wide column and may be broken anywhere."""
FILTERED = 8
"""A table with more rows than this can be filtered."""


def to_html(document: Document, session: Session, language: str = "en") -> str:
    """The whole report; figures are inside as SVG, and the lineage of every number as JSON."""
    folder = files("asd.views") / "templates"
    script = (folder / "report.js").read_text(encoding="utf-8").strip()
    page = Page(session)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((folder / "report.html").read_text(encoding="utf-8"))
    return template.render(
        document=document,
        language=language,
        draw=page.draw,
        anchor=anchor,
        style=Markup((folder / "report.css").read_text(encoding="utf-8").strip()),
        script=Markup(script),
        script_hash=base64.b64encode(sha256(f"\n{script}\n".encode()).digest()).decode(),
        lineage=Lazy(page.lineage),
    )


class Lazy:
    """HTML that is made when it is written: the lineage is known when every table is."""

    def __init__(self, made: Callable[[], str]) -> None:
        """`made` gives the HTML."""
        self._made = made

    def __html__(self) -> str:
        return self._made()


class Page:
    """Blocks as HTML, and what their numbers rest on."""

    def __init__(self, session: Session) -> None:
        """Everything is drawn from this session."""
        self._session = session
        self._numbers = count(1)
        self._sources: dict[str, int] = {}
        self._projections: dict[str, dict[str, object]] = {}

    def draw(self, block: Block) -> Markup:
        """One block."""
        match block:
            case Table():
                made = self._table(block)
            case Fields():
                made = self._fields(block)
            case Text():
                kind = ' class="warning"' if block.warning else ""
                made = f"<p{kind}>{_text(block.text)}</p>"
            case Code():
                made = f"<pre><code>{escape(sanitize(block.text, newlines=True))}</code></pre>"
            case Figure():
                made = self._figure(block)
        return Markup(made)

    def lineage(self) -> str:
        """The lineage as JSON that cannot end its script element."""
        used = {name for one in self._projections.values() for name in _names(one["sql"])}
        told = {
            "run": self._session.run,
            "projections": self._projections,
            "sources": list(self._sources),
            "sql": {name: projections.get(name).sql for name in sorted(used)},
        }
        return orjson.dumps(told).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def _table(self, table: Table) -> str:
        heading = f"<p>{_text(table.caption)} <code>{_text(table.projection)}</code></p>"
        if not table.rows:
            return f'<div class="table">{heading}<p class="missing">{NOT_RECORDED}</p></div>'
        self._trace(table.projection, table.rows)
        name = f"t{next(self._numbers)}"
        said = f'aria-label="Filter: {_text(table.caption)}" placeholder="Filter"'
        search = f'<input type="search" data-table="{name}" {said}>'
        right = [column.is_number(table.rows) for column in table.columns]
        head = "".join(
            f'<th scope="col"{_right(one)}><button type="button">{_text(column.heading)}</button></th>'
            for column, one in zip(table.columns, right, strict=True)
        )
        body = "".join(
            f'<tr data-row="{self._row_of(table.projection, row)}">'
            + "".join(_cell(column, row, one) for column, one in zip(table.columns, right, strict=True))
            + "</tr>"
            for row in table.rows
        )
        terms = f'<p class="terms">Terms: {_links(table.terms)}.</p>' if table.terms else ""
        return (
            f'<div class="table" data-projection="{_text(table.projection)}">{heading}'
            f"{search if len(table.rows) > FILTERED else ''}"
            f'<div class="scroll" role="region" aria-label="{_text(table.caption)}" tabindex="0">'
            f'<table id="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{terms}</div>'
        )

    def _fields(self, fields: Fields) -> str:
        self._trace(fields.projection, tuple(self._session.rows(fields.projection)))
        pairs = "".join(
            f"<dt>{_text(label)}</dt><dd>{_told(column, shown)}</dd>" for label, column, shown in fields.pairs
        )
        return f'<dl class="fields" data-projection="{_text(fields.projection)}">{pairs}</dl>'

    def _figure(self, figure: Figure) -> str:
        drawn = figures.draw(self._session, figure.name)
        if drawn is None:
            return ""
        svg = drawn.decode()
        inside = svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{_text(figure.caption)}"', 1)
        named = re.sub(r'\b(id="|href="#|url\(#)', rf"\1{figure.name}-", inside)
        return f'<figure class="figure">{named}<figcaption>{_text(figure.caption)}</figcaption></figure>'

    def _trace(self, name: str, rows: tuple[Row, ...]) -> None:
        if name in self._projections:
            return
        every = self._session.rows(name) or list(rows)
        narrowed = bool(projections.get(name).by)
        traced = [self._places(name, [row]) for row in every] if narrowed else [self._places(name, every)]
        keys = [_key(name, row) for row in every] if narrowed else []
        self._projections[name] = {"rows": traced, "keys": keys, "sql": lineage.closure(name)}

    def _places(self, name: str, rows: list[Row]) -> list[int]:
        told = [_source(source, self._session.run) for source in lineage.sources(self._session, name, rows)]
        return [self._sources.setdefault(one, len(self._sources)) for one in told]

    def _row_of(self, name: str, row: Row) -> int:
        return next((place for place, one in enumerate(self._session.rows(name)) if one == row), 0)


def _source(source: lineage.Source, run: str) -> str:
    of = "" if source.run == run else f" of {source.run}"
    began = f": {source.first}" if source.events else ""
    which = "" if source.where == "true" else f" where {source.where}"
    between = f" to {source.last}" if source.events > 1 else ""
    return sanitize(f"{source.events:,} in {source.table}{of}{which}{began}{between}")


def _key(name: str, row: Row) -> str:
    """The options of `asd why` that pick out `row`."""
    columns = dict.fromkeys(column for some in projections.get(name).by.values() for column in some if column in row)
    told = [
        f"{column}={row[column]:g}" if isinstance(row[column], float) else f"{column}={row[column]}"
        for column in columns
    ]
    return sanitize("".join(f" --where {shlex.quote(one)}" for one in told))


def _cell(column: Column, row: Row, right: bool) -> str:
    shown = column.cell(row)
    value = row.get(column.name)
    number = f' data-value="{value!r}"' if isinstance(value, int | float) and not isinstance(value, bool) else ""
    long = ' class="long"' if len(shown) > LONG else ""
    return f"<td{long or _right(right)}{number}>{_told(column.name, shown)}</td>"


def _told(column: str, shown: str) -> str:
    """A value: a button where it holds a number, so that it can be asked where it comes from."""
    if shown == NOT_RECORDED:
        return f'<span class="missing">{NOT_RECORDED}</span>'
    if not any(char.isdigit() for char in shown) or len(shown) > LONG:
        return _text(shown)
    return f'<button type="button" data-column="{_text(column)}">{_text(shown)}</button>'


def _right(right: bool) -> str:
    return ' class="right"' if right else ""


def _text(text: str) -> str:
    return escape(sanitize(text))


def _links(terms: tuple[str, ...]) -> str:
    return ", ".join(f'<a href="#term-{anchor(term)}">{_text(term)}</a>' for term in terms)


def _names(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
