"""Multiple choice: how choices are written, and how the letter of an answer is read."""

import re
from collections.abc import Sequence

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LEADING = re.compile(r"\s*[(*\[]{0,4}([A-Z])(?:[)*\]]{1,4}|\s*$|\s*[.:,;\n])")
_STATED = re.compile(r"(?:answer|choice|option)\s*(?:is|:)?\s*:?\s*[(*\[]{0,4}([A-Z])\b(?!')", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{(?:\\text\{)?\s*\(?([A-Z])\b")
_MARKED = re.compile(r"[(*\[]([A-Z])[)*\]]")


def listed(choices: Sequence[str]) -> str:
    """The choices a line each: `A. first`, `B. second`, …"""
    return "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=False))


def chosen_letter(text: str, count: int) -> str | None:
    """The letter that an answer chooses among `count`, or None.

    In this order: the letter that the text begins with; the last one after "answer is", "answer:" or the like; the
    last in a box; the last in brackets or asterisks. A letter beyond the choices is none.
    """
    allowed = LETTERS[:count]
    leading = _LEADING.match(text)
    found = [leading[1]] if leading else []
    for pattern in (_STATED, _BOXED, _MARKED):
        found += [match.upper() for match in pattern.findall(text)[-1:]]
    return next((letter for letter in found if letter in allowed), None)


def chosen_letters(text: str, count: int) -> str | None:
    """All letters that an answer names, sorted ("ACD"): those of its last line that lists letters; else None."""
    allowed = set(LETTERS[:count])
    for line in reversed(text.strip().splitlines()):
        after = re.split(r"(?i)answers?\s*(?:is|are|:)", line)[-1]
        words = re.findall(r"[A-Za-z]+", after)
        letters = [word for word in words if word in allowed]
        if letters and len(letters) == sum(word.lower() != "and" for word in words):
            return "".join(sorted(set(letters)))
    return None
