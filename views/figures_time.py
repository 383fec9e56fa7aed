"""Figures of time: latencies, devices, phases."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asd.views.document import Row
from asd.views.figures_quality import COLOURS, HATCHES, INK, LINES, logarithmic, number
from asd.views.session import Session

MOST_READINGS = 2000
"""More readings of one device than this are thinned to what a figure can show."""


def latencies(session: Session) -> Figure | None:
    """A box a stage and dataset, in seconds from submission to the last token."""
    rows = session.rows("latencies")
    if not rows:
        return None
    tasks = list(dict.fromkeys(str(row["task"]) for row in rows))
    stages = sorted({int(number(row, "stage")) for row in rows})
    figure = Figure(figsize=(7, 3.4))
    axes = figure.subplots()
    width = 0.8 / len(tasks)
    for place, task in enumerate(tasks):
        some = [row for row in rows if row["task"] == task]
        at = [stages.index(int(number(row, "stage"))) + (place - (len(tasks) - 1) / 2) * width for row in some]
        colour = COLOURS[place % len(COLOURS)]
        boxes = axes.bxp(
            [_box(row) for row in some],
            positions=at,
            widths=width * 0.8,
            showfliers=False,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": colour, "alpha": 0.5, "hatch": HATCHES[place % len(HATCHES)]},
            medianprops={"color": INK},
        )
        boxes["boxes"][0].set_label(task)
    axes.set_xticks(range(len(stages)), [f"stage {stage}" for stage in stages])
    axes.set_ylabel("latency (s)")
    if max(number(row, "p95_latency_s") for row in rows) > 20 * min(number(row, "p25_latency_s") for row in rows):
        logarithmic(axes, "y")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _box(row: Row) -> dict[str, float]:
    return {
        "whislo": number(row, "least_latency_s"),
        "q1": number(row, "p25_latency_s"),
        "med": number(row, "p50_latency_s"),
        "q3": number(row, "p75_latency_s"),
        "whishi": number(row, "p95_latency_s"),
    }


_SPANS = """
SELECT phase, epoch_us(time) / 1000000 - duration_s AS began, epoch_us(time) / 1000000 AS ended,
    CASE WHEN phase = 'stage loading' OR phase IN (SELECT DISTINCT task FROM sample_generated)
        THEN (SELECT max_by(l.stage, l.seq) FROM stage_loaded l WHERE l.stream = f.stream AND l.seq < f.seq)
    END AS stage
FROM phase_finished f ORDER BY stream, seq
"""
_READINGS = """
SELECT device, epoch_us(time) / 1000000 AS at_s, utilization, memory_used_bytes / memory_total_bytes AS memory,
    temperature_c
FROM device_sampled ORDER BY device, at_s, stream, seq
"""


def devices(session: Session) -> Figure | None:
    """Use, memory and temperature of each device, under the phases and their stages."""
    rows = session.catalogue.sql(_READINGS).to_pylist()
    if not rows:
        return None
    wanted = [("utilization", "use"), ("memory", "memory"), ("temperature_c", "temperature (°C)")]
    kept = [(name, title) for name, title in wanted if any(row[name] is not None for row in rows)]
    began = _began(session)
    figure = Figure(figsize=(8, 1.1 + 1.5 * len(kept)))
    strip, *panels = figure.subplots(len(kept) + 1, 1, sharex=True, height_ratios=[0.22] + [1] * len(kept))
    spans = session.catalogue.sql(_SPANS).to_pylist()
    _strip(strip, spans, began)
    for axes, (name, title) in zip(panels, kept, strict=True):
        for place, device in enumerate(dict.fromkeys(row["device"] for row in rows)):
            some = [row for row in rows if row["device"] == device and row[name] is not None]
            some = some[:: max(1, len(some) // MOST_READINGS)]
            line, colour = LINES[place % len(LINES)], COLOURS[place % len(COLOURS)]
            at, values = [row["at_s"] - began for row in some], [row[name] for row in some]
            axes.plot(at, values, color=colour, linestyle=line, linewidth=1, label=device)
        axes.set_ylabel(title)
        if name != "temperature_c":
            axes.set_ylim(0, 1.02)
        for span in spans[1::2]:
            axes.axvspan(span["began"] - began, span["ended"] - began, color="0.93", linewidth=0)
    last = max([row["at_s"] for row in rows] + [span["ended"] for span in spans]) - began
    panels[-1].set(xlabel="seconds since the run began", xlim=(0, last or 1))
    figure.legend(*panels[0].get_legend_handles_labels(), fontsize=8, ncols=5, loc="outside upper center")
    return figure


def _began(session: Session) -> float:
    rows = session.catalogue.sql("SELECT epoch_us(min(time)) / 1000000 AS at_s FROM events").to_pylist()
    return float(rows[0]["at_s"])


def _strip(axes: Axes, spans: Sequence[Row], began: float) -> None:
    """The phases as a row of blocks, named where there is room."""
    whole = max((number(span, "ended") for span in spans), default=began) - began
    for place, span in enumerate(spans):
        start, wide = number(span, "began") - began, number(span, "ended") - number(span, "began")
        axes.broken_barh([(start, max(wide, 0.0))], (0, 1), color=("0.78", "0.9")[place % 2], edgecolor="white")
        told = str(span["phase"]) if span["stage"] is None else f"{span['phase']}\nstage {span['stage']}"
        if max(map(len, told.splitlines())) < 110 * wide / max(whole, 1e-9):
            axes.text(start + wide / 2, 0.5, told, ha="center", va="center", fontsize=7, linespacing=0.9)
    axes.set_axis_off()


def phases(session: Session) -> Figure | None:
    """A row a phase, a bar each time that it was entered."""
    spans = session.catalogue.sql(_SPANS).to_pylist()
    if not spans:
        return None
    began = _began(session)
    names = list(dict.fromkeys(span["phase"] for span in spans))
    figure = Figure(figsize=(8, 0.9 + 0.28 * len(names)))
    axes = figure.subplots()
    for place, name in enumerate(names):
        some = [span for span in spans if span["phase"] == name]
        bars = [(span["began"] - began, max(span["ended"] - span["began"], 0.0)) for span in some]
        axes.broken_barh(bars, (place - 0.35, 0.7), color=COLOURS[0], edgecolor=INK, linewidth=0.3)
        end, total = bars[-1][0] + bars[-1][1], sum(width for _, width in bars)
        axes.annotate(f" {total:,.3g} s", (end, place), va="center", fontsize=7)
    for resumed in session.catalogue.sql("SELECT epoch_us(time) / 1000000 AS at_s FROM run_resumed").to_pylist():
        axes.axvline(resumed["at_s"] - began, color=COLOURS[1], linestyle=":", label="resumed")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel("seconds since the run began")
    axes.margins(x=0.12)
    axes.set_xlim(min(0.0, *(span["began"] - began for span in spans)), None)
    axes.grid(visible=False, axis="y")
    return figure
