"""A GPU's readings through NVML while something else runs."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean
from threading import Event, Thread

import pynvml


@dataclass
class Readings:
    """One list a quantity, one value a reading; `energy_j` is the counter's difference over the whole time."""

    gpu_share: list[float] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)
    temperature_c: list[int] = field(default_factory=list)
    power_w: list[float] = field(default_factory=list)
    sm_clock_mhz: list[int] = field(default_factory=list)
    throttle_bits: int = 0
    energy_j: float = 0.0
    seconds: float = 0.0

    def summary(self) -> dict[str, float]:
        """Means and peaks, for a table."""
        return {
            "seconds": self.seconds,
            "readings": len(self.power_w),
            "gpu_share_mean": fmean(self.gpu_share or [0.0]),
            "memory_peak_bytes": max(self.memory_bytes, default=0),
            "temperature_peak_c": max(self.temperature_c, default=0),
            "power_mean_w": fmean(self.power_w or [0.0]),
            "power_peak_w": max(self.power_w, default=0.0),
            "sm_clock_mean_mhz": fmean(self.sm_clock_mhz or [0]),
            "throttle_bits": self.throttle_bits,
            "energy_j": self.energy_j,
        }


@contextmanager
def watched(gpus: Sequence[int], every_s: float = 0.1) -> Iterator[Readings]:
    """Read the GPUs every `every_s` seconds until the context ends. Indices are NVML's own."""
    pynvml.nvmlInit()
    handles = [pynvml.nvmlDeviceGetHandleByIndex(gpu) for gpu in gpus]
    readings, done, began, joules = Readings(), Event(), time.monotonic(), _joules(handles)
    thread = Thread(target=_read_until, args=(handles, readings, done, every_s), daemon=True)
    thread.start()
    try:
        yield readings
    finally:
        done.set()
        thread.join()
        readings.energy_j, readings.seconds = _joules(handles) - joules, time.monotonic() - began
        pynvml.nvmlShutdown()


def memory_used_bytes(gpu: int) -> int:
    """What is taken of one GPU's memory, by anybody."""
    pynvml.nvmlInit()
    try:
        return int(pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(gpu)).used)
    finally:
        pynvml.nvmlShutdown()


def _read_until(handles: Sequence[object], readings: Readings, done: Event, every_s: float) -> None:
    while not done.wait(every_s):
        for handle in handles:
            readings.gpu_share.append(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100)
            readings.memory_bytes.append(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
            readings.temperature_c.append(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
            readings.power_w.append(pynvml.nvmlDeviceGetPowerUsage(handle) / 1000)
            readings.sm_clock_mhz.append(pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM))
            readings.throttle_bits |= pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)


def _joules(handles: Sequence[object]) -> float:
    return sum(float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) for handle in handles) / 1000
