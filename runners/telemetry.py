"""What the devices do while a run goes on: a runner of its own, with its own stream."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event as Flag
from threading import Thread

from pydantic import Field

from asd.core.errors import AsdError
from asd.core.event import Event
from asd.core.facts.telemetry import DeviceSampled
from asd.core.log import EventLog
from asd.runners import gpus
from asd.runners.base import Runner, Step


class Telemetry(Runner):
    """Reads every GPU and the host `rate_hz` times a second, for `duration_s` seconds or until it is stopped."""

    kind = "telemetry"
    stream = "telemetry"
    rate_hz: float = Field(default=1.0, gt=0, le=100)
    duration_s: float | None = Field(default=None, gt=0)

    def run(self, past: Iterable[Event] = ()) -> Iterator[Step]:
        """Yield the readings of all devices, together, at each tick; ticks that come too late are left out."""
        yield from self.readings(Flag())

    def readings(self, stop: Flag) -> Iterator[tuple[DeviceSampled, ...]]:
        """The same until `stop` is set, which ends the waiting between two ticks at once."""
        began = time.monotonic()
        with gpus.driver() as driver:
            host = Host()
            for tick in self._ticks(began, stop):
                yield (*driver.readings(family()), host.reading())
                if self.duration_s is not None and tick >= self.duration_s:
                    return

    def _ticks(self, began: float, stop: Flag) -> Iterator[float]:
        """Seconds since the beginning, at each tick."""
        period, count = 1 / self.rate_hz, 1
        while not stop.wait(max(0.0, began + count * period - time.monotonic())):
            now = time.monotonic() - began
            yield now
            count = max(count, int(now / period)) + 1


def beside(runner: Runner, log: EventLog) -> AbstractContextManager[None]:
    """What reads devices while `runner` works, as often as it says; nothing where its own work is to read them."""
    if not runner.telemetry_hz or runner.stream == Telemetry.stream:
        return nullcontext()
    return alongside(Telemetry(rate_hz=runner.telemetry_hz), log)


@contextmanager
def alongside(telemetry: Telemetry, log: EventLog) -> Iterator[None]:
    """Log readings to the stream of `telemetry` while the body runs. Raises what stopped them, after the body."""
    stop, failures = Flag(), list[AsdError]()

    def read() -> None:
        try:
            for step in telemetry.readings(stop):
                log.append(telemetry.stream, step)
        except AsdError as error:
            failures.append(error)

    thread = Thread(target=read, name="asd-telemetry", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


class Host:
    """The machine itself, through psutil; the share of busy time is that since the last reading."""

    def __init__(self) -> None:
        import psutil

        psutil.cpu_percent(interval=None)

    def reading(self) -> DeviceSampled:
        """The machine now."""
        import psutil

        memory, disk, network = psutil.virtual_memory(), psutil.disk_io_counters(), psutil.net_io_counters()
        return DeviceSampled(
            device="host",
            utilization=psutil.cpu_percent(interval=None) / 100,
            memory_used_bytes=memory.total - memory.available,
            memory_total_bytes=memory.total,
            process_memory_bytes=_resident_bytes(),
            read_bytes=disk.read_bytes if disk else None,
            written_bytes=disk.write_bytes if disk else None,
            received_bytes=network.bytes_recv if network else None,
            sent_bytes=network.bytes_sent if network else None,
        )


def family() -> frozenset[int]:
    """The ids of this process and of those that it started."""
    import psutil

    try:
        return frozenset({os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))})
    except psutil.Error:
        return frozenset({os.getpid()})


def _resident_bytes() -> int:
    import psutil

    total = 0
    for pid in family():
        try:
            total += psutil.Process(pid).memory_info().rss
        except psutil.Error:
            continue
    return total
