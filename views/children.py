"""Runs that vary another one without a model: which ablations of a run a store holds."""

from collections.abc import Sequence

from asd.core.errors import UsageError
from asd.core.facts.run import RunFinished, RunStarted
from asd.core.log import EventLog
from asd.store.files import FileLog
from asd.store.store import ABLATION, Store
from asd.views.as_of import as_of


def ablation_name(parent: FileLog) -> str:
    """How ablations of `parent` are named, so that they are found by name. Raises `UsageError` for an empty log."""
    started = opening(parent)
    if started is None:
        raise UsageError(f"{parent.run}: it never started; start a new run instead")
    return f"{started.name}{ABLATION}".rstrip("-")


def ablations_of(store: Store, log: EventLog, only: Sequence[str] | None = None) -> tuple[EventLog, ...]:
    """The store's finished ablations of the run of `log`, oldest first; of these, those in `only` where it is given."""
    started = opening(log)
    if started is None or only == ():
        return ()
    named = (run for run in store.runs() if run.startswith(f"{started.name}{ABLATION}"))
    logs = (as_of(store.run(run), None) for run in named if only is None or run in only)
    return tuple(one for one in logs if _varies(opening(one), log.run) and any(one.read(only=(RunFinished,))))


def opening(log: EventLog) -> RunStarted | None:
    """How the run of `log` began, None where it has not."""
    found = next((one.event for one in log.read(only=(RunStarted,))), None)
    return found if isinstance(found, RunStarted) else None


def _varies(started: RunStarted | None, run: str) -> bool:
    return started is not None and started.runner == "ablation" and started.parent == run
