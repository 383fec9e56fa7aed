"""A model's files against what they should be: a manifest, or what the hub said when they were downloaded.

`manifest.json` in the folder, `{"files": {name: {"size_bytes": …, "sha256": …}}}`, is believed where there is one.
Else a file's hash is the one that the hub's client keeps beside it (the name of the blob that a cached file links
to, or the etag of a download into a folder), the list of weights is that of `model.safetensors.index.json`, and the
size of a safetensors file is the one that its own header gives.
"""

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha1, sha256
from pathlib import Path

from asd.core.errors import ModelFileError
from asd.core.event import JsonObject
from asd.core.facts.model import FileCheck, ModelChecked

MANIFEST = "manifest.json"
INDEX = "model.safetensors.index.json"
_GOOD = ("ok", "repaired", "unlisted")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a file; `blob_sha1` is git's hash of it, which hubs give for small files."""

    size_bytes: int | None = None
    sha256: str | None = None
    blob_sha1: str | None = None


def check(stage: int, model: str, folder: Path, previous: ModelChecked | None = None) -> ModelChecked:
    """`inspect` and `require` in one."""
    checked = inspect(stage, model, folder, previous)
    require(checked)
    return checked


def inspect(stage: int, model: str, folder: Path, previous: ModelChecked | None = None) -> ModelChecked:
    """Read every file of a model's folder (or a single file) and say which are what they should be.

    A file that was wrong or missing in `previous` and is right now is "repaired"; one of which nothing is known
    must at least be what it was in `previous`. `files_total` counts the files that something is known of.
    """
    against, expected = _expected(folder)
    before = {file.name: file for file in previous.files} if previous else {}
    present = dict(_files(folder))
    names = sorted(present.keys() | expected.keys() | {file.name for file in before.values() if file.sha256})
    files = tuple(_check(name, present.get(name), expected.get(name), before.get(name)) for name in names)
    return ModelChecked(
        stage=stage,
        model=model,
        path=str(folder),
        against=against,
        files=files,
        files_ok=sum(file.state in ("ok", "repaired") for file in files),
        files_total=sum(file.name in expected for file in files),
        weights_sha256=_together(files),
    )


def require(checked: ModelChecked) -> None:
    """Raise `ModelFileError` naming the first file that is not what it should be."""
    wrong = next((file for file in checked.files if file.state not in _GOOD), None)
    if wrong is not None:
        raise ModelFileError(
            f"{checked.model}: {wrong.name} in {checked.path}: {wrong.state} (by its {checked.against}); "
            "restore or download it again, then resume"
        )


def manifest(folder: Path) -> JsonObject:
    """The content of a `manifest.json` that names every file of `folder` as it is now."""
    return {
        "files": {
            name: {"size_bytes": file.stat().st_size, "sha256": _sha256(file)} for name, file in sorted(_files(folder))
        }
    }


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    if folder.is_file():
        yield folder.name, folder
        return
    for file in folder.rglob("*"):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name != MANIFEST and not name.startswith(".") and "/." not in name:
            yield name, file


def _check(name: str, file: Path | None, expected: Expected | None, before: FileCheck | None) -> FileCheck:
    wanted = expected or Expected(sha256=before.sha256 if before else None)
    size, digest = (file.stat().st_size, _sha256(file)) if file else (None, None)
    state = _state(file, size, digest, wanted)
    if state == "ok" and expected is None:
        state = "unlisted"
    elif state == "ok" and before is not None and before.state not in _GOOD:
        state = "repaired"
    return FileCheck(
        name=name,
        size_bytes=size,
        sha256=digest,
        expected_size_bytes=wanted.size_bytes,
        expected_sha256=wanted.sha256,
        state=state,
    )


def _state(file: Path | None, size: int | None, digest: str | None, wanted: Expected) -> str:
    if file is None:
        return "missing"
    if wanted.size_bytes is not None and size != wanted.size_bytes:
        return "wrong size"
    if wanted.sha256 is not None and digest != wanted.sha256:
        return "wrong hash"
    if wanted.blob_sha1 is not None and _blob_sha1(file) != wanted.blob_sha1:
        return "wrong hash"
    return "ok"


def _expected(folder: Path) -> tuple[str, dict[str, Expected]]:
    """What is known of the folder's files, and from where."""
    if (folder / MANIFEST).is_file():
        return "manifest", _from_manifest(folder / MANIFEST)
    if folder.is_file():
        return "nothing", {}
    every = {name: _with_size(file, _from_hub(folder, name, file)) for name, file in _files(folder)}
    known = {name: one for name, one in every.items() if one != Expected()}
    expected = dict.fromkeys(_weights(folder), Expected()) | known
    return ("hub index" if expected else "nothing"), expected


def _from_manifest(file: Path) -> dict[str, Expected]:
    try:
        listed = json.loads(file.read_bytes())["files"]
        return {name: Expected(int(one["size_bytes"]), str(one["sha256"])) for name, one in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{file} is no manifest; restore it, or write it again from files you trust") from error


def _weights(folder: Path) -> frozenset[str]:
    """The weight files that the hub's index names."""
    file = folder / INDEX
    if not file.is_file():
        return frozenset()
    try:
        return frozenset(json.loads(file.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{file} is no index of weights; download it again") from error


def _from_hub(folder: Path, name: str, file: Path) -> Expected:
    etag = _linked_blob(file) or _kept_etag(folder, name)
    if _SHA256.fullmatch(etag):
        return Expected(sha256=etag)
    return Expected(blob_sha1=etag) if _SHA1.fullmatch(etag) else Expected()


def _linked_blob(file: Path) -> str:
    target = file.readlink() if file.is_symlink() else None
    return target.name if target is not None and target.parent.name == "blobs" else ""


def _kept_etag(folder: Path, name: str) -> str:
    """The etag that `hf download --local-dir` keeps: the second line of a file of its own."""
    kept = folder / ".cache" / "huggingface" / "download" / f"{name}.metadata"
    lines = kept.read_text("utf-8").splitlines() if kept.is_file() else []
    return lines[1].strip() if len(lines) > 1 else ""


def _with_size(file: Path, expected: Expected) -> Expected:
    if file.suffix != ".safetensors" or expected.size_bytes is not None:
        return expected
    size = _safetensors_size(file)
    return replace(expected, size_bytes=size) if size is not None else expected


def _safetensors_size(file: Path) -> int | None:
    """The size that a safetensors file's header gives; a header that cannot be read gives -1, which no size equals."""
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(100_000_000, file.stat().st_size):
            return -1
        try:
            tensors = json.loads(stream.read(length))
            ends = [one["data_offsets"][1] for name, one in tensors.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return -1
    return 8 + length + max(ends, default=0)


def _together(files: tuple[FileCheck, ...]) -> str:
    """One hash for all files: SHA-256 over lines of hash and name, as `sha256sum` prints them, in order of name."""
    return sha256("".join(f"{file.sha256}  {file.name}\n" for file in files).encode()).hexdigest()


def _sha256(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _blob_sha1(file: Path) -> str:
    content = file.read_bytes()
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
