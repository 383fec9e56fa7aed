"""`asd sql`: one SELECT over the logs, in a process that can only read them."""

import pickle
import re
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from asd.core.errors import UsageError
from asd.views.cli import (
    STORE,
    JsonOption,
    OutputOption,
    StoreOption,
    color,
    emit,
    emit_bytes,
    log_of,
    runs_of,
    tell,
    width,
)

if TYPE_CHECKING:
    from asd.store.files import FileLog
    from asd.store.pinned import Pinned

TableOption = Annotated[
    Literal["table", "json", "csv", "md"] | None, typer.Option("--format", help="table, json, csv or md.")
]
MEMORY = "4GiB"


class Shown(NamedTuple):
    """How rows are printed: for a terminal of `width` columns, None where there is none."""

    form: Literal["table", "json", "csv", "md"]
    width: int | None
    color: bool


def memory_bytes(text: str) -> int:
    """How many bytes "4GiB" or "500MB" are. Raises `UsageError` for other text."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT])(i?)B", text)
    if found is None:
        raise UsageError(f"--memory {text}: give a number with its unit, such as 512MiB or {MEMORY}")
    number, letter, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** ("KMGT".index(letter) + 1))


def sql(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="One SELECT over the tables; `SHOW TABLES` names them.")
    ],
    store: StoreOption = Path(STORE),
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Only this run; all of them where none is named.")
    ] = None,
    form: TableOption = None,
    as_json: JsonOption = False,
    output: OutputOption = None,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", min=0, help="Give up after so long (exit code 1)."),
    ] = None,
    memory: Annotated[
        str, typer.Option("--memory", metavar="SIZE", help="The most memory that the query may use.")
    ] = MEMORY,
) -> None:
    """Ask the logs in SQL.

    It reads the event tables of all runs (or of one), and can do nothing else.
    """
    from asd.views.confined import can_confine, confined

    at_most, shown = memory_bytes(memory), Shown("json" if as_json else form or "table", width(), color())
    if not can_confine():
        tell("this system has no Landlock, so the query is held back by DuckDB's own locks alone")
    logs = [log_of(store, run)] if run else [log_of(store, name) for name in runs_of(store)]
    with _pinned(logs) as read:
        places = [place for one in read for place in (one.path, one.cache)]
        answer = confined(lambda: _answer(query, read, shown, at_most), places, timeout, at_most)
        with closing(answer):
            emit_bytes(answer, output)


def _answer(query: str, logs: Sequence["Pinned"], shown: Shown, at_most: int) -> None:
    """What the confined process does."""
    sys.meta_path.insert(0, _NoPandas())
    from asd.store.sql import LockedSql
    from asd.views.formats import render

    locked = LockedSql(logs, at_most)
    found = locked.select(query)
    tell_unreadable(locked.unreadable())
    if shown.form == "table" and not found.num_rows:
        tell("no rows")
    emit(render(found, shown.form, width=shown.width, color=shown.color))


class _NoPandas(MetaPathFinder):
    """Arrow's datasets import pandas where it is installed, which takes a fifth of a short query's time for nothing."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("left out", name=name)


def tell_unreadable(counts: Mapping[str, int]) -> None:
    """Say which events are in no typed table here."""
    for kind, count in counts.items():
        tell(f"{count} events of kind {kind} cannot be decoded here; only the table events has them")


@contextmanager
def _pinned(logs: Sequence["FileLog"]) -> Iterator[list["Pinned"]]:
    """The logs as they are now, with every typed table made. What is missing is made first, by a process that is not
    confined, and in a temporary folder where the log cannot be written."""
    from asd.store.pinned import Pinned

    found = [Pinned(log) for log in logs]
    if all(one.is_ready() for one in found):
        yield found
        return
    with TemporaryDirectory(prefix="asd-cache-") as spare:
        yield _made(logs, Path(spare))


def _made(logs: Sequence["FileLog"], spare: Path) -> list["Pinned"]:
    from asd.store.pinned import Pinned, discard, made_ready
    from asd.views.confined import confined

    mark = secrets.token_hex(4)

    def make() -> None:
        made = [made_ready(log, spare, mark) for log in logs]
        sys.stdout.buffer.write(pickle.dumps([(one.segments(), one.cache) for one in made]))

    try:
        with closing(confined(make)) as told:
            found = pickle.loads(b"".join(told))
    except BaseException:
        discard([log.cache for log in logs], mark)
        raise
    return [Pinned(log, *one) for log, one in zip(logs, found, strict=True)]
