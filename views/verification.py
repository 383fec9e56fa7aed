"""What a check of a log found, for people and as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson

from asd.views.sanitize import sanitize

if TYPE_CHECKING:
    from asd.store.completeness import Completeness
    from asd.store.proof import Proven
    from asd.store.verify import StreamCheck, Verification


def as_lines(found: "Verification") -> str:
    """A line a stream, then a line a problem, then the verdict."""
    lines = [
        f"{one.stream}: {one.events} events in {one.commits} commits, {one.sealed_files} sealed and {one.hot_files} "
        f"hot files, root {one.root[:16]}…"
        for one in found.streams
    ]
    lines += [f"{one.stream}: {count} events of unknown kind or version {kind}, kept as they are"
              for one in found.streams for kind, count in sorted(one.unknown.items())]  # fmt: skip
    lines += [f"{one.stream}: {one.torn_bytes} bytes after the last commit, of a write that was interrupted"
              for one in found.streams if one.torn_bytes]  # fmt: skip
    lines += [f"{one.file}: event {one.event}, byte {one.offset}: {one.what}" for one in found.problems]
    lines += [f"{one.stream}: {_signed(one)}" for one in found.streams if one.sealed_files]
    said = "nothing is wrong" if found.ok else f"{len(found.problems)} found wrong"
    lines.append(f"{found.run}: {said}")
    return "\n".join(sanitize(line) for line in lines) + "\n"


def as_json_text(found: "Verification") -> str:
    """Everything that was found."""
    shown = {
        "run": found.run,
        "ok": found.ok,
        "events": found.events,
        "streams": [asdict(one) for one in found.streams],
    }
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _signed(one: "StreamCheck") -> str:
    keys = ", ".join(signer[:12] for signer in one.signers)
    said = f"{one.signed_heads} signed heads by the key {keys}" if one.signed_heads else "no signed head"
    return said + (f", {one.unsigned_files} files without one" if one.unsigned_files else "")


def proof_as_lines(found: "Proven") -> str:
    """A line an event, a line a head, then what was shown."""
    lines = [f"{one.run} {one.stream} {one.seq}: {one.kind} {one.subject or ''}" for one in found.records]
    lines += [f"{head.origin}: {head.size} events, root {head.root.hex()[:16]}…" for head in found.heads]
    lines += [f"signed by {signer}" for signer in found.signers]
    lines.append(f"{found.subject}: {len(found.records)} events are in the log, as they are here")
    return "\n".join(sanitize(line) for line in lines) + "\n"


def proof_as_json(found: "Proven") -> str:
    """What a proof shows, the events with their data."""
    shown = {
        "subject": found.subject,
        "signers": found.signers,
        "heads": [{"origin": head.origin, "size": head.size, "root": head.root.hex()} for head in found.heads],
        "events": [
            {"run": one.run, "stream": one.stream, "seq": one.seq, "time": one.time, "id": one.id, "data": one.json}
            for one in found.records
        ],
    }
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def ledger_as_lines(found: "Completeness") -> str:
    """A line a unit, then what is missing by name, then the verdict."""
    lines = [f"{one.unit}: {one.done} done and {one.failed} failed of {one.planned} planned" for one in found.units]
    for one in found.units:
        lines += [f"missing: {one.unit} {name}" for name in one.missing]
    if not found.planned:
        lines.append("this run announced no plan")
    lines.append("complete" if found.complete else "not complete; asd-runner resume goes on with it")
    return "\n".join(sanitize(line) for line in lines) + "\n"


def ledger_as_json(found: "Completeness") -> str:
    """The ledger."""
    shown = {"complete": found.complete, "planned": found.planned, "units": [asdict(one) for one in found.units]}
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
