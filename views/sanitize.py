"""Text that others wrote, made safe to show: what a model answers can hold anything."""

import re

from rich.text import Text

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"  # bidi, zero width
    "\ud800-\udfff"  # halves of pairs
    "\U000e0000-\U000e0fff]"  # tags and variation selectors
)


def sanitize(text: str, *, newlines: bool = False) -> str:
    """`text` with control characters, ANSI escapes, bidi and invisible marks written out (`\\x1b`, `\\u202e`).

    Newlines and tabs stay only with `newlines`; else they are written out too, so that a cell keeps its line.
    """
    shown = _HIDDEN.sub(lambda found: _written(found[0]), text)
    return shown if newlines else shown.replace("\n", "\\n").replace("\t", "\\t")


def _written(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe(text: str) -> Text:
    """`text` as Rich text: sanitized, and never read as markup."""
    return Text(sanitize(text))
