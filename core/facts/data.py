"""Datasets and what each of their samples is used for."""

from asd.core.event import Event


class DatasetLoaded(Event, kind="dataset.loaded", v=1, once=True):
    """Rows were read for one role. `fingerprint` is a SHA-256 over the rows that are used, in order."""

    task: str
    role: str
    hub_path: str | None
    config: str | None
    split: str
    samples: int
    samples_used: int
    fingerprint: str
    licence: str | None
    loaded_from: str
    clusters: int | None = None

    @property
    def subject(self) -> str:
        return f"{self.task}/{self.role}"


class SplitAssigned(Event, kind="split.assigned", v=1, once=True):
    """The samples that play `role` for one seed (fit, calibrate, certify, evaluate), in parts of at most 2,000.

    Roles are disjoint, and samples with the same prompt hash share one.
    """

    seed: int
    role: str
    part: int
    samples: tuple[str, ...]

    @property
    def subject(self) -> str:
        return f"seed-{self.seed}/{self.role}/{self.part}"
