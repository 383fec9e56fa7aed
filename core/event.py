"""An event: one immutable fact, named in the past tense.

Defining a subclass registers it under its kind and version; nothing else has to be edited to add one. An event
holds no clock and no place: those belong to the log, which gives them to the `Record` it makes of the event.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from asd.core.errors import EventError
from asd.core.ids import event_id

JsonObject = dict[str, Any]
ENVELOPE = frozenset({"run", "stream", "seq", "time", "id", "subject", "cause", "kind", "v"})
_registry: dict[str, type["Event"]] = {}


class Fact(BaseModel):
    """A frozen value without an identity of its own, used inside events."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Event(Fact):
    """Base of every event. Class arguments: `kind` ("sample.graded"), `v` (1), `once`.

    With `once=True` the fact is stated once per `subject`: appending it again with the same content does nothing,
    with other content raises `ConflictError`. A newer version `v` decodes older data through methods
    `upcast_v1`, `upcast_v2`, …, each lifting data one step: `(cls, data: dict) -> dict`.
    """

    kind: ClassVar[str]
    v: ClassVar[int]
    once: ClassVar[bool]

    def __init_subclass__(cls, *, kind: str, v: int = 1, once: bool = False, **kwargs: Any) -> None:
        """Take the class arguments; pydantic calls this before the fields exist."""
        super().__init_subclass__(**kwargs)
        cls.kind, cls.v, cls.once = kind, v, once

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the class; raise `TypeError` where its kind is taken or a field would hide the envelope."""
        taken = _registry.get(cls.kind)
        if taken is not None and taken.__qualname__ != cls.__qualname__:
            raise TypeError(f"{cls.__qualname__}: kind {cls.kind!r} already belongs to {taken.__qualname__}")
        hidden = ENVELOPE & cls.model_fields.keys()
        if hidden:
            raise TypeError(f"{cls.__qualname__}: {sorted(hidden)} are names of the envelope; rename the fields")
        _registry[cls.kind] = cls

    @property
    def subject(self) -> str | None:
        """What the fact is about (a sample, a stage, …), or None where it is about the run."""
        return None

    def same_fact(self, before: "Event") -> bool:
        """Whether a later attempt that says this fact says what `before` said."""
        return self == before

    @property
    def cause(self) -> str | None:
        """The id of the event that brought this one about, or None; see `event_id`."""
        return None


def kinds() -> dict[str, type[Event]]:
    """Every event class known to this process, by kind."""
    return dict(sorted(_registry.items()))


def decode(kind: str, v: int, data: JsonObject) -> Event:
    """Build the event of `kind` from `data` written at version `v`, lifting old versions step by step.

    Raises `EventError` for a kind or a version that this build does not know, and for data that breaks the schema.
    """
    cls = _registry.get(kind)
    if cls is None:
        raise EventError(f"event kind {kind!r} is unknown here; install the plugin that defines it")
    if v > cls.v:
        raise EventError(f"{kind} version {v} is newer than version {cls.v} known here; upgrade asd")
    try:
        for step in range(v, cls.v):
            data = _upcaster(cls, step)(data)
        return cls.model_validate(data)
    except ValidationError as error:
        raise EventError(f"{kind} version {v}: {_first(error)}") from error


def _upcaster(cls: type[Event], v: int) -> Callable[[JsonObject], JsonObject]:
    step: Callable[[JsonObject], JsonObject] | None = getattr(cls, f"upcast_v{v}", None)
    if step is None:
        raise EventError(f"{cls.kind}: version {v} needs {cls.__qualname__}.upcast_v{v}, which is missing")
    return step


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])


__all__ = ["Event", "Fact", "JsonObject", "Self", "decode", "event_id", "kinds"]
