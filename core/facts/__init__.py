"""The catalogue of facts, one file a subject. Importing this package registers every built-in event."""

from asd.core.facts import (
    analysis,
    cost,
    data,
    decision,
    environment,
    model,
    predictor,
    run,
    sample,
    telemetry,
    training,
)

__all__ = [
    "analysis",
    "cost",
    "data",
    "decision",
    "environment",
    "model",
    "predictor",
    "run",
    "sample",
    "telemetry",
    "training",
]
