"""How facts are named."""


def event_id(kind: str, subject: str | None) -> str:
    """The id of a fact that is stated once: `kind:subject`. Unique within a run."""
    return f"{kind}:{subject or ''}"
