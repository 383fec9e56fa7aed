"""Models: their files, and the stages that they were loaded as."""

from asd.core.event import Event, Fact


class FileCheck(Fact):
    """One file against what was expected of it.

    `state` is ok, repaired, unlisted, missing, wrong size or wrong hash.
    """

    name: str
    size_bytes: int | None
    sha256: str | None
    expected_size_bytes: int | None
    expected_sha256: str | None
    state: str


class ModelChecked(Event, kind="model.checked", v=1):
    """Every file of a stage's model was read and compared with `against` (manifest, hub index or nothing)."""

    stage: int
    model: str
    path: str
    against: str
    files: tuple[FileCheck, ...]
    files_ok: int
    files_total: int
    weights_sha256: str

    @property
    def subject(self) -> str:
        return f"stage-{self.stage}"


class StageLoaded(Event, kind="stage.loaded", v=1):
    """A stage's engine is ready. `memory_bytes` is what loading it took, None where it cannot be told."""

    stage: int
    model: str
    engine: str
    nature: str
    gpus: tuple[int, ...]
    tensor_parallel: int
    dtype: str | None
    parameters: int | None
    memory_bytes: int | None
    load_s: float

    @property
    def subject(self) -> str:
        return f"stage-{self.stage}"
