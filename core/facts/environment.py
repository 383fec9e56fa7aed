"""The machine and the software that a run had."""

from asd.core.event import Event, Fact


class Gpu(Fact):
    """One accelerator as the driver describes it."""

    index: int
    name: str
    memory_bytes: int
    compute_capability: str | None = None
    uuid: str | None = None
    power_limit_w: float | None = None


class Cpu(Fact):
    """The processor: `cores` physical, `threads` logical, `usable` those that this process may run on."""

    model: str
    architecture: str
    cores: int | None
    threads: int | None
    usable: int


class Git(Fact):
    """The state of the code that ran. `diff_sha256` is None for a clean tree; `remote` is without credentials."""

    commit: str
    branch: str | None
    clean: bool
    diff_sha256: str | None
    remote: str | None
    committed_at: str | None
    author: str | None


class EnvironmentCaptured(Event, kind="environment.captured", v=1):
    """A snapshot of hardware and software; memory and disk in bytes. Variables are recorded by allow-list."""

    gpus: tuple[Gpu, ...]
    cpu: Cpu
    memory_bytes: int
    memory_available_bytes: int
    disk_bytes: int
    disk_used_bytes: int
    os: str
    kernel: str
    python: str
    cuda: str | None
    driver: str | None
    packages: dict[str, str]
    variables: dict[str, str]
    git: Git | None
