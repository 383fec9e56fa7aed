"""Checking a run's log from its first byte to its last, and naming everything that is wrong."""

from collections.abc import Sequence
from pathlib import Path

from asd.store.findings import Problem, StreamCheck, Verification
from asd.store.layout import steadily, stream_folders
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
    names = {origin(run.name, one.stream) for one in found}
    strangers = [head for head in kept if head.origin not in names]
    if strangers:
        lost = StreamCheck(strangers[0].stream)
        for head in strangers:
            lost.problems.append(
                Problem(str(run), 0, head.size, f"there is no stream {head.origin!r}, which had a head")
            )
        found.append(lost)
    return Verification(run.name, tuple(found))


def _checked(folder: Path, key: str | None, kept: Sequence[Head]) -> StreamCheck:
    return steadily(lambda: StreamVerifier(folder, key, kept).check())
