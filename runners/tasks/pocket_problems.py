"""Pocket problems: graded problems made by code from a seed, in three splits that cannot overlap.

Four families of five levels each. A problem's split is a function of its prompt alone (a hash), so no
prompt of one split can ever be drawn in another, whatever the seed.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal, get_args

from asd.core.errors import UsageError

Split = Literal["train", "fit", "test"]
Family = Literal["add", "chain", "sort", "pick"]

SPLITS: tuple[Split, ...] = get_args(Split)
FAMILIES: tuple[Family, ...] = get_args(Family)
LEVELS = (1, 2, 3, 4, 5)

ADD_DIGITS = {1: (2, 2), 2: (3, 2), 3: (3, 3), 4: (4, 3), 5: (4, 4)}
HASH_CLASSES = 256
TEST_CLASSES = 26
FIT_CLASSES = 26
MOST_PER_CELL = 900
"""What every family and level can give of `fit` and `test`: the smallest has 10,000 prompts, 998 of them in `fit`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: `prompt` ends in `=`, `answer` is what must follow it, character by character."""

    id: str
    family: Family
    level: int
    prompt: str
    answer: str


def split_of(prompt: str) -> Split:
    """The one split that `prompt` belongs to: about 10 % test, 10 % fit, the rest train."""
    bucket = hashlib.blake2b(prompt.encode(), digest_size=1).digest()[0]
    if bucket < TEST_CLASSES:
        return "test"
    return "fit" if bucket < TEST_CLASSES + FIT_CLASSES else "train"


def problems(split: Split, per_cell: int, seed: int) -> list[Problem]:
    """`per_cell` different problems of every family and level, in that order, all from `split`.

    The same arguments give the same list; a larger `per_cell` keeps the problems of a smaller one. Raises
    `UsageError` above `MOST_PER_CELL`.
    """
    if per_cell > MOST_PER_CELL:
        raise UsageError(f"{per_cell} problems of each kind are too many; ask for at most {MOST_PER_CELL}")
    return [p for f in FAMILIES for n in LEVELS for p in islice(_cell(split, f, n, seed), per_cell)]


def stream(split: Split, seed: int, weights: Mapping[Family, float]) -> Iterator[tuple[str, str]]:
    """Endless (prompt, answer) pairs of `split`: families drawn by `weights`, levels evenly."""
    rng = random.Random(f"stream/{split}/{seed}")
    families, shares = list(weights), list(weights.values())
    while True:
        family = rng.choices(families, shares)[0]
        prompt, answer = draw(family, rng.choice(LEVELS), rng)
        if split_of(prompt) == split:
            yield prompt, answer


def _cell(split: Split, family: Family, level: int, seed: int) -> Iterator[Problem]:
    rng = random.Random(f"{split}/{family}/{level}/{seed}")
    seen: set[str] = set()
    while True:
        prompt, answer = draw(family, level, rng)
        if prompt not in seen and split_of(prompt) == split:
            yield Problem(f"{family}-{level}-{split}-{seed}-{len(seen):05d}", family, level, prompt, answer)
            seen.add(prompt)


def draw(family: Family, level: int, rng: random.Random) -> tuple[str, str]:
    """One (prompt, answer) of a family and level (1 to 5), from any split.

    Every family and level has at least 10,000 different prompts.
    """
    return _MAKERS[family](level, rng)


def _number(digits: int, rng: random.Random) -> int:
    return rng.randrange(10 ** (digits - 1), 10**digits)


def _add(level: int, rng: random.Random) -> tuple[str, str]:
    """Sum or difference of two numbers, padded to four digits, never negative and below 10,000."""
    a, b = (_number(digits, rng) for digits in ADD_DIGITS[level])
    if rng.random() < 0.5 and a + b < 10_000:
        return f"{a:04d}+{b:04d}=", f"{a + b:04d}"
    a, b = max(a, b), min(a, b)
    return f"{a:04d}-{b:04d}=", f"{a - b:04d}"


def _chain(level: int, rng: random.Random) -> tuple[str, str]:
    """Sum of `level` + 3 digits, two digits long."""
    terms = [rng.randrange(10) for _ in range(level + 3)]
    return "+".join(map(str, terms)) + "=", f"{sum(terms):02d}"


def _sort(level: int, rng: random.Random) -> tuple[str, str]:
    """`level` + 3 digits in rising order."""
    digits = [str(rng.randrange(10)) for _ in range(level + 3)]
    return "sort " + "".join(digits) + "=", "".join(sorted(digits))


def _pick(level: int, rng: random.Random) -> tuple[str, str]:
    """The letter of the largest or smallest of four values; the best one is unique."""
    word, best_of = rng.choice((("max", max), ("min", min)))
    while True:
        texts, values = zip(*_options(level, rng), strict=True)
        best = best_of(values)
        if values.count(best) == 1:
            break
    options = ",".join(letter + text for letter, text in zip("ABCD", texts, strict=True))
    return f"{word} {options}=", "ABCD"[values.index(best)]


def _options(level: int, rng: random.Random) -> list[tuple[str, int]]:
    if level == 1:
        return [(str(x), x) for x in rng.sample(range(10), 4)]
    if level == 2:
        return [(str(x), x) for x in (_number(2, rng) for _ in range(4))]
    if level == 3:
        hundreds = 100 * rng.randrange(1, 10)
        return [(str(x), x) for x in (hundreds + rng.randrange(100) for _ in range(4))]
    pairs = [(rng.randrange(1, 10), rng.randrange(1, 10)) for _ in range(4)]
    if level == 4:
        return [(f"{a}+{b}", a + b) for a, b in pairs]
    return [(f"{a}*{b}", a * b) for a, b in pairs]


_MAKERS = {"add": _add, "chain": _chain, "sort": _sort, "pick": _pick}
