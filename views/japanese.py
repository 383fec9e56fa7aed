"""The report's fixed words in Japanese: headings of columns, captions, labels, and sentences without figures in them.

Names, values and sentences that are put together from figures stay as they are, and so do the glossary's terms.
"""

from dataclasses import replace
from importlib.resources import files

from asd.views.document import Block, Fields, Figure, Table, Text

_FILE = files("asd.views") / "templates" / "report.ja.txt"
WORDS = dict(line.split("|") for line in _FILE.read_text(encoding="utf-8").splitlines())
"""From English to Japanese."""
KEPT = frozenset(("λ", "p", "GPUs", "Cohen's h", "95 % HDI", "95 %", "99 %", "Brier", "AUROC", "ECE (10 bins)", "GPU"))
"""What is written the same."""


def in_japanese(block: Block) -> Block:
    """The block with its fixed words in Japanese."""
    match block:
        case Table():
            columns = tuple(replace(one, heading=_said(one.heading)) for one in block.columns)
            return replace(block, caption=_said(block.caption), columns=columns)
        case Fields():
            return replace(block, pairs=tuple((_said(label), name, shown) for label, name, shown in block.pairs))
        case Text():
            return replace(block, text=_said(block.text))
        case Figure():
            return replace(block, caption=_said(block.caption))
        case _:
            return block


def _said(text: str) -> str:
    return WORDS.get(text, text)
