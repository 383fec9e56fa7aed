"""Figures of the statistics: the forest of estimates, p-values and power."""

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from asd.core.arrays import FloatArray
from asd.core.statistics.bayes import dirichlet_posterior
from asd.core.statistics.paired import PairedTable
from asd.views.document import Row
from asd.views.figures_quality import COLOURS, INK, logarithmic, number
from asd.views.session import Session

ROPE = 0.01
"""Half-width of the region of practical equivalence, in accuracy and in retention."""
HDI = 0.95
LEAST_P = 1e-6
"""A smaller p is drawn here."""


def forest(session: Session) -> Figure | None:
    """Speedup with its planned interval; retention and accuracy difference as posteriors, by ArviZ, with the ROPE."""
    rows = [row for row in session.rows("results") if row["speedup"] is not None]
    if not rows:
        return None
    tasks = [str(row["task"]) for row in rows]
    posteriors = {str(row["task"]): row for row in session.rows("posterior") if row["lambda"] == rows[0]["lambda"]}
    figure = Figure(figsize=(8, 1.5 + 0.4 * len(rows)))
    speedup, retention, difference = figure.subplots(1, 3)
    places = [float(place) for place in range(len(rows))]
    if all(task in posteriors and posteriors[task]["both_right"] is not None for task in tasks):
        drawn = [_draws(posteriors[task]) for task in tasks]
        _posteriors(retention, dict(zip(tasks, (one[1] for one in drawn), strict=True)), 1.0)
        places = _posteriors(difference, dict(zip(tasks, (100 * one[0] for one in drawn), strict=True)), 0.0, 100)
        _points(retention, [number(row, "quality_retention") for row in rows], places)
        _points(difference, [100 * number(row, "accuracy_difference") for row in rows], places)
        figure.legend(handles=_legend(), loc="outside upper center", ncols=3, fontsize=7)
    else:
        _intervals(retention, rows, places, "quality_retention", 1.0, ROPE)
        _intervals(difference, rows, places, "accuracy_difference", 0.0, ROPE, 100)
    _intervals(speedup, rows, places, "speedup", 1.0)
    titles = ("speedup (95 % interval)", "quality retention", "accuracy difference (points)")
    room = 0.5 * abs(places[0] - places[-1]) / max(1, len(places) - 1) or 0.5
    for axes, title in zip((speedup, retention, difference), titles, strict=True):
        axes.set_xlabel(title)
        axes.grid(visible=False, axis="y")
        axes.set_yticks(places, tasks if axes is speedup else [""] * len(rows))
        bottom, top = (
            (places[-1] + room, places[0] - room) if places[-1] > places[0] else (places[-1] - room, places[0] + room)
        )
        axes.set_ylim(bottom, top)
    return figure


def _draws(row: Row) -> tuple[FloatArray, FloatArray]:
    """The very draws that the run's own analysis made: of the difference and of retention."""
    cells = [int(str(row[name])) for name in ("both_right", "only_ours", "only_baseline", "neither_right")]
    made = dirichlet_posterior(PairedTable(*cells), np.random.default_rng(int(str(row["rng_seed"]))))
    return made.difference, made.retention


def _intervals(
    axes: Axes,
    rows: Sequence[Row],
    places: Sequence[float],
    name: str,
    none: float,
    rope: float | None = None,
    factor: float = 1,
) -> None:
    axes.axvline(none, color=INK, linewidth=0.8, linestyle="--")
    if rope is not None:
        axes.axvspan(factor * (none - rope), factor * (none + rope), color="0.88", linewidth=0)
    for place, row in zip(places, rows, strict=True):
        low, middle, high = (factor * number(row, one) for one in (f"{name}_low", name, f"{name}_high"))
        axes.plot([low, high], [place, place], color=COLOURS[0], linewidth=1.6)
        axes.plot(middle, place, marker="o", color=COLOURS[0], markersize=5)
    axes.margins(x=0.15)


