"""`asd import`: results that other tools logged become a run."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from asd.views.cli import STORE, StoreOption, tell

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="samples_*.jsonl of lm-eval or .eval of inspect_ai, the cheapest model first."
    ),
]
NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="What the run is called.")]


def import_logs(files: FilesArgument, store: StoreOption = Path(STORE), name: NameOption = "import") -> None:
    """Bring in results of lm-eval or inspect_ai as a run.

    Its events are marked as recorded; each model becomes a stage.
    """
    from asd.runners.base import record
    from asd.runners.config import build
    from asd.runners.imports.runner import read
    from asd.store.store import Store, fresh_id

    runner = build({"runner": "import", "name": name, "sources": [str(file) for file in files]}, "asd import")
    for file in files:
        read(file)
    log = Store(store).create(fresh_id(name))
    with log:
        record(runner.at(log.files), log, command=(Path(sys.argv[0]).name, *sys.argv[1:]))
    tell(f"run {log.run} in {store}; its report: asd project report --run {log.run}")
