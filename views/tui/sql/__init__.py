"""The questions that the terminal view asks on opening a run; each file says what it answers."""

from functools import cache
from importlib.resources import files


@cache
def text(name: str) -> str:
    """The SQL of the file `name`."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
