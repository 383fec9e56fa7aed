"""The one door for runners, engines, tasks, projections and events, built in or not: entry points.

Listing reads the installed packages' metadata and imports none of them, so that `--help` never loads torch.
"""

import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from asd.core.errors import MissingPackageError, UnknownPluginError

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

    Raises `UnknownPluginError` where no installed package provides it, `MissingPackageError` where it cannot be
    imported for want of a package that it needs.
    """
    found = _found(group)
    if name not in found:
        raise UnknownPluginError(f"no {_thing(group)} {name!r}; there are: {', '.join(sorted(found)) or 'none'}")
    try:
        return found[name].load()
    except ModuleNotFoundError as error:
        raise _missing(f"the {_thing(group)} {name!r}", str(error.name)) from error


def require(packages: Iterable[str], what: str) -> None:
    """Raise `MissingPackageError` where one of the `packages` that `what` needs is not installed; imports none."""
    for name in sorted(packages):
        if find_spec(name) is None:
            raise _missing(what, name)


def load_events() -> None:
    """Import every module that a package names as defining events, so that their kinds are known."""
    for name in names(EVENTS):
        load(EVENTS, name)


def _found(group: str) -> dict[str, EntryPoint]:
    return _read(group, tuple(sys.path))


@cache
def _read(group: str, path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Reading the metadata of every installed package takes 10 ms, and a report asks a thousand times."""
    return {point.name: point for point in entry_points(group=group)}


def _missing(what: str, package: str) -> MissingPackageError:
    extra = "vllm" if package == "vllm" else "run"
    return MissingPackageError(f"{what} needs the package {package!r}; pip install 'asd[{extra}]' brings it")


def _thing(group: str) -> str:
    return group.removeprefix("asd.").removesuffix("s")
