"""A report as a LaTeX document, as macros for a paper, and as PDF where a TeX is installed."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from asd.core.errors import AsdError, UsageError
from asd.views import figures
from asd.views.digits import NOT_RECORDED
from asd.views.document import Block, Code, Column, Document, Fields, Figure, Language, Table, Text
from asd.views.latex import latex_text, results_table
from asd.views.sanitize import sanitize
from asd.views.sentences import abstract, method, overall
from asd.views.session import Session

PREAMBLE = r"""\documentclass[10pt]{article}
FONTS
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
\ifdefined\pdfvariable\pdfvariable suppressoptionalinfo 1023\relax\fi
"""
FONTS = {
    "en": r"""\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}""",
    "ja": r"""\usepackage{iftex}
\ifluatex\else\PackageError{asd}{This report needs lualatex}{pdflatex has no Japanese fonts.}\fi
\usepackage{luatexja}""",
}
"""What the languages need to be printed: Latin letters alone, or Japanese ones too."""
TEX = {"en": ("pdflatex", "tectonic"), "ja": ("lualatex",)}
"""Which TeX prints them, the first that is there."""
LONG = 30
"""A table with more rows than this runs over pages."""
CHARACTERS = 120
"""About as many fit on a line of a small table."""
CELL = 50
"""A longer text is cut in its middle."""
SECONDS = 300
"""What TeX is given to make a report."""


def to_latex(document: Document, language: Language = "en") -> str:
    """The whole report; it compiles with `-no-shell-escape`, by pdflatex, in Japanese by lualatex.

    Figures are taken from `figures/NAME.pdf` beside it, as `asd figures -o figures --format pdf` writes them.
    """
    return _Writer(language).document(document)


class _Writer:
    """Blocks as LaTeX; wide characters stand as they are where the language has the fonts for them."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.text = partial(latex_text, wide=language == "ja")

    def document(self, document: Document) -> str:
        """The file."""
        text = self.text
        body = [self.block(block) for block in document.preface]
        for section in document.sections:
            body.append(rf"\section*{{{section.number}. {text(section.title)}}}")
            body += [self.block(block) for block in section.blocks]
        body.append(r"\section*{Definitions}" + "\n" + r"\begin{description}")
        body += [rf"\item[{text(term)}] {text(meaning)}" for term, meaning in document.terms]
        body.append(r"\item[projection] the query that a table comes from, named beside it.")
        title = rf"\title{{{text(document.title)}}}" + "\n" + r"\date{}\author{}" + "\n"
        inside = "\n\n".join(part for part in body if part)
        preamble = PREAMBLE.replace("FONTS", FONTS[self.language])
        return f"{preamble}{title}\\begin{{document}}\n\\maketitle\n{inside}\n\\end{{description}}\n\\end{{document}}\n"

    def block(self, block: Block) -> str:
        """One block; a figure that was not drawn is left out."""
        text = self.text
        match block:
            case Table():
                return self.table(block)
            case Fields():
                rows = "\n".join(rf"{text(label)} & {text(shown)} \\" for label, _, shown in block.pairs)
                return f"\\begin{{tabular}}{{ll}}\n{rows}\n\\end{{tabular}}"
            case Text():
                mark = r"\textbf{Warning.} " if block.warning else ""
                return mark + text(block.text)
            case Code():
                return "\n".join(self.code(block.text))
            case Figure():
                file = f"figures/{block.name}.pdf"
                shown = rf"\includegraphics[width=\linewidth,height=0.4\textheight,keepaspectratio]{{{file}}}"
                said = rf"\par{{\footnotesize {text(block.caption)}}}"
                return rf"\IfFileExists{{{file}}}{{\begin{{center}}{shown}{said}\end{{center}}}}{{}}"

    def code(self, code: str) -> Iterator[str]:
        """Lines that may be broken anywhere: no verbatim, whose end a text could hold."""
        for line in code.splitlines():
            pieces = [self.text(line[start : start + 12]) for start in range(0, len(line), 12)]
            yield r"{\footnotesize\ttfamily\raggedright " + r"\allowbreak{}".join(pieces) + r"\par}"

    def table(self, table: Table) -> str:
        """A table under its caption, in parts where it is wider than a page."""
        heading = rf"\textbf{{{self.text(table.caption)}}} (\texttt{{{self.text(table.projection)}}})"
        if not table.rows:
            return f"{heading}: {NOT_RECORDED}"
        if len(table.columns) <= 3 and len(table.rows) > LONG:
            return f"{heading}\n\n{self.over_pages(table)}"
        return "\n\n".join([heading, *(self.part(table, columns) for columns in _parts(table))])

    def part(self, table: Table, columns: Sequence[Column]) -> str:
        """Some columns, made smaller where they would not fit."""
        layout = "".join("r" if column.is_number(table.rows) else "l" for column in columns)
        inside = f"\\begin{{tabular}}{{{layout}}}\n{self.body(table, columns)}\n\\bottomrule\n\\end{{tabular}}"
        fitted = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
        return f"{{\\small {fitted}\n{inside}%\n}}}}"

    def over_pages(self, table: Table) -> str:
        """A long table that goes on over pages."""
        column = r">{\raggedright\arraybackslash}p{" + f"{0.92 / len(table.columns):.2f}" + r"\linewidth}"
        body = self.body(table, table.columns, "\\endhead\n")
        start = f"\\begin{{longtable}}{{{column * len(table.columns)}}}"
        return f"{{\\small{start}\n{body}\n\\bottomrule\n\\end{{longtable}}}}"

    def body(self, table: Table, columns: Sequence[Column], after_head: str = "") -> str:
        """Head and rows."""
        head = " & ".join(self.text(column.heading) for column in columns)
        rows = "\n".join(" & ".join(self.cell(column.cell(row)) for column in columns) + r" \\" for row in table.rows)
        return f"\\toprule\n{head} \\\\\n\\midrule\n{after_head}{rows}"

    def cell(self, told: str) -> str:
        """A cell, cut in its middle where it is long."""
        half = CELL // 2 - 1
        return self.text(told if len(told) <= CELL else f"{told[:half]}…{told[-half:]}")


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


