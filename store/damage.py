"""Damage found in a log: which file, at which byte, which event, and what is wrong with it."""

from pathlib import Path

from asd.core.errors import DamageError


class DamagedFileError(DamageError):
    """A `DamageError` whose parts can be asked for. `event` is the first sequence number concerned, `offset` the byte
    in `file` where it begins, 0 where the file is damaged as a whole."""

    def __init__(self, file: Path, event: int, offset: int, what: str) -> None:
        super().__init__(
            f"{file}: event {event} at byte {offset}: {what};"
            " nothing was changed, restore the file from a copy or start a new run"
        )
        self.file, self.event, self.offset, self.what = file, event, offset, what
