"""GPUs as their driver describes them, through NVML; none where there is no driver."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from asd.core.facts.environment import Gpu
from asd.core.facts.telemetry import DeviceSampled

T = TypeVar("T")
THROTTLE_REASONS = {
    0x02: "applications clocks setting",
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "display clocks setting",
}


class NoDriver:
    """A machine without NVIDIA's driver."""

    def gpus(self) -> tuple[Gpu, ...]:
        """None."""
        return ()

    def readings(self, processes: Collection[int]) -> tuple[DeviceSampled, ...]:
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

    def readings(self, processes: Collection[int]) -> tuple[DeviceSampled, ...]:
        """Every GPU now; `processes` are those whose memory counts as this run's."""
        import pynvml

        return tuple(_reading(index, processes) for index in range(pynvml.nvmlDeviceGetCount()))

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


def _memory(handle: object) -> Any:
    """Memory without what the driver keeps for itself, as nvidia-smi shows it; a driver before 510 counts that in."""
    import pynvml

    second = tried(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    return second or tried(pynvml.nvmlDeviceGetMemoryInfo, handle)


def _gpu(index: int) -> Gpu:
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    capability = tried(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    memory = _memory(handle)
    limit = tried(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    return Gpu(
        index=index,
        name=str(pynvml.nvmlDeviceGetName(handle)),
        memory_bytes=memory.total if memory else 0,
        compute_capability="{}.{}".format(*capability) if capability else None,
        uuid=tried(pynvml.nvmlDeviceGetUUID, handle),
        power_limit_w=limit / 1000 if limit else None,
    )


def _reading(index: int, processes: Collection[int]) -> DeviceSampled:
    import pynvml as nvml

    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    rates = tried(nvml.nvmlDeviceGetUtilizationRates, handle)
    memory = _memory(handle)
    clocks_mhz = [
        tried(nvml.nvmlDeviceGetClockInfo, handle, kind) for kind in (nvml.NVML_CLOCK_SM, nvml.NVML_CLOCK_MEM)
    ]
    ecc = (handle, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC)
    return DeviceSampled(
        device=f"gpu-{index}",
        utilization=rates.gpu / 100 if rates else None,
        memory_used_bytes=memory.used if memory else None,
        memory_total_bytes=memory.total if memory else None,
        temperature_c=tried(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
        power_w=_scaled(tried(nvml.nvmlDeviceGetPowerUsage, handle), 1e-3),
        energy_j=_scaled(tried(nvml.nvmlDeviceGetTotalEnergyConsumption, handle), 1e-3),
        clock_hz=_scaled(clocks_mhz[0], 1e6),
        memory_clock_hz=_scaled(clocks_mhz[1], 1e6),
        throttle_reasons=_throttle_reasons(tried(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle) or 0),
        ecc_errors=tried(nvml.nvmlDeviceGetTotalEccErrors, *ecc),
        process_memory_bytes=_used_by(tried(nvml.nvmlDeviceGetComputeRunningProcesses, handle), processes),
    )


def _scaled(value: int | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _throttle_reasons(bits: int) -> tuple[str, ...]:
    """The names of NVML's reasons (nvml.h, nvmlClocksThrottleReason…) whose bits are set; an idle GPU is none."""
    return tuple(name for bit, name in THROTTLE_REASONS.items() if bits & bit)


def _used_by(running: list[Any] | None, processes: Collection[int]) -> int | None:
    if running is None:
        return None
    mine: list[int | None] = [one.usedGpuMemory for one in running if one.pid in processes]
    return sum(used for used in mine if used is not None)
