"""Telemetry: readings of the host and of GPUs, in a stream of their own."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from types import SimpleNamespace

import pynvml
import pytest
from fixtures_run import generated, log_of

from asd.core.errors import DiskError
from asd.core.event import Event
from asd.core.facts.model import StageLoaded
from asd.core.facts.run import Nature, PhaseFinished
from asd.core.facts.telemetry import DeviceSampled
from asd.runners import gpus
from asd.runners.base import Runner, Step
from asd.runners.telemetry import Telemetry, alongside, beside
from asd.store.memory import MemoryLog
from asd.views.session import Session


def host(step: object) -> DeviceSampled:
    assert isinstance(step, tuple)
    reading = step[-1]
    assert isinstance(reading, DeviceSampled)
    return reading


def test_the_host_is_read_at_every_tick() -> None:
    for reading in map(host, islice(Telemetry(rate_hz=50).run(), 3)):
        assert reading.device == "host"
        assert reading.utilization is not None
        assert 0 <= reading.utilization <= 1
        assert reading.memory_used_bytes is not None
        assert reading.memory_total_bytes is not None
        assert 0 < reading.memory_used_bytes <= reading.memory_total_bytes
        assert reading.process_memory_bytes


def test_readings_end_after_the_duration() -> None:
    assert len(list(Telemetry(rate_hz=50, duration_s=0.1).run())) >= 1


def test_readings_alongside_a_run_go_to_their_own_stream_and_end_with_it() -> None:
    log = MemoryLog("run")
    with alongside(Telemetry(rate_hz=100), log):
        while not list(log.read()):
            time.sleep(0.01)
    count = len(list(log.read()))
    time.sleep(0.05)
    records = list(log.read())
    assert len(records) == count
    assert {record.stream for record in records} == {"telemetry"}


def test_what_stops_the_readings_is_raised_after_the_run() -> None:
    class FullLog(MemoryLog):
        def append(self, stream: str, events: object) -> int:
            raise DiskError("the disk is full")

    watched = alongside(Telemetry(rate_hz=100), FullLog("run"))
    watched.__enter__()
    time.sleep(0.1)
    with pytest.raises(DiskError):
        watched.__exit__(None, None, None)


def test_the_reasons_for_slow_clocks_are_named() -> None:
    assert gpus._throttle_reasons(0x01 | 0x04 | 0x40) == ("power cap", "hardware thermal slowdown")
    assert gpus._throttle_reasons(0x01) == ()


def test_the_memory_of_other_processes_is_not_this_runs() -> None:
    running = [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in ((1, 10), (2, 20), (3, None))]
    assert gpus._used_by(running, {1, 3}) == 10
    assert gpus._used_by(None, {1}) is None


def test_gpus_are_read_where_there_are_some() -> None:
    with gpus.driver() as driver:
        described = driver.gpus()
        if not described:
            pytest.skip("no GPU here")
        readings = driver.readings({1})
    assert [reading.device for reading in readings] == [f"gpu-{gpu.index}" for gpu in described]
    for reading in readings:
        assert isinstance(reading, Event)
        assert reading.memory_total_bytes


def test_every_query_of_the_driver_has_the_name_that_its_package_gives_it() -> None:
    for name in (
        "nvmlDeviceGetUtilizationRates",
        "nvmlDeviceGetCurrentClocksThrottleReasons",
        "nvmlDeviceGetTotalEccErrors",
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetTotalEnergyConsumption",
        "nvmlDeviceGetEnforcedPowerLimit",
        "nvmlSystemGetCudaDriverVersion",
    ):
        assert callable(getattr(pynvml, name))
    assert pynvml.nvmlClocksThrottleReasonSwPowerCap == 0x04
    assert pynvml.nvmlClocksThrottleReasonHwThermalSlowdown == 0x40


class Idle(Runner):
    """Nothing is done."""

    kind = "idle"

    def run(self, past: Iterable[Event]) -> Iterator[Step]:
        return iter(())


@pytest.mark.parametrize(("runner", "read"), [(Idle(telemetry_hz=100), True), (Idle(telemetry_hz=0), False)])
def test_a_run_says_how_often_devices_are_read_beside_it(runner: Runner, read: bool) -> None:
    log = MemoryLog("run")
    with beside(runner, log):
        time.sleep(0.1)
    assert bool(list(log.read())) is read


def test_a_run_that_only_reads_devices_reads_them_once() -> None:
    log = MemoryLog("run")
    with beside(Telemetry(rate_hz=100), log):
        time.sleep(0.1)
    assert not list(log.read())


def loaded(stage: int) -> StageLoaded:
    described = {"stage": stage, "model": f"m{stage}", "engine": "made-up", "nature": Nature.SIMULATED, "load_s": 1.0}
    nothing = {"dtype": None, "parameters": None, "memory_bytes": None}
    return StageLoaded.model_validate({**described, **nothing, "gpus": (stage,), "tensor_parallel": 1})


def gpu(utilization: float, energy_j: float) -> DeviceSampled:
    return DeviceSampled(
        device="gpu-0", utilization=utilization, memory_used_bytes=1, memory_total_bytes=2, energy_j=energy_j
    )


def test_readings_are_joined_by_time_to_the_stage_and_task_that_was_answering() -> None:
    first = [loaded(0), generated("sums", "sums/1", 0, "m0"), gpu(0.2, 100), gpu(0.4, 150)]
    second = [loaded(1), gpu(1.0, 180), gpu(0.8, 190)]
    events = [*first, PhaseFinished(phase="sums", duration_s=3), *second, PhaseFinished(phase="sums", duration_s=2.5)]
    rows = Session(log_of([*events, gpu(0.0, 500)])).rows("device_use")
    seen = [(row["task"], row["stage"], row["readings"], row["mean_utilization"], row["energy_j"]) for row in rows]
    assert seen == [("sums", 0, 2, pytest.approx(0.3), 50.0), ("sums", 1, 2, pytest.approx(0.9), 10.0)]
