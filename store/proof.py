"""Proofs that events are in a log, to be checked without the log: a few hashes each, and a signed head."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from asd.core.errors import AsdError, Exit, UsageError
from asd.core.log import Record
from asd.store.layout import Sealed, chain, steadily, stream_folders
from asd.store.line import HASH_LENGTH, leaf_in, leaf_of, record_in
from asd.store.manifest import read_manifest
from asd.store.merkle import inclusion_paths, root_from_path
from asd.store.notes import Head, origin, read_note
from asd.store.signing import signers_of

FORMAT = "asd-proof-1"


Wanted = Callable[[bytes, int], bool]
"""Whether a line, which stands at this sequence number, is to be proven."""


class ProofError(AsdError):
    """A proof that proves nothing: malformed, altered, or not signed by the key that was asked for."""

    exit_code = Exit.MISMATCH


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProvenLine(_Plain):
    """One line of the log, its sequence number, and the hashes (hex) that lead from it to the root."""

    line: str
    seq: int
    path: tuple[str, ...]


class StreamProof(_Plain):
    """Lines of one stream under the signed head `note`; `signer` is the verifier line that the note was signed with."""

    note: str
    signer: str
    lines: tuple[ProvenLine, ...]


class Proof(_Plain):
    """Everything that a log says about `subject`; or, where `events` names some, that these are in the log: then
    `subject` is what rests on them."""

    format: str
    subject: str
    streams: tuple[StreamProof, ...]
    events: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The proof as a JSON file."""
        return orjson.dumps(self.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof proves: these records were in the log when the heads were signed, by these keys."""

    subject: str
    records: tuple[Record, ...]
    heads: tuple[Head, ...]
    signers: tuple[str, ...]


def prove(run: Path, subject: str) -> Proof:
    """A proof of every event about `subject`: an event's id or subject, or a sample's name.

    Raises `UsageError` where the log says nothing about it, or only in lines that no signed head covers yet, and
    `DamageError` for a damaged log.
    """

    def about(line: bytes, seq: int) -> bool:
        record = record_in(line)
        return record is not None and is_about(record, subject)

    proofs = _stream_proofs(run, lambda stream: about)
    if not proofs:
        raise UsageError(
            f"{run.name}: no signed event about {subject!r}; `asd sql` finds names, and what is still hot is signed"
            " when the run ends"
        )
    return Proof(format=FORMAT, subject=subject, streams=proofs)


def prove_places(run: Path, subject: str, places: Mapping[str, Collection[int]]) -> Proof:
    """A proof that the events at `places` (sequence numbers by stream), on which `subject` rests, are in the log.

    Events that no signed head covers yet are left out; `events` names those that are in it. Raises `DamageError` for
    a damaged log.
    """
    streams = _stream_proofs(run, lambda stream: _among(places.get(stream, ())))
    records = [record_in(line.line.encode()) for one in streams for line in one.lines]
    return Proof(format=FORMAT, subject=subject, streams=streams, events=tuple(one.id for one in records if one))


def joined(subject: str, proofs: Iterable[Proof]) -> Proof:
    """One proof of all that `proofs` prove, such as of several runs."""
    several = tuple(proofs)
    streams = tuple(stream for one in several for stream in one.streams)
    return Proof(
        format=FORMAT, subject=subject, streams=streams, events=tuple(name for one in several for name in one.events)
    )


def _among(wanted: Collection[int]) -> Wanted | None:
    return (lambda line, seq: seq in wanted) if wanted else None


def verify_proof(data: bytes, *, key: str | None = None) -> Proven:
    """What the proof in `data` proves. `key` is the verifier line that must have signed; without it the one inside
    the proof is taken, which shows that nothing was altered, but not who signed.

    Raises `ProofError` for a proof that does not hold.
    """
    try:
        proof = Proof.model_validate_json(data)
    except ValidationError as error:
        raise ProofError(f"not a proof of a log: {error.errors()[0]['msg']}") from error
    if proof.format != FORMAT or not proof.streams:
        raise ProofError(f"not a proof of this format ({FORMAT}), or an empty one")
    found = [_checked(one, key) for one in proof.streams]
    records = tuple(record for _, some in found for record in some)
    if proof.events and tuple(record.id for record in records) != proof.events:
        raise ProofError("the proof does not hold the events that it names")
    if not proof.events and not all(is_about(record, proof.subject) for record in records):
        raise ProofError(f"the proof holds lines that are not about {proof.subject!r}")
    signers = tuple(sorted({one.signer for one in proof.streams}))
    return Proven(proof.subject, records, tuple(head for head, _ in found), signers)


def is_about(record: Record, subject: str) -> bool:
    """Whether a record is about `subject`: its id, its subject, or a sample that its subject begins with."""
    return subject in (record.id, record.subject) or (record.subject or "").partition("@")[0] == subject


def _stream_proofs(run: Path, wanted_in: Callable[[str], Wanted | None]) -> tuple[StreamProof, ...]:
    """The proof of each stream that has wanted lines under a signed head."""
    found = (steadily(partial(_stream_proof, folder, wanted_in(folder.name))) for folder in stream_folders(run))
    return tuple(one for one in found if one is not None)


def _stream_proof(folder: Path, is_wanted: Wanted | None) -> StreamProof | None:
    if is_wanted is None:
        return None
    sealed = [one for one in chain(folder) if isinstance(one, Sealed)]
    signed = [one for one in sealed if one.note.exists()]
    if not signed:
        return None
    leaves: list[bytes] = []
    wanted: dict[int, bytes] = {}
    for seq, line in enumerate(_lines(sealed, up_to=signed[-1].last)):
        if is_wanted(line, seq):
            wanted[seq] = line
        leaves.append(leaf_of(line[:-HASH_LENGTH] + b"}"))
    if not wanted:
        return None
    note, signers, paths = signed[-1].note.read_text(), signers_of(folder), inclusion_paths(leaves, wanted)
    lines = (ProvenLine(line=line.decode(), seq=seq, path=_hexes(paths[seq])) for seq, line in wanted.items())
    return StreamProof(note=note, signer=_signer(note, signers, folder), lines=tuple(lines))


def _lines(sealed: Sequence[Sealed], up_to: int) -> Iterator[bytes]:
    from asd.store.sealed import lines_in

    for one in sealed:
        if one.last <= up_to:
            yield from lines_in(one, read_manifest(one))


def _signer(note: str, signers: Sequence[str], folder: Path) -> str:
    for signer in signers:
        try:
            read_note(note, signer)
        except AsdError:
            continue
        return signer
    raise ProofError(f"{folder}: the signed head is by none of the keys beside it; run `asd verify`")


def _hexes(hashes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(one.hex() for one in hashes)


def _checked(proof: StreamProof, key: str | None) -> tuple[Head, list[Record]]:
    head = read_note(proof.note, key or proof.signer)
    records = [_proven(one, head) for one in proof.lines]
    return head, records


def _proven(one: ProvenLine, head: Head) -> Record:
    line = one.line.encode()
    leaf, record = leaf_in(line), record_in(line)
    if leaf is None or record is None or record.seq != one.seq:
        raise ProofError(f"event {one.seq} of {head.origin}: its line was altered")
    try:
        path = [bytes.fromhex(step) for step in one.path]
    except ValueError as error:
        raise ProofError(f"event {one.seq} of {head.origin}: its path is not written in hexadecimal") from error
    if origin(record.run, record.stream) != head.origin or root_from_path(leaf, one.seq, head.size, path) != head.root:
        raise ProofError(f"event {one.seq} of {head.origin}: its path does not lead to the signed root")
    return record
