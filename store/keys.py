"""The key that signs heads: Ed25519, made on first use, outside the store."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from asd.core.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "ASD_SIGNING_KEY"


def key_path() -> Path:
    """Where the private key is: `$ASD_SIGNING_KEY`, else `asd/signing-key.pem` in the user's data folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "asd" / "signing-key.pem"


def private_key(path: Path) -> "Ed25519PrivateKey":
    """The key in `path`; made there, readable by its owner alone, where there is none.

    Raises `UsageError` for a key that others may read and for a file that is no such key, `OSError` where it can
    neither be read nor made.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise UsageError(f"{path}: others may read this private key; chmod 600 it, or name another with {VARIABLE}")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path}: no private key in PEM without a password; name another with {VARIABLE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path}: no Ed25519 key; name another with {VARIABLE}")
    return key


def _make(path: Path) -> None:
    """Put a new key at `path`, whole or not at all; where another process was first, its key stays."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    making = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(making)
    finally:
        making.unlink()
