"""`asd-tui`: a run in the terminal, live or from its beginning to its end."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from asd.core.errors import UsageError
from asd.views.cli import STORE, StoreOption, emit, new_app, run_app, tell

app = new_app("Watch a run in the terminal; it only reads the log.")
RunArgument = Annotated[
    str | None, typer.Argument(metavar="RUN", help="The run to open; without one, the list of runs.")
]
PlainOption = Annotated[bool, typer.Option("--plain", help="No terminal: print the run's state as lines of JSON.")]


@app.command()
def watch(run: RunArgument = None, store: StoreOption = Path(STORE), plain: PlainOption = False) -> None:
    """Open the run RUN of the store, or the list of its runs. Press ? for the keys.

    With --plain it prints a line of JSON whenever the state of RUN (the latest without RUN) has changed, and ends
    with the run.
    """
    from asd.views.tui.model.source import Source

    if plain:
        from asd.views.tui.plain import follow

        follow(Source(store), run, emit, tell)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("there is no terminal here; asd-tui --plain prints the run's state as lines of JSON")
    from asd.views.tui.app import Terminal

    Terminal(Source(store), run).run()


def main() -> None:
    """The entry point of `asd-tui`."""
    run_app(app)


if __name__ == "__main__":
    main()
