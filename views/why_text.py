"""What `asd why` found, for people and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson

from asd.views.digits import shown
from asd.views.document import Row
from asd.views.lineage import Lineage
from asd.views.sanitize import sanitize
from asd.views.verification import in_base64

if TYPE_CHECKING:
    from asd.store.proof import Proof, StreamProof

PROVEN = 20
"""A proof of more events than this is told by its size; the file and the JSON hold all of it."""


def as_lines(run: str, found: Lineage, column: str | None, events: Mapping[str, Sequence[Row]], proof: "Proof") -> str:
    """The values, the sources, their events where they were asked for, the proof, and the SQL."""
    return "\n".join([*_lines(run, found, column, events), *_proof(proof), *_sql(found)]) + "\n"


def _lines(run: str, found: Lineage, column: str | None, events: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    for row in found.rows:
        told = {column: row[column]} if column else row
        yield sanitize(
            f"{run} {found.projection}: " + ", ".join(f"{name} = {shown(name, told[name])}" for name in told)
        )
    for other in _others(run, found):
        yield sanitize(
            f"measured by the run {other}, whose events it rests on: asd why {found.projection} --run {other}"
        )
    yield "rests on"
    for one in found.sources:
        which = "" if one.where == "true" else f" where {one.where}"
        between = f": {one.first} to {one.last}" if one.events > 1 else f": {one.first}" if one.events else ""
        yield sanitize(f"  {one.events:,} event{'s' * (one.events != 1)} in {one.table}{which}{between}")
        for event in events.get(one.table, ()):
            yield sanitize(f"    {event['stream']} {event['seq']} {event['id']}")


def _others(run: str, found: Lineage) -> list[str]:
    """Runs that rows were taken over from, such as ablations of this one."""
    return sorted({str(row["run"]) for row in found.rows if row.get("run") not in (None, run)})


def _proof(proof: "Proof") -> Iterator[str]:
    if not proof.streams:
        yield "no proof yet: a head is signed when a file of the log is sealed, at the latest when the run ends"
        return
    names = iter(proof.events)
    yield "proof that they are in the log: from each event's hash up to the root that was signed (SHA-256, RFC 6962)"
    for stream in proof.streams:
        origin, size, root = stream.note.splitlines()[:3]
        yield sanitize(f"  {origin}: {int(size):,} events, root {root}, signed by {stream.signer}")
        if len(stream.lines) > PROVEN:
            yield f"    {len(stream.lines):,} events by {_steps(stream):,} hashes; --proof FILE or --json gives them"
            continue
        for line in stream.lines:
            yield sanitize(f"    {line.seq} {next(names)}")
            path = [in_base64(step) for step in line.path]
            yield from ("      " + " ".join(path[at : at + 2]) for at in range(0, len(path), 2))


def _steps(stream: "StreamProof") -> int:
    return sum(len(line.path) for line in stream.lines)


def _sql(found: Lineage) -> Iterator[str]:
    for name, sql in found.sql.items():
        yield f"-- {name}.sql"
        yield sanitize(sql.rstrip(), newlines=True)


def as_json_text(
    run: str, found: Lineage, column: str | None, events: Mapping[str, Sequence[Row]], proof: "Proof"
) -> str:
    """The same as one object; `list` is empty unless the events were asked for, `proof` is what `asd prove` writes."""
    told = {
        "run": run,
        "projection": found.projection,
        "column": column,
        "rows": [{column: row[column]} if column else row for row in found.rows],
        "measured_by": _others(run, found),
        "rests_on": [{**asdict(one), "list": events.get(one.table, [])} for one in found.sources],
        "proof": proof.model_dump(),
        "sql": found.sql,
    }
    return orjson.dumps(told, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
