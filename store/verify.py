"""Checking a run's log from its first byte to its last, and naming everything that is wrong."""

from collections.abc import Sequence
from pathlib import Path

from asd.store.findings import Problem, StreamCheck, Verification
from asd.store.layout import file_links, steadily, stream_folders, stream_links
from asd.store.notes import Head, origin, read_note
from asd.store.verify_stream import StreamVerifier

__all__ = ["Problem", "StreamCheck", "Verification", "verify"]


def verify(run: Path, *, key: str | None = None, heads: Sequence[str] = ()) -> Verification:
    """Check the run in the folder `run`: each line's hash, envelope and JSON, the order of numbers and times, commits,
    sealed files, their manifests and signed heads, and the roots. It only reads, also while the run is going on.

    `key` is a verifier line that must have signed every head; without it, each is checked against the keys that lie
    beside it, which shows alteration but not who signed. `heads` are notes that were kept elsewhere: a log that was
    rolled back, cut short or rewritten since cannot have their roots. Raises `NoteError` for a note that is none.
    """
    kept = [read_note(note, key) for note in heads]
    found = [_checked(folder, key, kept) for folder in stream_folders(run)]
    found += [StreamCheck(path.name, problems=[_link(path)]) for path in stream_links(run)]
    there = {origin(run.name, one.stream) for one in found}
    lost = (head for head in kept if head.origin not in there)
    found += [StreamCheck(head.stream, problems=[_lost(run, head)]) for head in lost]
    return Verification(run.name, tuple(found))


def _checked(folder: Path, key: str | None, kept: Sequence[Head]) -> StreamCheck:
    check = steadily(lambda: StreamVerifier(folder, key, kept).check())
    check.problems += [_link(path) for path in file_links(folder)]
    return check


def _link(path: Path) -> Problem:
    return Problem(str(path), 0, 0, "it is a link, and a log is plain files in folders of its own: it was not read")


def _lost(run: Path, head: Head) -> Problem:
    return Problem(str(run), 0, 0, f"there is no stream {head.origin!r}, of which a head says {head.size} events")
