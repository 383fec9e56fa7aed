"""LaTeX, escaped by its own rules; tables in booktabs."""

import re
from unicodedata import east_asian_width

from asd.views.digits import p_value
from asd.views.document import Row
from asd.views.sanitize import sanitize
from asd.views.session import Session

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{char: "\\" + char for char in "&%$#_{}"},
    "λ": r"$\lambda$",
    "×": r"$\times$",
    "−": r"$-$",
    "÷": r"$\div$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "Σ": r"$\Sigma$",
    "°": r"$^\circ$",
    "–": "--",
    "…": r"\ldots{}",
}
_SPECIAL = re.compile("|".join(re.escape(char) for char in _ESCAPES))


def latex_text(text: str, *, wide: bool = False) -> str:
    """`text` so that LaTeX prints it as it is; what plain LaTeX cannot print is written as its code point.

    With `wide`, Chinese, Japanese and Korean characters stay: the document has fonts for them.
    """
    escaped = _SPECIAL.sub(lambda found: _ESCAPES[found[0]], sanitize(text))
    return "".join(char if ord(char) < 0x250 or (wide and _is_wide(char)) else _code_point(char) for char in escaped)


def _is_wide(char: str) -> bool:
    return east_asian_width(char) in "WF" and ord(char) < 0x1F000


def _code_point(char: str) -> str:
    return rf"\texttt{{U+{ord(char):04X}}}"


def results_table(session: Session) -> str:
    """The main table of the results, for `\\input` with the package booktabs."""
    rows = session.rows("results")
    body = "\n".join(_row(row) for row in rows if row["task"] != "all")
    last = "".join(f"\\midrule\n{_row(row)}\n" for row in rows if row["task"] == "all")
    return (
        "\\begin{tabular}{lrrrrrrr}\n\\toprule\n"
        "Dataset & $n$ & Baseline & Ours & Speedup & Retention & $p$ & Effect \\\\\n\\midrule\n"
        f"{body}\n{last}\\bottomrule\n\\end{{tabular}}"
    )


def _row(row: Row) -> str:
    cells = (
        latex_text(str(row["task"])),
        f"{row['samples']}",
        _number(row["baseline_accuracy"], ".3f"),
        _number(row["accuracy"], ".3f"),
        _number(row["speedup"], ".2f") + r"$\times$",
        _number(row["quality_retention"], ".3f"),
        "$" + p_value(row["p_value"]) + "$" if isinstance(row["p_value"], float) else "--",
        _number(row["effect_size"], ".3f"),
    )
    return " & ".join(cells) + r" \\"


def _number(value: object, digits: str) -> str:
    return f"{value:{digits}}".replace("-", "$-$") if isinstance(value, float | int) else "--"
