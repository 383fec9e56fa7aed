"""What a sealed file must be: its hash, what it holds, and where the stream's tree stood after it."""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import orjson

from asd.store.damage import DamagedFileError
from asd.store.layout import Sealed
from asd.store.merkle import Tree

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """One sealed file. `root` and `peaks` (hex) are the stream's tree after `last`; `kinds` counts its events."""

    format: int
    run: str
    stream: str
    first: int
    last: int
    first_time: str
    last_time: str
    kinds: dict[str, int]
    file_bytes: int
    file_sha256: str
    root: str
    peaks: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """The manifest as the bytes of its file."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)

    def tree(self) -> Tree:
        """The stream's tree after this file."""
        return Tree(self.last + 1, [bytes.fromhex(peak) for peak in self.peaks])


def read_manifest(sealed: Sealed) -> Manifest:
    """The manifest of a sealed file. Raises `DamageError` where it is not what was written."""
    data = sealed.manifest.read_bytes()
    try:
        fields: dict[str, Any] = orjson.loads(data)
        manifest = Manifest(**{**fields, "peaks": tuple(fields["peaks"])})
        whole = manifest.to_bytes() == data and manifest.tree().root().hex() == manifest.root
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(sealed) from error
    if not whole or (manifest.first, manifest.last, manifest.format) != (sealed.first, sealed.last, FORMAT):
        raise _damaged(sealed)
    return manifest


def checked_bytes(sealed: Sealed, manifest: Manifest) -> bytes:
    """The bytes of a sealed file. Raises `DamageError` where they are not those that its manifest names."""
    data = sealed.path.read_bytes()
    if len(data) != manifest.file_bytes or sha256(data).hexdigest() != manifest.file_sha256:
        raise DamagedFileError(sealed.path, sealed.first, 0, "it is not the file that its manifest names")
    return data


def _damaged(sealed: Sealed) -> DamagedFileError:
    return DamagedFileError(sealed.manifest, sealed.first, 0, "the manifest is not what was written")
