"""Turning full hot files into sealed ones, in order, while the writer goes on."""

import time
from collections.abc import Iterator
from pathlib import Path

from asd.store.disk import Disk
from asd.store.hot import HotReader
from asd.store.layout import TEMPORARY, Hot, Sealed, sealed_name
from asd.store.manifest import read_manifest
from asd.store.merkle import Tree
from asd.store.opening import Opened
from asd.store.reader import StreamReader


class Sealer:
    """Seals the files of one stream. `seal` is called for one file after the other, by one thread."""

    def __init__(self, folder: Path, opened: Opened, keep_hot_s: float, disk: Disk) -> None:
        """Go on after the sealed files of `opened`; lines of sealed files are kept for `keep_hot_s` seconds."""
        self._folder, self._disk, self._keep_hot_s = folder, disk, keep_hot_s
        self._sealed = list(opened.sealed)
        self._tree = read_manifest(self._sealed[-1]).tree() if self._sealed else Tree()
        self._done: list[tuple[float, Path]] = []

    def seal(self, hot: Hot) -> None:
        """Write the sealed file and its manifest, both durable before they get their names; the manifest's first."""
        from asd.store.sealed import encode

        lines = _lines(hot)
        data, manifest = encode(lines, hot.first, self._tree)
        sealed = Sealed(self._folder / sealed_name(hot.first, manifest.last), hot.first, manifest.last)
        self._disk.store(sealed.manifest, manifest.to_bytes(), sealed.manifest.with_suffix(f".json{TEMPORARY}"))
        self._disk.store(sealed.path, data, sealed.path.with_suffix(f".parquet{TEMPORARY}"))
        self._disk.sync_folder(self._folder)
        self._tree = manifest.tree()
        self._sealed.append(sealed)
        self._done.append((time.monotonic(), hot.path))
        self.clean()

    def clean(self, *, all_of_it: bool = False) -> None:
        """Delete hot files that have been sealed for long enough."""
        due = time.monotonic() - self._keep_hot_s
        for when, path in list(self._done):
            if all_of_it or when <= due:
                self._disk.remove(path)
                self._done.remove((when, path))

    def ids(self) -> Iterator[tuple[int, str]]:
        """Place and id of every fact in sealed files that is stated once."""
        from asd.store.sealed import ids_in

        for one in self._sealed:
            yield from ((seq, id) for seq, id in ids_in(one, read_manifest(one)) if not id.endswith(f"#{seq}"))

    def data_at(self, seq: int) -> bytes:
        """The data of the sealed event `seq`."""
        return next(StreamReader(self._folder, seq - 1).poll()).data


def _lines(hot: Hot) -> list[bytes]:
    with HotReader(hot.path, hot.first) as reader:
        return [line for group in reader.groups() for line in group.lines]
