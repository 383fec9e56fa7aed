"""Handling the files of a log in tests."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from asd.core.event import Event
from asd.core.log import Record
from asd.store.files import FileLog
from asd.store.reader import StreamReader
from asd.store.verify import verify
from asd.store.writer import Options, StreamWriter


def crashed(run: Path, groups: Iterable[Sequence[Event]], stream: str = "main") -> Path:
    """A run whose writer committed each of `groups` and then vanished: its hot file stays. Returns that file."""
    copy = run.with_name(f"{run.name}-writing")
    with FileLog(run, Options(durability="each")) as log:
        for group in groups:
            log.append(stream, group)
        shutil.copytree(run, copy)
    shutil.rmtree(run)
    copy.rename(run)
    return sorted((run / stream).glob("*.jsonl"))[-1]


def sealed(run: Path, groups: Iterable[Sequence[Event]], stream: str = "main") -> Path:
    """A run that was closed. Returns its sealed file."""
    with FileLog(run) as log:
        for group in groups:
            log.append(stream, group)
    return sorted((run / stream).glob("*.parquet"))[-1]


def read_all(run: Path) -> list[Record]:
    """Everything in a run, read by someone who does not write it."""
    return list(FileLog(run).read())


def reopened(run: Path, stream: str = "main", **options: object) -> StreamWriter:
    """A writer of an existing stream."""
    return StreamWriter(run / stream, Options(**options))  # type: ignore[arg-type]


def problems(run: Path) -> list[str]:
    """What verification finds wrong, as text."""
    return [f"{Path(one.file).name}:{one.offset}:{one.event}: {one.what}" for one in verify(run).problems]


def poll_once(folder: Path) -> list[Record]:
    """What one reader sees of one stream."""
    reader = StreamReader(folder)
    try:
        return list(reader.poll())
    finally:
        reader.close()
