"""The accelerators as text: load, memory, heat, power, throttling, and the history of the load."""

from collections.abc import Iterator

from rich.text import Text

from asd.views.sanitize import sanitize
from asd.views.tui.model.frames import Frame
from asd.views.tui.model.state import Reading
from asd.views.tui.paint.block import Block, block
from asd.views.tui.paint.words import cut, percent, size, sparks


def devices(frame: Frame, now_us: int, width: int) -> Block:
    """The accelerators with their history; processor and memory where there is none."""
    found = frame.state.devices
    shown = sorted(name for name in found if name != "host") or sorted(found)
    if not shown:
        return block("Devices", "", [Text("no telemetry is logged", "dim")])
    head = Text(f"{'':6} {'busy':>4}  {'memory':>13}  {'heat':>5} {'power':>5}  history"[:width], "dim")
    return block("Devices", "", [head, *(line for name in shown for line in _device(name, found[name], width))])


def _device(name: str, readings: tuple[Reading, ...], width: int) -> Iterator[Text]:
    now = readings[-1]
    share = now.memory_used_bytes / now.memory_total_bytes if now.memory_used_bytes and now.memory_total_bytes else None
    heat = f"{now.temperature_c:.0f} °C" if now.temperature_c is not None else "–"
    power = f"{now.power_w:.0f} W" if now.power_w is not None else "–"
    line = Text(f"{cut(name, 6):6} {percent(now.utilization):>4}  {percent(share):>4} {size(now.memory_used_bytes):>8}")
    line.append(f"  {heat:>5} {power:>5}  ")
    yield line.append(sparks([one.utilization or 0.0 for one in readings[-max(4, width - 42) :]], 1.0), "green")
    throttled = sum(bool(one.throttle_reasons) for one in readings)
    if throttled:
        reasons = sorted({reason for one in readings for reason in one.throttle_reasons})
        words = sanitize(", ".join(reasons))
        yield Text(cut(f"       ! throttled in {throttled} of {len(readings)}: {words}", width), "yellow")
