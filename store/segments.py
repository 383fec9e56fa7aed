"""Sealed files as SQL reads them, and where their typed tables lie. Without DuckDB and Arrow, so that it can be asked
before a process gives up what those need to start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asd.core.event import Event
from asd.store.catalogue_types import fingerprint
from asd.store.layout import Sealed
from asd.store.manifest import read_manifest

MAKING = ".making-"
"""How the name of a folder of typed tables begins while they are made."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed Parquet file: its hash from the signed manifest and the last sequence number it holds of its stream."""

    path: Path
    sha256: str
    stream: str
    last: int


def segment_of(stream: str, sealed: Sealed) -> Segment:
    """A sealed file of `stream` as a segment. Raises `DamageError` where its manifest is not what was written."""
    return Segment(sealed.path, read_manifest(sealed).file_sha256, stream, sealed.last)


def typed_places(cache: Path, segments: Sequence[Segment], kinds: Mapping[str, type[Event]]) -> list[Path]:
    """The folder for the typed tables of each segment, whether they are made yet or not."""
    root = cache / fingerprint(kinds)
    return [root / one.sha256[:32] for one in segments]
