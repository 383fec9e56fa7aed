"""What `asd why` found, for people and as JSON."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

from asd.views import glossary, projections
from asd.views.digits import shown
from asd.views.document import Row
from asd.views.formats import to_terminal
from asd.views.lineage import Lineage, Source
from asd.views.sanitize import sanitize

if TYPE_CHECKING:
    from asd.store.proof import Proof, StreamProof


@dataclass(frozen=True, slots=True)
class Why:
    """A question with its answer: of the run `run`, the `column` (None: all) of the rows found, the events listed of
    each source, and by run the proof that they are in its log."""

    run: str
    found: Lineage
    column: str | None
    listed: Mapping[Source, Sequence[Row]]
    proofs: Mapping[str, "Proof"]


def as_lines(told: Why, width: int, *, sql: bool = False) -> str:
    """The values with what they mean, the sources, their events where they were asked for, the proof, the query."""
    lines = [*_values(told, width), *_meaning(told, width), *_sources(told, width), *_proofs(told, width)]
    return "\n".join([*lines, *(_sql(told.found) if sql else ())]) + "\n"


def _values(told: Why, width: int) -> Iterator[str]:
    rows, keys = told.found.rows, told.found.keys
    yield from _wrapped(f"run {told.run}", width)
    names = [*(one for one in keys if one != told.column), told.column] if told.column else list(rows[0])
    if told.column and len(rows) == 1:
        of = ", ".join(f"{name} = {shown(name, rows[0][name])}" for name in names[:-1])
        value = f"{told.found.projection}.{told.column} = {shown(told.column, rows[0][told.column])}"
        yield from _wrapped(value + (f"  ({of})" if of else ""), width)
        return
    yield f"{told.found.projection}"
    yield to_terminal(names, [{name: row[name] for name in names} for row in rows], width=width, color=False).rstrip()


def _meaning(told: Why, width: int) -> Iterator[str]:
    """The definitions of the column's words, what the table answers, and where its query stands."""
    yield ""
    for term, text in glossary.within(told.column or ""):
        yield from _wrapped(f"{term}: {text}", width)
    yield from _wrapped(projections.get(told.found.projection).answers, width)
    first, *others = (f"{name}.sql" for name in told.found.sql)
    uses = f", which uses {', '.join(others)}" if others else ""
    yield from _wrapped(f"query: {first}{uses}; --sql prints it", width)


INDENT = " " * 9


def _sources(told: Why, width: int) -> Iterator[str]:
    for run in told.found.runs:
        of = "" if run == told.run else f" of the run {run}"
        yield ""
        yield from _wrapped(f"rests on these events{of}", width)
        for one, events in told.found.of(told.listed, run).items():
            if not one.events:
                continue
            ends = f": {one.first} to {one.last}" if one.events > 1 else f": {one.first}"
            yield from _wrapped(f"{one.events:>8,} {one.table}{ends}", width, INDENT)
            if one.where != "true":
                yield from _wrapped(f"{INDENT}where {one.where}", width, INDENT)
            yield from (sanitize(f"{INDENT}{row['stream']} {row['seq']} {row['id']}") for row in events)


def _proofs(told: Why, width: int) -> Iterator[str]:
    yield ""
    for run, proof in told.proofs.items():
        for stream in proof.streams:
            yield from _proof(stream, width)
        if not proof.streams:
            unsigned = f"no proof yet for {run}: a head is signed when a file of the log is sealed, at the latest when"
            yield from _wrapped(f"{unsigned} the run ends", width)
    if any(proof.streams for proof in told.proofs.values()):
        more = "" if any(told.listed.values()) else "; --events lists and proves every event"
        yield from _wrapped(f"--proof FILE or --json gives the hashes{more}", width)


def _proof(stream: "StreamProof", width: int) -> Iterator[str]:
    origin, size, root = stream.note.splitlines()[:3]
    steps, many = sum(len(line.path) for line in stream.lines), len(stream.lines)
    yield from _wrapped(
        f"inclusion proof: {many:,} event{'s' * (many != 1)} by {steps:,} hashes (SHA-256, RFC 6962), checked", width
    )
    for label, value in (("log", f"{origin}, {int(size):,} events"), ("root", root), ("signed by", stream.signer)):
        yield from _wrapped(f"  {label:<9}  {value}", width, "    ")


def _sql(found: Lineage) -> Iterator[str]:
    for name, sql in found.sql.items():
        yield f"\n-- {name}.sql"
        yield sanitize(sql.rstrip(), newlines=True)


def _wrapped(text: str, width: int, hang: str = "  ") -> list[str]:
    """`text` in lines of `width`; all but the first are set in by `hang`."""
    return textwrap.wrap(sanitize(text), max(width, 20), subsequent_indent=hang, break_on_hyphens=False)


def as_json_text(told: Why, proof: "Proof") -> str:
    """The same as one object; `list` is empty unless the events were asked for, `proof` is what `asd prove` writes."""
    column = told.column
    made = {
        "run": told.run,
        "projection": told.found.projection,
        "column": column,
        "rows": [{column: row[column]} if column else row for row in told.found.rows],
        "measured_by": [run for run in told.found.runs if run != told.run],
        "rests_on": [{**asdict(one), "list": events} for one, events in told.listed.items()],
        "proof": proof.model_dump(),
        "sql": told.found.sql,
    }
    return orjson.dumps(made, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
