"""Where things lie in a store, and which names are allowed.

<store>/<run>/<stream>/00000000.jsonl              lines from sequence number 0 on, still growing
<store>/<run>/<stream>/00000000-00024999.parquet   the same lines sealed, first to last
<store>/<run>/<stream>/00000000-00024999.json      its manifest: hash, root, counts
<store>/<run>/<stream>/lock                        held by the one process that writes the stream
<store>/<run>/files/                               what is too large for an event
<store>/<run>/cache/                               derived; can be deleted at any time
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asd.core.errors import DamageError, UsageError

FILES = "files"
CACHE = "cache"
LOCK = "lock"
TEMPORARY = ".tmp"
_RUN = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_STREAM = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_HOT = re.compile(r"([0-9]{8,})\.jsonl")
_SEALED = re.compile(r"([0-9]{8,})-([0-9]{8,})\.parquet")


def checked_run(name: str) -> str:
    """`name` if a run may be called so, else `UsageError`."""
    if _RUN.fullmatch(name) is None:
        raise UsageError(f"{name!r} is no name of a run; use small letters, digits and hyphens, at most 128")
    return name


def checked_stream(name: str) -> str:
    """`name` if a stream may be called so, else `UsageError`."""
    if _STREAM.fullmatch(name) is None or name in (FILES, CACHE):
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


def hot_name(first: int) -> str:
    """The name of the hot file that begins with `first`."""
    return f"{first:08d}.jsonl"


def sealed_name(first: int, last: int) -> str:
    """The name of the sealed file of `first` to `last`."""
    return f"{first:08d}-{last:08d}.parquet"


def hot_files(folder: Path) -> list[Hot]:
    """The hot files of a stream, in order."""
    found = ((path, _HOT.fullmatch(path.name)) for path in _plain(folder))
    return sorted((Hot(path, int(name[1])) for path, name in found if name), key=lambda one: one.first)


def sealed_files(folder: Path) -> list[Sealed]:
    """The sealed files of a stream in order, without those that a larger one contains."""
    found = ((path, _SEALED.fullmatch(path.name)) for path in _plain(folder))
    files = [Sealed(path, int(name[1]), int(name[2])) for path, name in found if name]
    return list(_uncovered(sorted(files, key=lambda one: (one.first, -one.last))))


def _uncovered(files: Sequence[Sealed]) -> Iterator[Sealed]:
    end = -1
    for one in files:
        if one.last > end and one.manifest.exists():
            end = one.last
            yield one


def chain(folder: Path) -> list[Hot | Sealed]:
    """The files that together hold a stream, in order, none twice.

    Hot files are listed before sealed ones: a file that is sealed in between is found twice, never missed.
    Raises `DamageError` where lines are missing between two files.
    """
    hot = hot_files(folder)
    sealed = sealed_files(folder)
    end = sealed[-1].last if sealed else -1
    files: list[Hot | Sealed] = [*sealed, *(one for one in hot if one.first > end)]
    expected = 0
    for one in files:
        if one.first > expected and isinstance(one, Sealed):
            raise DamageError(f"{one.path}: lines {expected} to {one.first - 1} of the stream are missing before it")
        expected = one.last + 1 if isinstance(one, Sealed) else expected
    return files


def stream_folders(run: Path) -> list[Path]:
    """The folders of a run's streams, sorted by name; links are not followed."""
    if not run.is_dir():
        return []
    names = (path for path in run.iterdir() if _STREAM.fullmatch(path.name) and path.name not in (FILES, CACHE))
    return sorted(path for path in names if path.is_dir() and not path.is_symlink())


def run_folders(store: Path) -> list[Path]:
    """The folders of a store's runs, sorted by name; links are not followed."""
    if not store.is_dir():
        return []
    names = (path for path in store.iterdir() if _RUN.fullmatch(path.name))
    return sorted(path for path in names if path.is_dir() and not path.is_symlink())


def _plain(folder: Path) -> Iterator[Path]:
    """The regular files of `folder`."""
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
