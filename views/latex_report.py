"""A report as a LaTeX document, as macros for a paper, and as PDF where a TeX is installed."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from asd.core.errors import AsdError, UsageError
from asd.views.digits import NOT_RECORDED
from asd.views.document import Block, Code, Column, Document, Fields, Figure, Table, Text
from asd.views.latex import latex_text, results_table
from asd.views.sentences import abstract, method, overall
from asd.views.session import Session

PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage[a4paper,margin=2cm]{geometry}
\usepackage{booktabs}
\usepackage{longtable}
\usepackage{array}
\usepackage{graphicx}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\ifdefined\pdfinfoomitdate\pdfinfoomitdate=1\fi
\ifdefined\pdftrailerid\pdftrailerid{}\fi
\ifdefined\pdfsuppressptexinfo\pdfsuppressptexinfo=-1\fi
"""
LONG = 30
"""A table with more rows than this runs over pages."""
CHARACTERS = 120
"""About as many fit on a line of a small table."""
CELL = 50
"""A longer text is cut in its middle."""
SECONDS = 300
"""What TeX is given to make a report."""


def to_latex(document: Document) -> str:
    """The whole report; it compiles with pdflatex and `-no-shell-escape`. Figures are left to `asd figures`."""
    body = [_block(block) for block in document.preface]
    for section in document.sections:
        body.append(rf"\section*{{{section.number}. {latex_text(section.title)}}}")
        body += [_block(block) for block in section.blocks]
    body.append(r"\section*{Definitions}" + "\n" + r"\begin{description}")
    body += [rf"\item[{latex_text(term)}] {latex_text(text)}" for term, text in document.terms]
    body.append(r"\item[projection] the query that a table comes from, named beside it.")
    title = rf"\title{{{latex_text(document.title)}}}" + "\n" + r"\date{}\author{}" + "\n"
    inside = "\n\n".join(part for part in body if part)
    return f"{PREAMBLE}{title}\\begin{{document}}\n\\maketitle\n{inside}\n\\end{{description}}\n\\end{{document}}\n"


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Fields():
            rows = "\n".join(rf"{latex_text(label)} & {latex_text(shown)} \\" for label, _, shown in block.pairs)
            return f"\\begin{{tabular}}{{ll}}\n{rows}\n\\end{{tabular}}"
        case Text():
            mark = r"\textbf{Warning.} " if block.warning else ""
            return mark + latex_text(block.text)
        case Code():
            return "\n".join(_code(block.text))
        case Figure():
            return ""


def _code(text: str) -> Iterator[str]:
    """Lines that may be broken anywhere: no verbatim, whose end a text could hold."""
    for line in text.splitlines():
        pieces = [latex_text(line[start : start + 12]) for start in range(0, len(line), 12)]
        yield r"{\footnotesize\ttfamily\raggedright " + r"\allowbreak{}".join(pieces) + r"\par}"


def _table(table: Table) -> str:
    heading = rf"\textbf{{{latex_text(table.caption)}}} (\texttt{{{latex_text(table.projection)}}})"
    if not table.rows:
        return f"{heading}: {NOT_RECORDED}"
    if len(table.columns) <= 3 and len(table.rows) > LONG:
        return f"{heading}\n\n{_over_pages(table)}"
    return "\n\n".join([heading, *(_part(table, columns) for columns in _parts(table))])


def _parts(table: Table) -> Iterator[tuple[Column, ...]]:
    """Columns that fit on a line together; each part after the first begins with the first column again."""
    first, *rest = table.columns
    part, used = [first], _width(first, table)
    for column in rest:
        if used + _width(column, table) > CHARACTERS and len(part) > 1:
            yield tuple(part)
            part, used = [first], _width(first, table)
        part.append(column)
        used += _width(column, table)
    yield tuple(part)


def _width(column: Column, table: Table) -> int:
    return 2 + max(len(column.heading), *(min(len(column.cell(row)), CELL) for row in table.rows))


