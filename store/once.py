"""Facts that are stated once: the same again is nothing, anything else is a conflict."""

from asd.core.errors import ConflictError


def conflict(id: str, stream: str) -> ConflictError:
    """The error for a fact that is there with other content."""
    return ConflictError(
        f"{id} is already in stream {stream!r} with other content, and a fact is stated once; start a new run for it"
    )
