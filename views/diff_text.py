"""What `asd diff` found, for people and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict

import orjson

from asd.views.diff import NAMED, Difference, Flips
from asd.views.digits import p_value, shown
from asd.views.sanitize import sanitize


def as_lines(found: Difference) -> str:
    """A part for each kind of difference, also where there is none."""
    return "\n".join(sanitize(line) for line in _lines(found)) + "\n"


def _lines(found: Difference) -> Iterator[str]:
    yield f"first {found.first}, second {found.second}"
    for name, rows in found.facts.items():
        yield f"{name}: " + (f"{len(rows)} differ" if rows else "the same")
        for row in rows:
            yield f"  {row['what']}: {shown('', row['first'])} -> {shown('', row['second'])}"
    for one in found.flips:
        yield from _flipped(one)
    yield f"tables: {len(found.moved)} moved" if found.moved else "tables: the same"
    for moved in found.moved:
        alone = f", {moved.only_first} and {moved.only_second} rows of one run alone"
        columns = ", ".join(moved.columns)
        yield f"  {moved.projection}: {moved.differing:,} of {moved.cells:,} cells ({columns}){alone}"


def _flipped(one: Flips) -> Iterator[str]:
    p = "" if one.p_value is None else f", p {'' if one.p_value < 0.001 else '= '}{p_value(one.p_value)} ({one.method})"
    yield f"{one.condition}: of {one.samples:,} samples {len(one.lost)} lost, {len(one.won)} won{p}"
    for name, samples in (("lost", one.lost), ("won", one.won)):
        if samples:
            more = f" and {len(samples) - NAMED} more" if len(samples) > NAMED else ""
            yield f"  {name}: {', '.join(samples[:NAMED])}{more}"


def as_json_text(found: Difference) -> str:
    """The same as one object, every flipped sample by name."""
    return orjson.dumps(asdict(found), default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
