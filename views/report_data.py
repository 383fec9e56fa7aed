"""The report for programs: every table as rows, as one JSON object or one long CSV."""

from collections.abc import Iterator

import orjson

from asd.core.version import VERSION
from asd.views.document import Block, Document, Fields, Row, Section, Table, Text
from asd.views.formats import rows_of, to_csv
from asd.views.session import Session

COLUMNS = ("section", "projection", "row", "column", "value")


def report_json(document: Document, session: Session) -> str:
    """One object: the texts by section, each projection as an array of rows, definitions, and the signed heads."""
    told = {
        "run": session.run,
        "title": document.title,
        "asd_version": VERSION,
        "preface": _texts(document.preface),
        "sections": [_section(section) for section in document.sections],
        "projections": {name: rows_of(session.table(name)) for name in _names(document)},
        "definitions": dict(document.terms),
        "signed_heads": session.signed,
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def report_csv(document: Document, session: Session) -> str:
    """A line a cell: section, projection, row (from 1), column, value; then a line for each signed head."""
    return to_csv(COLUMNS, _cells(document, session))


def _cells(document: Document, session: Session) -> Iterator[Row]:
    told: set[str] = set()
    for section in document.sections:
        for name in dict.fromkeys(_projections(section)):
            if name not in told:
                told.add(name)
                yield from _rows(section.number, name, rows_of(session.table(name)))
    for stream, note in session.signed.items():
        yield dict(zip(COLUMNS, (10, "signed_heads", 1, stream, note), strict=True))


def _rows(section: int, name: str, rows: list[Row]) -> Iterator[Row]:
    for place, row in enumerate(rows, 1):
        for column, value in row.items():
            yield dict(zip(COLUMNS, (section, name, place, column, value), strict=True))


def _section(section: Section) -> Row:
    return {
        "number": section.number,
        "title": section.title,
        "projections": list(dict.fromkeys(_projections(section))),
        "texts": _texts(section.blocks),
    }


def _texts(blocks: tuple[Block, ...]) -> list[Row]:
    return [{"text": one.text, "warning": one.warning} for one in blocks if isinstance(one, Text)]


def _projections(section: Section) -> list[str]:
    return [block.projection for block in section.blocks if isinstance(block, Table | Fields)]


def _names(document: Document) -> list[str]:
    return list(dict.fromkeys(name for section in document.sections for name in _projections(section)))
