"""Sub-ladders: which stages can be left out, and what is known of an answer when they are."""

from itertools import combinations

Ladder = tuple[int, ...]
"""Stages by number, in the order in which they run."""


def full_ladder(stages: int) -> Ladder:
    """Every stage."""
    return tuple(range(stages))


def sub_ladders(stages: int) -> tuple[Ladder, ...]:
    """All 2ⁿ − 1 ladders that can be made of `stages` stages, the short ones first."""
    every = range(stages)
    return tuple(ladder for size in range(1, stages + 1) for ladder in combinations(every, size))


def prefixes(ladder: Ladder) -> tuple[Ladder, ...]:
    """What has run after each stage of `ladder`."""
    return tuple(ladder[: end + 1] for end in range(len(ladder)))
