"""What a check of a log found, for people and as JSON."""

import base64
from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson

from asd.store.signing import own_verifier
from asd.views.sanitize import sanitize

if TYPE_CHECKING:
    from asd.store.completeness import Completeness
    from asd.store.proof import Proven
    from asd.store.verify import StreamCheck, Verification


def as_lines(found: "Verification", key: str | None = None) -> str:
    """A line a stream, then a line a problem, then who signed and the verdict. `key` is the one that was asked for."""
    lines = [line for one in found.streams for line in (f"{one.stream}: {_size(one)}", f"  root {in_base64(one.root)}")]
    lines += [f"{one.stream}: {count} events of unknown kind or version {kind}, kept as they are"
              for one in found.streams for kind, count in sorted(one.unknown.items())]  # fmt: skip
    lines += [f"{one.stream}: {one.torn_bytes:,} bytes after the last commit, of a write that was interrupted"
              for one in found.streams if one.torn_bytes]  # fmt: skip
    lines += [f"{one.file}: event {one.event}, byte {one.offset}: {one.what}" for one in found.problems]
    lines += [f"{one.stream}: {_signed(one)}" for one in found.streams]
    lines += _trust(sorted({signer for one in found.streams for signer in one.signers}), key)
    lines.append(f"{found.run}: {_verdict(found)}")
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


def _size(one: "StreamCheck") -> str:
    sealed = [_counted(one.sealed_files, "sealed file")] if one.sealed_files else []
    hot = [f"{_counted(one.hot_files, 'hot file')} ({_counted(one.commits, 'commit')})"] if one.hot_files else []
    return f"{_counted(one.events, 'event')} in {' and '.join(sealed + hot) or 'no file'}"


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def in_base64(digits: str) -> str:
    """A hash, given in hexadecimal digits, as signed heads write it."""
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _signed(one: "StreamCheck") -> str:
    if not one.sealed_files:
        return "no signed head yet; one is made when a file is sealed and at the end"
    said = f"signed heads: {one.signed_heads}"
    return said + (f", and sealed files without one: {one.unsigned_files}" if one.unsigned_files else "")


def _trust(signers: list[str], key: str | None) -> list[str]:
    """Who signed, and what that is worth to the reader."""
    known = {key: "the key that --key names", own_verifier(): "your own key on this machine"}
    lines = [f"signed by {signer}" + (f" ({known[signer]})" if signer in known else "") for signer in signers]
    if not known.keys() >= set(signers):
        lines.append(
            "a key that came with the log shows that nothing was altered since it signed, and not who signed; whether"
            " to trust it is for you to decide, and --key checks that it is the public key that you expect"
        )
    return lines


def _verdict(found: "Verification") -> str:
    if not found.ok:
        return (
            f"{len(found.problems)} found wrong; nothing was changed: restore the files that are named from a copy,"
            " or start a new run"
        )
    return "nothing is wrong" if found.events else "nothing is wrong, and nothing was logged"


def proof_as_lines(found: "Proven", key: str | None = None) -> str:
    """A line an event, a line a head, then who signed and what was shown. `key` is the one that was asked for."""
    runs = sorted({one.run for one in found.records})
    places = [f"{one.stream} {one.seq}" if len(runs) == 1 else f"{one.run} {one.stream} {one.seq}"
              for one in found.records]  # fmt: skip
    lines = [f"{place}: {one.kind} {one.subject or ''}" for place, one in zip(places, found.records, strict=True)]
    lines += [f"{head.origin}: {head.size:,} events, root {in_base64(head.root.hex())}" for head in found.heads]
    lines += _trust(sorted(found.signers), key)
    lines.append(f"{found.subject}: {len(found.records)} events are in the log of {', '.join(runs)}, as they are here")
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
        unnamed = one.planned - one.done - one.failed - len(one.missing)
        lines += [f"missing: {one.unit}, {unnamed:,} more"] if one.missing and unnamed > 0 else []
    if not found.planned:
        lines.append("this run announced no plan")
    lines.append("complete" if found.complete else "not complete; asd-runner resume goes on with it")
    return "\n".join(sanitize(line) for line in lines) + "\n"


def ledger_as_json(found: "Completeness") -> str:
    """The ledger."""
    shown = {"complete": found.complete, "planned": found.planned, "units": [asdict(one) for one in found.units]}
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
