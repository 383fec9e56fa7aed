"""Places as configurations write them."""

import os
from pathlib import Path

PACKAGED = "asd:"


def written_path(path: str) -> Path:
    """`path` with `~` and `$VARIABLES` filled in; `asd:pocket/x` is what the package ships in runners/pocket/x."""
    if path.startswith(PACKAGED):
        return Path(__file__).resolve().parent / path.removeprefix(PACKAGED)
    return Path(os.path.expandvars(path)).expanduser()
