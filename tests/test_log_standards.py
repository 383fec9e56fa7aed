"""Heads, roots and proofs against the standards' own words: nothing of the store's checking is used to check it.

What is here was written from RFC 6962, RFC 9162, c2sp.org/signed-note and c2sp.org/tlog-checkpoint alone, with hashlib
and an Ed25519 implementation, so that a misreading in the store shows as a difference.
"""

import base64
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from log_events import generated, graded, started
from log_files import read_all, sealed

from asd.store.copies import export_lines
from asd.store.files import FileLog
from asd.store.merkle import Tree, inclusion_paths, root_from_path, root_of
from asd.store.options import Options
from asd.store.proof import prove
from asd.store.signing import signers_of

# RFC 6962, section 2.1, as it is written there


def mth(entries: list[bytes]) -> bytes:
    """The Merkle Tree Hash of a list of entries."""
    if len(entries) < 2:
        return sha256(b"\0" + entries[0] if entries else b"").digest()
    k = largest_power_below(len(entries))
    return sha256(b"\1" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]), section 2.1.1."""
    if len(entries) == 1:
        return []
    k = largest_power_below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root_along(leaf: bytes, index: int, size: int, steps: list[bytes]) -> bytes:
    """The root that an audit path leads to, by the recursion of PATH read backwards."""
    if size == 1:
        assert steps == []
        return leaf
    k = largest_power_below(size)
    *rest, last = steps
    if index < k:
        return sha256(b"\1" + root_along(leaf, index, k, rest) + last).digest()
    return sha256(b"\1" + last + root_along(leaf, index - k, size - k, rest)).digest()


ENTRIES = [bytes.fromhex(one) for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                          "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The test vectors that implementations of Certificate Transparency share."""


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_shared_test_vectors(size: int) -> None:
    tree = Tree()
    tree.extend(sha256(b"\0" + entry).digest() for entry in ENTRIES[:size])
    assert tree.root().hex() == mth(ENTRIES[:size]).hex() == ROOTS[size - 1]


@given(st.integers(1, 80), st.data())
def test_roots_and_paths_are_those_of_the_rfc_at_every_size(size: int, data: st.DataObject) -> None:
    entries = [number.to_bytes(2, "big") for number in range(size)]
    leaves = [sha256(b"\0" + entry).digest() for entry in entries]
    index = data.draw(st.integers(0, size - 1))
    assert root_of(leaves) == mth(entries)
    assert inclusion_paths(leaves, [index])[index] == path(index, entries)
    assert root_from_path(leaves[index], index, size, path(index, entries)) == mth(entries)


# c2sp.org/signed-note and c2sp.org/tlog-checkpoint


def key_of(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    """Name, key id and key of a verifier line `<name>+<hex of key id>+<base64 of 0x01 and the key>`."""
    name, key_id, encoded = vkey.split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    assert raw[:1] == b"\x01"
    assert len(raw) == 33
    assert re.fullmatch(r"[^\s+]+", name)
    assert sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == key_id
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def text_of(note: bytes, vkey: str) -> str:
    """The text of a signed note that `vkey` signed; raises where it did not."""
    name, key_id, key = key_of(vkey)
    text, signatures = note.decode().rsplit("\n\n", 1)
    text += "\n"
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", note.decode())
    assert signatures.endswith("\n")
    for line in signatures.splitlines():
        dash, who, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        assert dash == "—"
        if who == name and raw[:4] == key_id:
            key.verify(raw[4:], text.encode())
            return text
    raise InvalidSignature


def checkpoint_in(text: str) -> tuple[str, int, bytes, list[str]]:
    """Origin, size, root and extension lines of a checkpoint."""
    origin, size, root, *extensions, end = text.split("\n")
    assert end == ""
    assert origin
    assert re.fullmatch(r"0|[1-9][0-9]*", size)
    assert all(extensions)
    assert base64.b64encode(base64.b64decode(root, validate=True)).decode() == root
    return origin, int(size), base64.b64decode(root), extensions


def test_the_reader_of_notes_here_reads_the_example_of_the_format() -> None:
    note = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert text_of(note.encode(), vkey).startswith("If you think")
    with pytest.raises(InvalidSignature):
        text_of(note.replace("answer", "answers").encode(), vkey)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run in three sealed files."""
    run = tmp_path / "run-1"
    with FileLog(run, Options(seal_events=20)) as log:
        for number in range(25):
            log.append("main", [generated(number), graded(number)])
            log.flush()
    return run


def entries_of(run: Path) -> list[bytes]:
    """The tree's entries: each line of an export without its last member, `sha256`."""
    return [re.sub(rb',"sha256":"[0-9a-f]{64}"\}\n$', b"}", line) for line in export_lines(run)]


def test_every_head_is_a_checkpoint_of_the_lines_before_it(run: Path) -> None:
    (vkey,) = (run / "main" / "signers").read_text().splitlines()
    entries, sizes = entries_of(run), []
    for file in sorted((run / "main").glob("*.note")):
        origin, size, root, extensions = checkpoint_in(text_of(file.read_bytes(), vkey))
        assert (origin, root) == ("asd/run-1/main", mth(entries[:size]))
        manifest = sha256(file.with_suffix(".json").read_bytes()).hexdigest()
        assert extensions == [f"manifest sha256:{manifest}"]
        sizes.append(size)
    assert len(sizes) > 1
    assert sizes[-1] == len(entries) == 50


def test_a_proof_holds_for_someone_who_has_only_the_standards(run: Path) -> None:
    (vkey,) = signers_of(run / "main")
    proof = json.loads(prove(run, "gsm8k/test/7").to_bytes())
    (stream,) = proof["streams"]
    origin, size, root, _ = checkpoint_in(text_of(stream["note"].encode(), vkey))
    assert (origin, len(stream["lines"])) == ("asd/run-1/main", 2)
    for one in stream["lines"]:
        entry = re.sub(r',"sha256":"[0-9a-f]{64}"\}\n$', "}", one["line"]).encode()
        steps = [bytes.fromhex(step) for step in one["path"]]
        assert root_along(sha256(b"\0" + entry).digest(), one["seq"], size, steps) == root
        assert json.loads(entry)["data"]["sample"] == "gsm8k/test/7"
        assert int(json.loads(entry)["sequence"]) == one["seq"]


def test_an_older_head_is_a_head_of_the_same_tree(run: Path) -> None:
    """Consistency (RFC 6962, section 2.1.2): what was signed earlier is the tree's root at that size ever after."""
    first = {file.name: file.read_bytes() for file in (run / "main").glob("*.note")}
    sealed(run, [[started()]])
    entries = entries_of(run)
    (vkey,) = signers_of(run / "main")
    assert len(entries) == len(read_all(run)) == 51
    for note in first.values():
        _, size, root, _ = checkpoint_in(text_of(note, vkey))
        assert mth(entries[:size]) == root
