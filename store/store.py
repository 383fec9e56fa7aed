"""A store: a folder of runs."""

import secrets
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from asd.core.errors import DamageError, DiskError, UnknownRunError, UsageError
from asd.store.files import FileLog
from asd.store.layout import Sealed, chain, checked_run, run_folders, steadily, stream_folders
from asd.store.manifest import read_manifest
from asd.store.options import Options
from asd.store.reader import StreamReader

ABLATION = "-ablation-"
"""What the ids of runs that measure another run's ablations have after its name."""


class Store:
    """The runs in the folder `path`, which is made when the first run is."""

    def __init__(self, path: Path, options: Options | None = None) -> None:
        """`options` is how logs of this store are written; see `asd.store.options.Options`."""
        self.path = path
        self.options = options or Options()

    def runs(self) -> tuple[str, ...]:
        """The ids of all runs, in the order in which they began; those of which that cannot be told come last."""
        began = {folder.name: _began(folder) for folder in run_folders(self.path)}
        latest = datetime.max.replace(tzinfo=UTC)
        return tuple(sorted(began, key=lambda name: (began[name] or latest, name)))

    def latest(self) -> str:
        """The id of the run that began last; ablations are read with the run that they vary, so they count only where
        there is nothing else. Raises `UnknownRunError` where there is none."""
        runs = self.runs()
        if not runs:
            raise UnknownRunError(f"{self.path}: no runs here; start one with asd-runner, or name a store with --store")
        return next((run for run in reversed(runs) if ABLATION not in run), runs[-1])

    def run(self, run_id: str | None = None) -> FileLog:
        """The log of a run, None for the latest. Raises `UnknownRunError` where the store does not hold it."""
        name = self.latest() if run_id is None else checked_run(run_id)
        folder = self.path / name
        if folder.is_symlink():
            raise UnknownRunError(f"{folder}: is a link, and a run must be a folder of its own; name its own store")
        if not folder.is_dir():
            raise UnknownRunError(f"{self.path}: no run {name!r}; `asd runs` lists what is there")
        return FileLog(folder, self.options)

    def create(self, run_id: str) -> FileLog:
        """The log of a new run. Raises `UsageError` where there is one already, `DiskError` where none can be made."""
        folder = self.path / checked_run(run_id)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError as error:
            raise UsageError(f"{folder}: there is a run of this name already; resume it, or choose another") from error
        except OSError as error:
            raise DiskError(f"{folder}: {error.strerror}; choose another store with --store") from error
        self.options.disk.sync_folder(self.path)
        return FileLog(folder, self.options)


def fresh_id(name: str, now: datetime | None = None) -> str:
    """A run id that nobody has: `name`, the time to the second in UTC, and six random hexadecimal digits."""
    when = (now or datetime.now(UTC)).astimezone(UTC)
    return checked_run(f"{name}-{when:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}")


def _began(folder: Path) -> datetime | None:
    """When the first event of the run in `folder` was logged; None where there is none, or where it cannot be read."""
    try:
        times = [steadily(partial(_first_time, stream)) for stream in stream_folders(folder)]
    except DamageError:
        return None
    return min((time for time in times if time is not None), default=None)


def _first_time(stream: Path) -> datetime | None:
    files = chain(stream)
    if files and isinstance(files[0], Sealed):
        return datetime.fromisoformat(read_manifest(files[0]).first_time)
    reader = StreamReader(stream)
    try:
        return next((record.time for record in reader.poll()), None)
    finally:
        reader.close()
