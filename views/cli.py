"""What every command line shares: the store and run options, output, and how errors end a command."""

import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from asd.core.errors import AsdError, DiskError, Exit

if TYPE_CHECKING:
    from asd.store.files import FileLog
    from asd.store.store import Store

STORE = "asd-store"
StoreOption = Annotated[
    Path, typer.Option("--store", metavar="FOLDER", envvar="ASD_STORE", help="The folder that holds the runs.")
]
RunOption = Annotated[str | None, typer.Option("--run", metavar="RUN", help="The run; the latest where none is named.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to this file, not to standard output.")
]


class Interrupted(SystemExit):
    """A signal ended the command: 130 for SIGINT, 143 for SIGTERM. What was logged stays."""

    def __repr__(self) -> str:
        return f"interrupted by signal {int(str(self.code)) - 128}"


def new_app(help: str) -> typer.Typer:
    """An app that speaks plainly: no markup in help texts, no drawn tracebacks."""
    return typer.Typer(help=help, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


def run_app(app: typer.Typer) -> NoReturn:
    """Run the command line and exit: errors of asd are one line on standard error and their own exit code."""
    _open_closed_streams()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    sys.exit(exit_code(app))


def _open_closed_streams() -> None:
    """What was closed by whoever called (`2>&-`) is opened to nowhere, so that no other file gets its number."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(opened)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def exit_code(run: Callable[[], object]) -> int:
    """Do what `run` does; the exit code that it ends with. Errors of asd are told in one line on standard error."""
    try:
        run()
    except AsdError as error:
        tell(str(error))
        return int(error.exit_code)
    except PermissionError as error:
        tell(f"{error.filename}: {error.strerror}; let this user read it, or ask as one who may")
        return int(Exit.FAILED)
    return 0


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted(128 + number)


def tell(line: str) -> None:
    """One line for the person at the terminal, on standard error."""
    from asd.views.sanitize import sanitize

    sys.stderr.write(f"asd: {sanitize(line)}\n")


def emit(text: str, output: Path | None = None) -> None:
    """Data to standard output, or whole to the file `output`. Raises `DiskError` where the disk refuses."""
    emit_bytes([text.encode()], output)


def emit_bytes(parts: Iterable[bytes], output: Path | None = None) -> None:
    """The same for bytes, part by part; the file is there when all of it is. Errors as for `emit`.

    Where who reads standard output has had enough (`| head`), the command ends there, and has not failed.
    """
    if output is None:
        _print(parts)
        return
    file = output.resolve()
    making = file.with_name(f".asd-{secrets.token_hex(8)}")
    try:
        if file.exists() and not file.is_file():  # a device or a pipe, which is not replaced
            with file.open("wb") as there:
                there.writelines(parts)
        else:
            _replace(parts, making, file)
    except OSError as error:
        if error.filename not in (None, str(file), str(making)):
            raise
        raise DiskError(f"{output}: {error.strerror}; choose another file with -o") from error
    finally:
        with suppress(OSError):
            making.unlink(missing_ok=True)


def _print(parts: Iterable[bytes]) -> None:
    try:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    except OSError as error:
        if error.filename is not None:
            raise
        with suppress(OSError):
            sys.stdout.close()  # what is left in it cannot be written when the interpreter ends, either
        if isinstance(error, BrokenPipeError):
            sys.exit(0)
        raise DiskError(f"standard output: {error.strerror}; write elsewhere") from error


def _replace(parts: Iterable[bytes], making: Path, file: Path) -> None:
    with making.open("xb") as new:
        new.writelines(parts)
        new.flush()
        os.fsync(new.fileno())
    if file.exists():
        making.chmod(file.stat().st_mode & 0o777)
    making.replace(file)


def width() -> int | None:
    """The terminal's width in columns, None where standard output is no terminal."""
    return os.get_terminal_size().columns if sys.stdout.isatty() else None


def color() -> bool:
    """Whether colours and bold type may be used on standard output."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def store_of(path: Path) -> "Store":
    """The store in `path`."""
    from asd.store.store import Store

    return Store(path)


def runs_of(path: Path) -> tuple[str, ...]:
    """The ids of the runs in the store in `path`. Raises `UnknownRunError` where there is none."""
    store = store_of(path)
    return store.runs() or (store.latest(),)  # with no runs, `latest` says so


def log_of(path: Path, run: str | None) -> "FileLog":
    """The log of `run` in the store in `path`. Raises `UnknownRunError`."""
    return store_of(path).run(run)
