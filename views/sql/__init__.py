"""The built-in projections: one SQL file each, found by its name. Importing this reads nothing."""

from importlib.resources import files


def __getattr__(name: str) -> str:
    """The text of the projection `name`."""
    file = files(__package__).joinpath(f"{name}.sql")
    if name.startswith("_") or not file.is_file():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return file.read_text(encoding="utf-8")