_DIGITS = dict(zip("0123456789", ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"), strict=True))  # noqa: E501  # fmt: skip


def macro_name(*parts: str) -> str:
    """A macro's name, of letters alone: `macro_name("speedup", "gsm8k")` is `asdSpeedupGsmEightK`."""
    words = [word for part in parts for word in re.findall(r"[a-z]+|[A-Z][a-z]*|\d", part)]
    return "asd" + "".join(_DIGITS.get(word, word.capitalize()) for word in words)


def to_macros(session: Session) -> str:
    """The sentences and the results table of section 9 as macros that a paper can `\\input`."""
    lines = [rf"\newcommand{{\{name}}}{{{text}}}" for name, text in _macros(session)]
    heads = [f"% {line}" for _, note in session.signed.items() for line in sanitize(note, newlines=True).split("\n")]
    return "\n".join([f"% {latex_text(session.run)}: made from its events; needs booktabs", *heads, *lines]) + "\n"


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


def to_pdf(document: Document, session: Session, language: Language = "en") -> bytes:
    """The LaTeX report as PDF, with its figures; the same events give the same bytes with the same TeX.

    Raises `UsageError` where no TeX for the language is installed, `AsdError` where it refuses the report.
    """
    tex = next((found for found in map(shutil.which, TEX[language]) if found), None)
    if tex is None:
        raise UsageError(
            f"no TeX is installed ({' or '.join(TEX[language])}); choose --format latex or html, which can be printed"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.tex"
        file.write_text(to_latex(document, language), encoding="utf-8")
        _draw(session, Path(folder) / "figures")
        flags = [] if tex.endswith("tectonic") else ["-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error"]
        fixed = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
        command = [tex, *flags, file.name]
        done = subprocess.run(command, cwd=folder, env=fixed, capture_output=True, timeout=SECONDS, check=False)
        if done.returncode:
            raise AsdError(f"{Path(tex).name} refused the report: {_refusal(done.stdout.decode('utf-8', 'replace'))}")
        return file.with_suffix(".pdf").read_bytes()


def _draw(session: Session, folder: Path) -> None:
    folder.mkdir()
    for name in figures.NAMES:
        drawn = figures.draw(session, name, "pdf")
        if drawn is not None:
            (folder / f"{name}.pdf").write_bytes(drawn)


def _refusal(said: str) -> str:
    """TeX's own first error, and for a missing package what to do."""
    first = next((line for line in said.splitlines() if line.startswith("!")), "see --format latex")
    missing = re.search(r"File `(\S+)\.sty' not found", said)
    return f"the package {missing[1]} is not installed" if missing else first
