"""`asd verify` and `asd prove`: what can be checked about a log, with it and without it."""

from pathlib import Path
from typing import Annotated

import typer

from asd.core.errors import Exit, MissingDataError
from asd.views.cli import STORE, JsonOption, OutputOption, RunOption, StoreOption, emit, log_of, store_of

ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Check instead that it is a report of the run, unedited."),
]
ProofOption = Annotated[
    Path | None,
    typer.Option("--proof", metavar="FILE", help="Check instead this proof from `asd prove`; no log is needed."),
]
CompleteOption = Annotated[
    bool, typer.Option("--complete", help="Check instead that all that was planned has happened; exit code 4 if not.")
]
HeadOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--head", metavar="FILE", help="A head that was kept elsewhere (see `asd log head`); can be given again."
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="The public key that must have signed: its line, or its file."),
]
SubjectArgument = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="A sample's name, an answer's, or an event's id.")
]


def verify(
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    as_json: JsonOption = False,
    report: ReportOption = None,
    proof: ProofOption = None,
    complete: CompleteOption = False,
    head: HeadOption = None,
    key: KeyOption = None,
) -> None:
    """Check a log byte by byte and name what is wrong.

    The exit code is 3 where something is.
    """
    if proof is not None:
        _verify_proof(proof, key, as_json=as_json)
    elif report is not None:
        from asd.views.publishing import check

        emit(check(store_of(store), run, report) + "\n")
    elif complete:
        _verify_complete(store, run, as_json=as_json)
    else:
        _verify_log(store, run, head or [], key, as_json=as_json)


def prove(
    subject: SubjectArgument,
    store: StoreOption = Path(STORE),
    run: RunOption = None,
    output: OutputOption = None,
) -> None:
    """Write a proof that a sample's events are in the log.

    `asd verify --proof` checks it and needs no log.
    """
    from asd.store.proof import prove as proved

    emit(proved(log_of(store, run).path, subject).to_bytes().decode(), output)


def _verify_log(store: Path, run: str | None, heads: list[Path], key: str | None, *, as_json: bool) -> None:
    from asd.store.verify import verify as check
    from asd.views.verification import as_json_text, as_lines

    expected = _key(key)
    found = check(log_of(store, run).path, key=expected, heads=[_text(path) for path in heads])
    emit(as_json_text(found) if as_json else as_lines(found, expected))
    if not found.ok:
        raise typer.Exit(int(Exit.MISMATCH))


def _verify_proof(path: Path, key: str | None, *, as_json: bool) -> None:
    from asd.store.proof import verify_proof
    from asd.views.verification import proof_as_json, proof_as_lines

    expected = _key(key)
    found = verify_proof(_text(path).encode(), key=expected)
    emit(proof_as_json(found) if as_json else proof_as_lines(found, expected))


def _verify_complete(store: Path, run: str | None, *, as_json: bool) -> None:
    from asd.store.completeness import completeness
    from asd.views.verification import ledger_as_json, ledger_as_lines

    found = completeness(log_of(store, run))
    emit(ledger_as_json(found) if as_json else ledger_as_lines(found))
    if not found.complete:
        raise typer.Exit(int(Exit.INCOMPLETE))


def _key(given: str | None) -> str | None:
    """A verifier line: as it was given, or the first line of the file that was named."""
    if given is None or "+" in given:
        return given
    lines = _text(Path(given)).splitlines()
    return lines[0] if lines else ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError as error:
        raise MissingDataError(f"{path}: {error.strerror}; name a file that can be read") from error
