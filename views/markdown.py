"""A report as Markdown."""

from collections.abc import Iterator

from asd.views.document import Block, Code, Document, Fields, Figure, Section, Table, Text
from asd.views.formats import markdown_text
from asd.views.glossary import anchor
from asd.views.sanitize import sanitize

GLOSSARY = "docs/glossary.md"


def to_markdown(document: Document) -> str:
    """The whole report; the definitions that its tables use stand at its end and are linked to the glossary."""
    parts = [f"# {markdown_text(document.title)}", *(_block(block) for block in document.preface)]
    for section in document.sections:
        parts += _section(section)
    parts.append("## Definitions")
    parts.append("\n".join(f"- [{term}]({GLOSSARY}#{anchor(term)}): {text}" for term, text in document.terms))
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.number}. {section.title}"
    for block in section.blocks:
        yield _block(block)


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Fields():
            return "\n".join(f"- {label}: {markdown_text(value)}" for label, _, value in block.pairs)
        case Text():
            return f"> **Warning.** {markdown_text(block.text)}" if block.warning else markdown_text(block.text)
        case Code():
            return _code(block)
        case Figure():
            return ""


def _table(table: Table) -> str:
    caption = f"**{markdown_text(table.caption)}** (`{table.projection}`)"
    if not table.rows:
        return f"{caption}: not recorded"
    lines = [
        _line([markdown_text(column.heading) for column in table.columns]),
        _line(["---:" if column.is_number(table.rows) else "---" for column in table.columns]),
    ]
    lines += [_line([markdown_text(column.cell(row)) for column in table.columns]) for row in table.rows]
    terms = ", ".join(f"[{term}]({GLOSSARY}#{anchor(term)})" for term in table.terms)
    return "\n".join([f"{caption}", "", *lines, *(["", f"Terms: {terms}."] if terms else [])])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _code(code: Code) -> str:
    """A fenced block whose fence is longer than any run of backticks inside."""
    text = sanitize(code.text, newlines=True)
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{code.language}\n{text}\n{fence}"
