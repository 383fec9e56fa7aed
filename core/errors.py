"""The errors of `asd`: each is one line that says what to do, and knows the exit code it ends a command with."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command line."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    MISMATCH = 3
    INCOMPLETE = 4
    BUSY = 5


class AsdError(Exception):
    """Base of every error that a user can do something about. `str(error)` is one line."""

    exit_code: Exit = Exit.FAILED


class UsageError(AsdError):
    """What was asked for cannot be done as written: a bad configuration, name or option."""

    exit_code = Exit.USAGE


class ConfigError(UsageError):
    """A configuration that does not say what a runner needs."""


class UnknownPluginError(UsageError):
    """A runner, engine, task or projection that no installed package provides."""


class MissingPackageError(UsageError):
    """A package that the work needs and that is not installed."""


class UnknownRunError(UsageError):
    """A run that the store does not hold."""


class MissingDataError(UsageError):
    """A dataset, a model folder or a recorded file that is not where the configuration says."""


class EventError(AsdError):
    """An event that cannot be decoded: unknown kind, newer version, or data that breaks its schema."""

    exit_code = Exit.MISMATCH


class ConflictError(AsdError):
    """A fact that the log already holds with other content; facts are stated once."""

    exit_code = Exit.MISMATCH


class DamageError(AsdError):
    """A log whose bytes are not what was written; named with file and offset, never cut."""

    exit_code = Exit.MISMATCH


class ModelFileError(AsdError):
    """A model file that is missing or is not the one that its manifest names."""

    exit_code = Exit.MISMATCH


class BusyError(AsdError):
    """A stream that another process is writing."""

    exit_code = Exit.BUSY


class DiskError(AsdError):
    """The disk refused a write; what was acknowledged before is safe."""


class LimitError(AsdError):
    """Work that was ended because it took more time or memory than it may."""


class EngineError(AsdError):
    """A stage that could not answer."""
