"""GPUs as their driver describes them, through NVML; none where there is no driver."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from asd.core.facts.environment import Gpu

T = TypeVar("T")


class NoDriver:
    """A machine without NVIDIA's driver."""

    def gpus(self) -> tuple[Gpu, ...]:
        """None."""
        return ()

    def version(self) -> str | None:
        """No version."""
        return None

    def cuda(self) -> str | None:
        """No version."""
        return None


class Nvml(NoDriver):
    """NVML, initialised. What a device does not support is None."""

    def gpus(self) -> tuple[Gpu, ...]:
        """Every GPU that the driver lists, by index."""
        import pynvml

        return tuple(_gpu(index) for index in range(pynvml.nvmlDeviceGetCount()))

    def version(self) -> str | None:
        """The driver's version."""
        import pynvml

        return tried(pynvml.nvmlSystemGetDriverVersion)

    def cuda(self) -> str | None:
        """The newest CUDA version that the driver supports."""
        import pynvml

        number = tried(pynvml.nvmlSystemGetCudaDriverVersion)
        return f"{number // 1000}.{number % 1000 // 10}" if number else None


@contextmanager
def driver() -> Iterator[NoDriver]:
    """The machine's driver while it is needed."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield NoDriver()
        return
    try:
        yield Nvml()
    finally:
        pynvml.nvmlShutdown()


def tried(query: Callable[..., T], *arguments: object) -> T | None:
    """What NVML answers, or None where this device or driver cannot tell."""
    import pynvml

    try:
        return query(*arguments)
    except pynvml.NVMLError:
        return None


def _gpu(index: int) -> Gpu:
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    capability = tried(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    memory = tried(pynvml.nvmlDeviceGetMemoryInfo, handle)
    limit = tried(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    return Gpu(
        index=index,
        name=str(pynvml.nvmlDeviceGetName(handle)),
        memory_bytes=memory.total if memory else 0,
        compute_capability="{}.{}".format(*capability) if capability else None,
        uuid=tried(pynvml.nvmlDeviceGetUUID, handle),
        power_limit_w=limit / 1000 if limit else None,
    )
