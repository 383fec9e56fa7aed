"""The one door for runners, engines, tasks, projections and events, built in or not: entry points.

Listing reads the installed packages' metadata and imports none of them, so that `--help` never loads torch.
"""

from importlib.metadata import EntryPoint, entry_points

from asd.core.errors import UnknownPluginError

RUNNERS = "asd.runners"
ENGINES = "asd.engines"
TASKS = "asd.tasks"
PROJECTIONS = "asd.projections"
EVENTS = "asd.events"


def names(group: str) -> tuple[str, ...]:
    """The names of the plugins of `group`, sorted."""
    return tuple(sorted(_found(group)))


def load(group: str, name: str) -> object:
    """Import and return the plugin `name` of `group`.

    Raises `UnknownPluginError` where no installed package provides it, or where it cannot be imported for want of
    a package that it needs.
    """
    found = _found(group)
    if name not in found:
        raise UnknownPluginError(f"no {_thing(group)} {name!r}; there are: {', '.join(sorted(found)) or 'none'}")
    try:
        return found[name].load()
    except ModuleNotFoundError as error:
        raise UnknownPluginError(
            f"the {_thing(group)} {name!r} needs the package {error.name!r}; pip install 'asd[run]' brings it"
        ) from error


def load_events() -> None:
    """Import every module that a package names as defining events, so that their kinds are known."""
    for name in names(EVENTS):
        load(EVENTS, name)


def _found(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def _thing(group: str) -> str:
    return group.removeprefix("asd.").removesuffix("s")
