"""Where things lie in a store, and which names are allowed.

<store>/<run>/<stream>/00000000.jsonl              lines from sequence number 0 on, still growing
<store>/<run>/<stream>/00000000-00024999.parquet   the same lines sealed, first to last
<store>/<run>/<stream>/00000000-00024999.json      its manifest: hash, root, counts
<store>/<run>/<stream>/00000000-00024999.note      the signed head of the stream up to there
<store>/<run>/<stream>/signers                     the public keys of those heads, one a line
<store>/<run>/<stream>/lock                        held by the one process that writes the stream
<store>/<run>/files/                               what is too large for an event
<store>/<run>/cache/                               derived; can be deleted at any time
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from asd.core.errors import BusyError, UsageError
from asd.store.damage import DamagedFileError

FILES = "files"
CACHE = "cache"
LOCK = "lock"
SIGNERS = "signers"
TEMPORARY = ".tmp"
_RUN = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_STREAM = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_HOT = re.compile(r"([0-9]{8,})\.jsonl")
_SEALED = re.compile(r"([0-9]{8,})-([0-9]{8,})\.(?:parquet|json)")
_PART = re.compile(r"([0-9]{8,})-([0-9]{8,})\.(?:parquet|json|note)")
_LISTINGS = 100
_ATTEMPTS = 20
T = TypeVar("T")


def checked_run(name: str) -> str:
    """`name` if a run may be called so, else `UsageError`."""
    if _RUN.fullmatch(name) is None:
        raise UsageError(f"{name!r} is no name of a run; use small letters, digits and hyphens, at most 128")
    return name


def checked_stream(name: str) -> str:
    """`name` if a stream may be called so, else `UsageError`."""
    if not _is_stream(name):
        raise UsageError(
            f"{name!r} is no name of a stream; use small letters, digits and hyphens, at most 64,"
            f" and neither {FILES!r} nor {CACHE!r}"
        )
    return name


@dataclass(frozen=True, slots=True)
class Hot:
    """A file of lines that grows; `first` is the sequence number of its first line."""

    path: Path
    first: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed file of the lines `first` to `last`, with its manifest beside it."""

    path: Path
    first: int
    last: int

    @property
    def manifest(self) -> Path:
        """The file that says what this one must be."""
        return self.path.with_suffix(".json")

    @property
    def note(self) -> Path:
        """The signed head of the stream after `last`, where it could be signed."""
        return self.path.with_suffix(".note")

    @property
    def parts(self) -> tuple[Path, Path, Path]:
        """Everything that belongs to this file."""
        return self.path, self.manifest, self.note


def hot_name(first: int) -> str:
    """The name of the hot file that begins with `first`."""
    return f"{first:08d}.jsonl"


def sealed_name(first: int, last: int) -> str:
    """The name of the sealed file of `first` to `last`."""
    return f"{first:08d}-{last:08d}.parquet"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a stream's folder: `chain` holds the stream, in order, none twice; `spare` is not needed."""

    chain: list[Hot | Sealed]
    spare: list[Path]


def listing(folder: Path) -> Listing:
    """What is in the folder of a stream. Raises `DamageError` where a file of it is missing.

    A system may leave out of a listing what comes or goes meanwhile, so that a file and the one that it was sealed into
    can both be missed. Two listings that agree hold everything that was there when the second began.
    """
    names = _plain(folder)
    for _ in range(_LISTINGS):
        before, names = names, _plain(folder)
        if names.keys() == before.keys():
            break
    return _listed(names)


def steadily(read: Callable[[], T]) -> T:
    """What `read` returns; it is called again where a file that it had listed was sealed or joined with others.

    Raises `BusyError` where that goes on and on.
    """
    for _ in range(_ATTEMPTS):
        try:
            return read()
        except FileNotFoundError as error:
            gone = error.filename
    raise BusyError(f"{gone}: the log's files are replaced faster than they can be read; try again a little later")


def chain(folder: Path) -> list[Hot | Sealed]:
    """The files that together hold a stream, in order, none twice. Raises `DamageError` where one is missing."""
    return listing(folder).chain


def sealed_files(folder: Path) -> list[Sealed]:
    """The sealed files of a stream, in order, none twice. Raises `DamageError` where one is missing."""
    return [one for one in chain(folder) if isinstance(one, Sealed)]


