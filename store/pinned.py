"""Runs as they are at one moment, made ready for a process that may only read them."""

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import asd.core.facts  # noqa: F401  (registers the built-in events)
from asd.core.event import kinds
from asd.core.plugins import load_events
from asd.store.files import FileLog
from asd.store.layout import steadily
from asd.store.segments import MAKING, Segment, typed_places


class Pinned(FileLog):
    """A run with the sealed files that it had at one moment; what was sealed since is read as hot. Only read it."""

    def __init__(self, log: FileLog, segments: Sequence[Segment] | None = None, cache: Path | None = None) -> None:
        """`segments` are the sealed files, None for those of now; their typed tables are in `cache`, None for the
        run's own. Raises `DamageError` for a manifest that is not what was written."""
        super().__init__(log.path, log.options)
        self._pinned = list(log.segments() if segments is None else segments)
        self._cache = cache or log.cache

    @property
    def cache(self) -> Path:
        """The folder that holds the typed tables."""
        return self._cache

    def segments(self) -> list[Segment]:
        """The sealed files of that moment."""
        return self._pinned

    def is_ready(self) -> bool:
        """Whether there is nothing to make: every sealed file has its typed tables."""
        load_events()
        return all(place.is_dir() for place in typed_places(self.cache, self._pinned, kinds()))


def made_ready(log: FileLog, spare: Path, mark: str) -> Pinned:
    """The run as it is now, after what typed tables are missing were made: in the run's own cache or, where that cannot
    be written, below `spare`; in folders whose names have `mark` in them until they are whole.

    Raises `DamageError` for a sealed file that is not what its manifest names, `BusyError` where they are joined with
    others again and again meanwhile.
    """
    from asd.store.catalogue_cache import typed_folders

    cache = log.cache if _may_write(log.cache) else spare / log.run

    def made() -> Pinned:
        found = Pinned(log)
        if not found.is_ready():
            found = Pinned(log, found.segments(), cache)
            typed_folders(cache, found.segments(), kinds(), mark)
        return found

    return steadily(made)


def _may_write(cache: Path) -> bool:
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(cache, os.W_OK)


def discard(caches: Iterable[Path], mark: str) -> None:
    """Remove what a `made_ready` that was ended has left half-made."""
    for place in [place for cache in caches for place in cache.glob(f"*/{MAKING}{mark}*")]:
        shutil.rmtree(place, ignore_errors=True)