def _posteriors(axes: Axes, draws: dict[str, FloatArray], none: float, factor: float = 1) -> list[float]:
    """ArviZ's forest: median, quartiles and highest-density interval of each dataset's posterior; where each stands."""
    import arviz

    arviz.plot_forest(  # type: ignore[no-untyped-call]
        {task: one[np.newaxis, :] for task, one in draws.items()},
        combined=True,
        hdi_prob=HDI,
        rope=(none - factor * ROPE, none + factor * ROPE),
        colors=COLOURS[0],
        ax=axes,
        textsize=9,
        markersize=5,
        linewidth=1.6,
        show=False,
    )
    axes.set_title("")
    axes.axvline(none, color=INK, linewidth=0.8, linestyle="--")
    for patch in axes.patches:
        patch.set(facecolor="0.85", edgecolor="none", alpha=1, zorder=0)
    at = {
        label.get_text(): float(place) for label, place in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
    }
    return [at[task] for task in draws]


def _legend() -> list[Artist]:
    posterior = "posterior of one seed: median, quartiles, 95 % highest density"
    return [
        Line2D([], [], color=COLOURS[0], marker="o", markerfacecolor="white", markersize=5, label=posterior),
        Line2D([], [], color=COLOURS[1], marker="D", markersize=4, linestyle="none", label="planned estimate"),
        Patch(facecolor="0.85", label="practical equivalence, ± 1 point"),
    ]


def _points(axes: Axes, values: Sequence[float], places: Sequence[float]) -> None:
    axes.plot(values, places, "D", color=COLOURS[1], markersize=4)


def p_values(session: Session) -> Figure | None:
    """Raw and adjusted p of the planned questions; beside them what so many samples can show with 80 % power."""
    rows = [row for row in session.rows("statistics") if row["p_value"] is not None and not row["exploratory"]]
    if not rows:
        return None
    figure = Figure(figsize=(8, 1.5 + 0.32 * len(rows)))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for place, row in enumerate(rows):
        raw, adjusted = (max(number(row, name), LEAST_P) for name in ("p_value", "p_adjusted"))
        left.plot([raw, adjusted], [place, place], color="0.7", linewidth=1)
        left.plot(raw, place, "o", color=COLOURS[0], label="raw" if place == 0 else None)
        left.plot(adjusted, place, "s", color=COLOURS[1], markersize=4, label="adjusted" if place == 0 else None)
    _alpha(left, session)
    _power(right, rows, {row["task"]: row for row in session.rows("effects") if row["name"] != "speedup"})
    logarithmic(left, "x")
    left.set_yticks(range(len(rows)), [f"{row['name']}, {row['task']}" for row in rows], fontsize=7)
    left.set(xlabel="p", xlim=(None, 1.5))
    left.set_ylim(len(rows) - 0.5, -0.5)
    left.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return figure


def _alpha(axes: Axes, session: Session) -> None:
    for row in session.catalogue.sql("SELECT alpha FROM run_planned").to_pylist():
        axes.axvline(row["alpha"], color=INK, linestyle="--", linewidth=0.8, label=f"α = {row['alpha']:g}")


def _power(axes: Axes, rows: Sequence[Row], effects: dict[object, Row]) -> None:
    """The least detectable difference; for retention the least loss that can be excluded, 1 − the attainable margin."""
    for place, row in enumerate(rows):
        effect = effects.get(row["task"])
        if effect is None or row["name"] not in ("accuracy-difference", "quality-retention"):
            continue
        kept = row["name"] == "quality-retention"
        value = (
            1 - number(effect, "attainable_margin_retention")
            if kept
            else number(effect, "minimum_detectable_difference")
        )
        if np.isfinite(value):
            colour, hatch = (COLOURS[4], "///") if kept else (COLOURS[2], "")
            bars = axes.barh(place, 100 * value, color=colour, hatch=hatch, edgecolor="white", height=0.5)
            axes.bar_label(bars, [f" {100 * value:.1f}"], fontsize=7)
            bars.set_label("least loss of retention excluded, %" if kept else "least difference found, points")
    found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(found.values(), found, fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1))
    axes.set_xlabel("with 80 % power")
    axes.margins(x=0.15)