def _listed(names: dict[str, Path]) -> Listing:
    hot = _hot(names)
    whole, halves = _sealed(names)
    sealed = list(_uncovered(whole))
    end = sealed[-1].last if sealed else -1
    files: list[Hot | Sealed] = [*sealed, *(one for one in hot if one.first > end)]
    _check_order(files)
    _check_halves(halves, files)
    needed = {path for one in files for path in (one.parts if isinstance(one, Sealed) else (one.path,))}
    return Listing(files, sorted(path for path in names.values() if _is_ours(path) and path not in needed))


def _is_ours(path: Path) -> bool:
    return path.suffix in (TEMPORARY, ".jsonl") or _PART.fullmatch(path.name) is not None


def _hot(names: dict[str, Path]) -> list[Hot]:
    found = ((path, _HOT.fullmatch(name)) for name, path in names.items())
    return sorted((Hot(path, int(name[1])) for path, name in found if name), key=lambda one: one.first)


def _sealed(names: dict[str, Path]) -> tuple[list[Sealed], list[Path]]:
    """Sealed files with their manifests, larger before smaller, and files that lack the other half."""
    found = {path.with_suffix(".parquet"): path for name, path in names.items() if _SEALED.fullmatch(name)}
    whole: list[Sealed] = []
    halves: list[Path] = []
    for path in found:
        name = _SEALED.fullmatch(path.with_suffix(".parquet").name)
        if path.name in names and path.with_suffix(".json").name in names and name:
            whole.append(Sealed(path, int(name[1]), int(name[2])))
        else:
            halves.append(path if path.name in names else path.with_suffix(".json"))
    return sorted(whole, key=lambda one: (one.first, -one.last)), halves


def _uncovered(files: Sequence[Sealed]) -> Iterator[Sealed]:
    end = -1
    for one in files:
        if one.last > end:
            end = one.last
            yield one


def _check_order(files: Sequence[Hot | Sealed]) -> None:
    expected = 0
    for one in files:
        if one.first > expected and isinstance(one, Sealed):
            raise DamagedFileError(one.path, expected, 0, f"events up to {one.first - 1} are missing before it")
        expected = one.last + 1 if isinstance(one, Sealed) else expected


def _check_halves(halves: Sequence[Path], files: Sequence[Hot | Sealed]) -> None:
    """A half-made sealed file is left by an interrupted seal, whose hot file is there, and before it the small sealed
    files that it was going to take in; else something is lost."""
    firsts = {one.first for one in files}
    hot = [one.first for one in files if isinstance(one, Hot)]
    end = max((one.last for one in files if isinstance(one, Sealed)), default=-1)
    for path in halves:
        name = _SEALED.fullmatch(path.name)
        if name is None or int(name[2]) <= end:
            continue
        if int(name[1]) not in firsts or not any(first <= int(name[2]) for first in hot):
            other = "manifest" if path.suffix == ".parquet" else "sealed file"
            raise DamagedFileError(path, int(name[1]), 0, f"its {other} is missing")


def stream_folders(run: Path) -> list[Path]:
    """The folders of a run's streams, sorted by name; links are not followed."""
    if not run.is_dir():
        return []
    names = (path for path in run.iterdir() if _is_stream(path.name))
    return sorted(path for path in names if path.is_dir() and not path.is_symlink())


def stream_links(run: Path) -> list[Path]:
    """Links of a run where the folders of streams are: nothing in them is read."""
    return _links(path for path in run.iterdir() if _is_stream(path.name))


def file_links(stream: Path) -> list[Path]:
    """Links of a stream's folder where its files are: they are not read."""
    return _links(path for path in stream.iterdir() if _is_ours(path))


def _links(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.is_symlink())


def _is_stream(name: str) -> bool:
    return _STREAM.fullmatch(name) is not None and name not in (FILES, CACHE)


def run_folders(store: Path) -> list[Path]:
    """The folders of a store's runs, sorted by name; links are not followed."""
    if not store.is_dir():
        return []
    names = (path for path in store.iterdir() if _RUN.fullmatch(path.name))
    return sorted(path for path in names if path.is_dir() and not path.is_symlink())


def _plain(folder: Path) -> dict[str, Path]:
    """The regular files of `folder` by name; links are not followed."""
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        return {one.name: folder / one.name for one in entries if one.is_file(follow_symlinks=False)}
