"""Turning full hot files into sealed ones, in order, while the writer goes on."""

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from asd.store.hot import HotReader
from asd.store.layout import SIGNERS, TEMPORARY, Hot, Sealed, sealed_name
from asd.store.manifest import Manifest, read_manifest
from asd.store.merkle import Tree
from asd.store.opening import Opened
from asd.store.options import Options
from asd.store.reader import StreamReader


class Sealer:
    """Seals the files of one stream. `seal` is called for one file after the other, by one thread."""

    def __init__(self, folder: Path, opened: Opened, options: Options) -> None:
        """Go on after the sealed files of `opened`; their lines are kept for `options.keep_hot_s` seconds."""
        self._folder, self._disk, self._signer = folder, options.disk, options.signer
        self._keep_hot_s = options.keep_hot_s
        self._sealed = list(opened.sealed)
        self._tree = read_manifest(self._sealed[-1]).tree() if self._sealed else Tree()
        self._done: list[tuple[float, Path]] = []

    def seal(self, hot: Hot) -> None:
        """Write the sealed file and its manifest, both durable before they get their names; the manifest's first.

        Where a file before this one could not be sealed, it stays as it is: the next opening seals both, in order.
        """
        from asd.store.sealed import encode

        if hot.first != self._tree.size:
            return
        data, manifest = encode(_lines(hot), hot.first, self._tree)
        sealed = Sealed(self._folder / sealed_name(hot.first, manifest.last), hot.first, manifest.last)
        self._store(sealed.manifest, manifest.to_bytes())
        self._sign(sealed, manifest)
        self._store(sealed.path, data)
        self._disk.sync_folder(self._folder)
        self._tree = manifest.tree()
        self._sealed.append(sealed)
        self._done.append((time.monotonic(), hot.path))
        self.clean()

    def _store(self, path: Path, data: bytes) -> None:
        self._disk.store(path, data, path.with_name(path.name + TEMPORARY))

    def _sign(self, sealed: Sealed, manifest: Manifest) -> None:
        from asd.store.notes import Head, origin

        if self._signer is None or self._signer.verifier is None:
            return
        digest = sha256(manifest.to_bytes()).hexdigest()
        head = Head(origin(manifest.run, manifest.stream), manifest.last + 1, bytes.fromhex(manifest.root), digest)
        note, signers = self._signer.sign(head), self._folder / SIGNERS
        known = signers.read_text() if signers.exists() else ""
        if self._signer.verifier not in known.splitlines():
            self._store(signers, f"{known}{self._signer.verifier}\n".encode())
        self._store(sealed.note, (note or "").encode())

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
