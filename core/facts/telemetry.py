"""What the devices did, and what happened to the log itself."""

from asd.core.event import Event


class DeviceSampled(Event, kind="device.sampled", v=1):
    """One reading of one device ("gpu-0", "host"). Shares are 0 to 1; what the device cannot tell is None.

    `clock_hz` is that of the multiprocessors. Energy, bytes and `ecc_errors` (uncorrected memory errors) are counts
    since the device or machine started; `process_memory_bytes` is what this process and those it started hold.
    """

    device: str
    utilization: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    temperature_c: float | None = None
    power_w: float | None = None
    energy_j: float | None = None
    clock_hz: float | None = None
    memory_clock_hz: float | None = None
    throttle_reasons: tuple[str, ...] = ()
    ecc_errors: int | None = None
    process_memory_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None

    @property
    def subject(self) -> str:
        return self.device


class LogRecovered(Event, kind="log.recovered", v=1):
    """A torn tail was cut from a stream: `bytes_cut` after `offset` of `file`; none of it had been acknowledged."""

    file: str
    offset: int
    bytes_cut: int
    bytes_sha256: str
