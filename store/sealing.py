"""Turning full hot files into sealed ones, in order, while the writer goes on."""

import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from asd.store.hot import HotReader
from asd.store.layout import CACHE, SIGNERS, TEMPORARY, Hot, Sealed, sealed_name
from asd.store.manifest import Manifest, read_manifest
from asd.store.merkle import Tree
from asd.store.opening import Opened
from asd.store.options import Options


class Sealer:
    """Seals the files of one stream. `seal` is called for one file after the other, by one thread."""

    def __init__(self, folder: Path, opened: Opened, options: Options) -> None:
        """Go on after the sealed files of `opened`; their lines are kept for `options.keep_hot_s` seconds."""
        self._folder, self._disk, self._signer = folder, options.disk, options.signer
        self._keep_hot_s, self._seal_events = options.keep_hot_s, options.seal_events
        self._sealed = list(opened.sealed)
        self._done: list[tuple[float, Path]] = []

    def seal(self, hot: Hot) -> None:
        """Write manifest, signed head and sealed file, each durable before it gets its name; the file's name comes
        last, when the others' are durable too, so that it is never without them.

        Small sealed files before it are taken into it, so that a run that was resumed often has few files. Where a
        file before this one could not be sealed, it stays as it is: the next opening seals both, in order.
        """
        from asd.store.sealed import encode

        if hot.first != self._after(self._sealed).size:
            return
        lines = _lines(hot)
        small = self._small_before(len(lines))
        lines = [*self._lines(small), *lines]
        kept = self._sealed[: len(self._sealed) - len(small)]
        first = small[0].first if small else hot.first
        data, manifest = encode(lines, first, self._after(kept))
        sealed = Sealed(self._folder / sealed_name(first, manifest.last), first, manifest.last)
        self._store(sealed.manifest, manifest.to_bytes())
        self._sign(sealed, manifest)
        self._disk.sync_folder(self._folder)
        self._store(sealed.path, data)
        self._disk.sync_folder(self._folder)
        self._sealed = [*kept, sealed]
        superseded = [hot.path, *(path for one in small for path in one.parts if path.exists())]
        self._done += [(time.monotonic(), path) for path in superseded]
        self.clean()

    def prepare(self) -> None:
        """Make the typed tables of the last sealed file, so that whoever opens the run need not. Raises whatever goes
        wrong with what is derived, which is no harm to the log: a reader will meet it and say so."""
        from asd.store.catalogue import prepare
        from asd.store.segments import segment_of

        prepare(self._folder.parent / CACHE, segment_of(self._folder.name, self._sealed[-1]))

    def _small_before(self, events: int) -> list[Sealed]:
        """The sealed files at the end that are at most four times as large as what follows each, if all fits."""
        found: list[Sealed] = []
        for one in reversed(self._sealed):
            size = one.last - one.first + 1
            if size > 4 * events or size + events > self._seal_events:
                break
            events += size
            found.insert(0, one)
        return found

    def _lines(self, files: Sequence[Sealed]) -> Iterator[bytes]:
        from asd.store.sealed import lines_in

        for one in files:
            yield from lines_in(one, read_manifest(one))

    def _after(self, files: Sequence[Sealed]) -> Tree:
        """The tree after sealed files."""
        return read_manifest(files[-1]).tree() if files else Tree()

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
        """Delete files whose lines have been in a sealed one for long enough."""
        due = time.monotonic() - self._keep_hot_s
        for when, path in list(self._done):
            if all_of_it or when <= due:
                self._disk.remove(path)
                self._done.remove((when, path))

    def facts(self) -> Iterator[tuple[str, int]]:
        """Id and place of every fact in sealed files that is stated once."""
        from asd.store.sealed import ids_in

        for one in self._sealed:
            yield from ((id, seq) for seq, id in ids_in(one, read_manifest(one)) if not id.endswith(f"#{seq}"))


def _lines(hot: Hot) -> list[bytes]:
    with HotReader(hot.path, hot.first) as reader:
        return [line for group in reader.groups() for line in group.lines]
