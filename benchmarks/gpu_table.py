"""The table of a GPU measurement, and the Qwen2.5 shapes that it is about."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

Row = dict[str, object]


@dataclass(frozen=True)
class Shape:
    """A Qwen2.5 model's shape, as in the config.json that it is published with."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int


SHAPES = {
    "7B": Shape(3584, 28, 28, 4, 18944),
    "14B": Shape(5120, 48, 40, 8, 13824),
    "32B": Shape(5120, 64, 40, 8, 27648),
    "72B": Shape(8192, 80, 64, 8, 29568),
}


def extrapolated(rows: Sequence[Row]) -> Iterator[Row]:
    """The cost of a whole shape from two rows with fewer layers: a straight line through their seconds a sample.

    Layers are alike, so time and memory grow by the same amount with each; what is not layers is the line's start.
    """
    parts: dict[tuple[str, object], list[Row]] = {}
    for row in rows:
        size, _, layers = str(row["model"]).removeprefix("Qwen2.5-").partition("/")
        if layers and "busy_s" in row:
            parts.setdefault((size, row["batch"]), []).append(row)
    for (size, _), (low, high, *_) in ((key, two) for key, two in parts.items() if len(two) > 1):
        names = [name for name in ("busy_s", "first_token_s", "memory_bytes") if isinstance(low[name], int | float)]
        whole = {name: _line(low, high, name, SHAPES[size].num_hidden_layers) for name in names}
        same = {name: low[name] for name in ("ladder", "engine", "batch", "input_tokens_mean", "output_tokens_mean")}
        yield {**same, "model": f"Qwen2.5-{size}, extrapolated", "samples": 0, **whole}


def _line(low: Row, high: Row, name: str, layers: int) -> float:
    (x0, y0), (x1, y1) = ((float(str(row["layers"])), float(str(row[name]))) for row in (low, high))
    return y0 + (y1 - y0) / (x1 - x0) * (layers - x0)


COLUMNS = (
    *("model", "engine", "batch", "tokens in/out", "ms a sample", "relative", "first token ms", "weights MB"),
    *("load s", "GPU %", "W", "°C", "J a sample", "right"),
)


def table(rows: Sequence[Row]) -> Table:
    """The rows, and after them what can be extrapolated from them."""
    made = Table(title="Cost of a sample on a GPU", title_justify="left")
    for name in COLUMNS:
        made.add_column(name)
    first: dict[tuple[object, ...], float] = {}
    for row in [*rows, *extrapolated(rows)]:
        made.add_row(*(_cells(row, first) if "busy_s" in row else [str(row["model"]), str(row["engine"]), _said(row)]))
    return made


def _said(row: Row) -> str:
    return str(row["error"]) if "error" in row else f"{row['equal']} of {row['samples']} equal"


def _cells(row: Row, first: dict[tuple[object, ...], float]) -> list[str]:
    """One row's cells; its relative cost is to the first row of the same ladder, engine and batch size."""
    number = {name: float(str(value)) for name, value in row.items() if isinstance(value, int | float)}
    base = first.setdefault((row["ladder"], row["engine"], row["batch"]), number["busy_s"])
    return [
        *(str(row["model"]), str(row["engine"]), str(row["batch"])),
        f"{number['input_tokens_mean']:.0f}/{number['output_tokens_mean']:.1f}",
        _short(1000 * number["busy_s"]),
        f"{number['busy_s'] / base:.2f}",
        _short(1000 * number["first_token_s"]),
        _short(number["memory_bytes"] / 1e6),
        *_readings(row, number),
    ]


def _readings(row: Row, number: Mapping[str, float]) -> list[str]:
    nvml = row.get("nvml")
    if not isinstance(nvml, Mapping):
        return [""] * 6
    return [
        f"{number['load_s']:.0f}",
        f"{100 * nvml['gpu_share_mean']:.0f}",
        f"{nvml['power_mean_w']:.0f}",
        f"{nvml['temperature_peak_c']:.0f}",
        _short(nvml["energy_j"] / number["samples"]),
        str(row.get("correct", "")),
    ]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
