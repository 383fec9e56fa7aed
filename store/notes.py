"""Signed heads: a C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint) in a signed note (c2sp.org/signed-note), Ed25519.

The note's text is the origin `asd/<run>/<stream>`, the number of events, the tree's root in base64, and, where it
belongs to a sealed file, a line with the hash of that file's manifest. Any verifier of that format can check it.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from asd.core.errors import AsdError, Exit

KEY_NAME = "asd"
_ED25519 = b"\x01"
_MANIFEST = "manifest sha256:"
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)")


class NoteError(AsdError):
    """A signed head that is not one, or whose signature is not the key's."""

    exit_code = Exit.MISMATCH


@dataclass(frozen=True, slots=True)
class Head:
    """How a stream stood: its first `size` events have the tree root `root` (32 bytes). `manifest_sha256` (hex) is
    that of the sealed file that ends there."""

    origin: str
    size: int
    root: bytes
    manifest_sha256: str | None = None

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.origin.rpartition("/")[2]

    def text(self) -> str:
        """The note's text: what is signed."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode()]
        if self.manifest_sha256 is not None:
            lines.append(_MANIFEST + self.manifest_sha256)
        return "\n".join(lines) + "\n"


def origin(run: str, stream: str) -> str:
    """The name of a stream in signed heads."""
    return f"asd/{run}/{stream}"


def verifier_key(key: Ed25519PublicKey, name: str = KEY_NAME) -> str:
    """A public key in the one line that signed-note tools read: name, hash and key."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{name}+{_key_id(name, raw).hex()}+{base64.b64encode(_ED25519 + raw).decode()}"


def public_key(verifier: str) -> tuple[str, bytes, Ed25519PublicKey]:
    """Name, id (4 bytes) and key of a line from `verifier_key`. Raises `NoteError` for anything else."""
    try:
        name, _, encoded = verifier.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        canonical = f"{name}+{_key_id(name, raw[1:]).hex()}+{base64.b64encode(raw).decode()}"
        if raw[:1] == _ED25519 and len(raw) == 33 and verifier == canonical:
            return name, _key_id(name, raw[1:]), Ed25519PublicKey.from_public_bytes(raw[1:])
    except (ValueError, binascii.Error):
        pass
    raise NoteError("not a verifier key; it is one line: name, hash and base64 of the key, joined by '+'")


def sign(head: Head, key: Ed25519PrivateKey) -> str:
    """The signed note of `head`."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    text = head.text()
    signature = base64.b64encode(_key_id(KEY_NAME, raw) + key.sign(text.encode())).decode()
    return f"{text}\n— {KEY_NAME} {signature}\n"


def read_note(note: str, verifier: str | None) -> Head:
    """The head that `note` says, signed by the key `verifier`; None: the signature is not checked.

    Raises `NoteError` for text that is no signed head, and where that key did not sign it.
    """
    text, found, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not found or not 3 <= len(lines) <= 4 or not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]):
        raise NoteError("not a signed head: it begins with origin, size and root, then an empty line and a signature")
    head = Head(lines[0], int(lines[1]), _root(lines[2]), _manifest(lines[3:]))
    if verifier is not None and not _is_signed(head.text(), signatures, verifier):
        raise NoteError(f"the head of {head.origin} at {head.size} is not signed by the key {verifier[:17]}…")
    return head


def is_exactly(note: str, head: Head, verifier: str) -> bool:
    """Whether `note` is, to the byte, the note of `head` with one signature, by the key `verifier`.

    Raises `NoteError` for a verifier line that is none.
    """
    name, key_id, key = public_key(verifier)
    found = _SIGNATURE.fullmatch(note.removeprefix(head.text() + "\n").removesuffix("\n"))
    if found is None:
        return False
    try:
        raw = base64.b64decode(found[2], validate=True)
        key.verify(raw[4:], head.text().encode())
    except (InvalidSignature, binascii.Error):
        return False
    whole = f"{head.text()}\n— {name} {base64.b64encode(key_id + raw[4:]).decode()}\n"
    return whole == note


def _root(text: str) -> bytes:
    try:
        root = base64.b64decode(text, validate=True)
    except binascii.Error:
        root = b""
    if len(root) != 32 or base64.b64encode(root).decode() != text:
        raise NoteError("not a signed head: its third line is the root's 32 bytes in base64")
    return root


def _manifest(lines: list[str]) -> str | None:
    if not lines:
        return None
    if re.fullmatch(_MANIFEST + "[0-9a-f]{64}", lines[0]) is None:
        raise NoteError("not a signed head of a log: its fourth line is the hash of a manifest")
    return lines[0].removeprefix(_MANIFEST)


def _is_signed(text: str, signatures: str, verifier: str) -> bool:
    name, key_id, key = public_key(verifier)
    for line in signatures.splitlines():
        found = _SIGNATURE.fullmatch(line)
        if found is None:
            return False
        try:
            raw = base64.b64decode(found[2], validate=True)
            if found[1] == name and raw[:4] == key_id:
                key.verify(raw[4:], text.encode())
                return True
        except (InvalidSignature, binascii.Error):
            return False
    return False


def _key_id(name: str, raw: bytes) -> bytes:
    """The first bytes of the key's hash, as the signed-note format defines it."""
    return sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:4]