def _part(table: Table, columns: Sequence[Column]) -> str:
    layout = "".join("r" if column.is_number(table.rows) else "l" for column in columns)
    inside = f"\\begin{{tabular}}{{{layout}}}\n{_body(table, columns)}\n\\bottomrule\n\\end{{tabular}}"
    fitted = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    return f"{{\\small {fitted}\n{inside}%\n}}}}"


def _over_pages(table: Table) -> str:
    column = r">{\raggedright\arraybackslash}p{" + f"{0.92 / len(table.columns):.2f}" + r"\linewidth}"
    body = _body(table, table.columns, "\\endhead\n")
    start = f"\\begin{{longtable}}{{{column * len(table.columns)}}}"
    return f"{{\\small{start}\n{body}\n\\bottomrule\n\\end{{longtable}}}}"


def _body(table: Table, columns: Sequence[Column], after_head: str = "") -> str:
    head = " & ".join(latex_text(column.heading) for column in columns)
    rows = "\n".join(" & ".join(_cell(column.cell(row)) for column in columns) + r" \\" for row in table.rows)
    return f"\\toprule\n{head} \\\\\n\\midrule\n{after_head}{rows}"


def _cell(text: str) -> str:
    half = CELL // 2 - 1
    return latex_text(text if len(text) <= CELL else f"{text[:half]}…{text[-half:]}")


_DIGITS = dict(zip("0123456789", ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"), strict=True))  # noqa: E501  # fmt: skip


def macro_name(*parts: str) -> str:
    """A macro's name, of letters alone: `macro_name("speedup", "gsm8k")` is `asdSpeedupGsmEightK`."""
    words = [word for part in parts for word in re.findall(r"[a-z]+|[A-Z][a-z]*|\d", part)]
    return "asd" + "".join(_DIGITS.get(word, word.capitalize()) for word in words)


def to_macros(session: Session) -> str:
    """The sentences and the results table of section 9 as macros that a paper can `\\input`."""
    lines = [rf"\newcommand{{\{name}}}{{{text}}}" for name, text in _macros(session)]
    return f"% {latex_text(session.run)}: made from its events; needs booktabs\n" + "\n".join(lines) + "\n"


def _macros(session: Session) -> Iterator[tuple[str, str]]:
    yield "asdRun", latex_text(session.run)
    yield "asdAbstract", latex_text(abstract(session))
    yield "asdMethod", latex_text(method(session))
    yield "asdResults", results_table(session)
    whole = overall(session)
    for row in session.rows("results"):
        task = "" if row is whole else str(row["task"])
        for name, digits in (("speedup", ".2f"), ("accuracy", ".3f"), ("baseline_accuracy", ".3f"),
                             ("quality_retention", ".3f"), ("samples", ",")):  # fmt: skip
            value = row[name]
            yield macro_name(name, task), f"{value:{digits}}" if isinstance(value, int | float) else NOT_RECORDED


def to_pdf(document: Document) -> bytes:
    """The LaTeX report as PDF; the same events give the same bytes with the same TeX.

    Raises `UsageError` where no TeX is installed, `AsdError` where it refuses the report.
    """
    tex = next((found for found in map(shutil.which, ("pdflatex", "tectonic")) if found), None)
    if tex is None:
        raise UsageError(
            "no TeX is installed (pdflatex or tectonic); choose --format latex or html, which can be printed"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.tex"
        file.write_text(to_latex(document), encoding="utf-8")
        flags = [] if tex.endswith("tectonic") else ["-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error"]
        fixed = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
        command = [tex, *flags, file.name]
        done = subprocess.run(command, cwd=folder, env=fixed, capture_output=True, timeout=SECONDS, check=False)
        if done.returncode:
            said = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith("!")]
            raise AsdError(f"{Path(tex).name} refused the report: {said[0] if said else 'see --format latex'}")
        return file.with_suffix(".pdf").read_bytes()
