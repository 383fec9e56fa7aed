"""What must not change between two attempts of a run."""

from collections.abc import Iterator, Mapping

DRIFTING: dict[str, tuple[str, ...]] = {
    "environment.captured": (
        "gpus",
        "cpu",
        "memory_bytes",
        "os",
        "kernel",
        "python",
        "cuda",
        "driver",
        "packages",
        "git",
    ),
    "model.checked": ("weights_sha256",),
}
"""The fields that are compared, by kind of event."""


def changed(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    """The names of the fields that differ; of packages, the packages."""
    for name, value in now.items():
        old = before.get(name)
        if old == value:
            continue
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            parts = sorted(key for key in old.keys() | value.keys() if old.get(key) != value.get(key))
            yield f"{name} ({', '.join(parts)})"
        else:
            yield name
