"""Numbers and stated calculations ('3 * 60 = 180') found in text, and whether the calculations are right."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

# Lengths are bounded because model output is hostile: '9' * 100000 must cost no more than any other text.
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,12})?(?![\d])")
_TERM = r"\d{1,15}(?:\.\d{0,12})?|\.\d{1,12}"
_STEP = re.compile(
    rf"((?:{_TERM})(?:\s{{0,3}}[-+*/x×÷]\s{{0,3}}(?:{_TERM})){{1,8}})\s{{0,3}}=\s{{0,3}}\$?(-?(?:{_TERM}))"
)
_PIECE = re.compile(rf"{_TERM}|[-+*/x×÷]")
_LONGEST = 20_000


@dataclass(frozen=True)
class Calculation:
    """A calculation that a text states: its operands, the result it gives, and whether that is right."""

    operands: tuple[float, ...]
    stated: float
    is_right: bool


def number(text: str) -> float | None:
    """The number that `text` is, after currency signs, commas, spaces and a final dot or % go; else None."""
    plain = text.strip().lstrip("$€£¥").rstrip(".%").replace(",", "").strip()
    if not re.fullmatch(r"-?(?:\d{1,15}(?:\.\d{0,12})?|\.\d{1,12})", plain):
        return None
    return float(plain)


@lru_cache(maxsize=4096)
def numbers(text: str) -> tuple[float, ...]:
    """All numbers in `text`, in order of appearance (of its first 20,000 characters)."""
    return tuple(float(match.replace(",", "")) for match in _NUMBER.findall(text[:_LONGEST]))


@lru_cache(maxsize=4096)
def calculations(text: str) -> tuple[Calculation, ...]:
    """All calculations with +, -, * and / that `text` states, in order (of its first 20,000 characters)."""
    plain = text[:_LONGEST].replace(",", "").replace("$", "")
    return tuple(_calculation(left, right) for left, right in _STEP.findall(plain))


def _calculation(left: str, right: str) -> Calculation:
    pieces = _PIECE.findall(left)
    operands = tuple(float(piece) for piece in pieces[0::2])
    stated, true = float(right), _evaluate(operands, pieces[1::2])
    right_enough = true is not None and abs(true - stated) <= 0.011 * max(1.0, abs(true) * 0.01)
    return Calculation(operands, stated, right_enough)


def _evaluate(operands: tuple[float, ...], operators: list[str]) -> float | None:
    """The value by the usual precedence, or None for a division by zero."""
    terms, signs = [operands[0]], [1.0]
    for operator, operand in zip(operators, operands[1:], strict=True):
        if operator in _SCALE:
            if operator in "/÷" and operand == 0:
                return None
            terms[-1] = _SCALE[operator](terms[-1], operand)
        else:
            terms.append(operand)
            signs.append(1.0 if operator == "+" else -1.0)
    return sum(sign * term for sign, term in zip(signs, terms, strict=True))


def _multiply(a: float, b: float) -> float:
    return a * b


def _divide(a: float, b: float) -> float:
    return a / b


_SCALE: dict[str, Callable[[float, float], float]] = {
    "*": _multiply,
    "x": _multiply,
    "×": _multiply,
    "/": _divide,
    "÷": _divide,
}
