"""Signing the heads of streams with this user's key, and telling who signed."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from asd.core.errors import UsageError
from asd.store.damage import DamagedFileError
from asd.store.keys import key_path
from asd.store.layout import SIGNERS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from asd.store.notes import Head


class Signer:
    """Signs with the key in `path` (None: the user's, see `asd.store.keys.key_path`), made on first use.

    Where no key can be read or made (a machine without a home), nothing is signed, and verification says so.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    @property
    def verifier(self) -> str | None:
        """The public key as a signed-note verifier line, or None where there is no key.

        Raises `UsageError` for a key that others may read and for a file that is no key.
        """
        from asd.store.notes import verifier_key

        key = self._key()
        return None if key is None else verifier_key(key.public_key())

    def sign(self, head: "Head") -> str | None:
        """The signed note of `head`, or None where there is no key; errors as for `verifier`."""
        from asd.store.notes import sign

        key = self._key()
        return None if key is None else sign(head, key)

    def _key(self) -> "Ed25519PrivateKey | None":
        try:
            return _loaded(self._path or key_path())
        except OSError:
            return None


@lru_cache(maxsize=8)
def _loaded(path: Path) -> "Ed25519PrivateKey":
    from asd.store.keys import private_key

    return private_key(path)


def signers_of(folder: Path) -> list[str]:
    """The verifier lines that lie in a stream's folder: they tell which key signed, not whether to trust it.

    Raises `DamagedFileError` where one is not what was written.
    """
    from asd.store.notes import NoteError, public_key

    path = folder / SIGNERS
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    lines = text.split("\n")[:-1]
    try:
        whole = text == "".join(f"{line}\n" for line in lines) and all(public_key(line) for line in lines)
    except NoteError:
        whole = False
    if not whole:
        raise DamagedFileError(path, 0, 0, "a public key in it is not what was written")
    return lines


def own_verifier() -> str | None:
    """This user's verifier line, or None where there is no key yet that can be used; none is made."""
    try:
        return Signer().verifier if key_path().is_file() else None
    except UsageError:
        return None
