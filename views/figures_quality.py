"""Figures of accuracy, decisions and statistics."""

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, NullFormatter

from asd.core.frontier import hull
from asd.views.document import Row
from asd.views.session import Session

INK = "#333333"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "+++")


def number(row: Row, name: str) -> float:
    """A value of a row as a number; NaN where it is not recorded."""
    value = row[name]
    return float(value) if isinstance(value, int | float) else float("nan")


def logarithmic(axes: Axes, along: Literal["x", "y"]) -> None:
    """A logarithmic axis whose labels are plain numbers: labels are never read as formulas, so neither are these."""
    axes.set(**{f"{along}scale": "log"})
    axis = axes.xaxis if along == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def frontier(session: Session) -> Figure | None:
    """Accuracy against cost, cost 1 being the last stage alone; bands are from the least to the best seed."""
    every = session.rows("frontier")
    rows = [row for row in every if row["task"] == "all"] or every
    if not rows:
        return None
    figure = Figure(figsize=(7, 4.6))
    axes = figure.subplots()
    singles = [row for row in rows if row["policy"] in ("always", "single")]
    _hull(axes, singles)
    others = [row for row in rows if row not in singles]
    for place, (policy, some) in enumerate(groupby(others, key=lambda row: str(row["policy"]))):
        _policy(axes, policy, list(some), place)
    chosen = [row for row in rows if row["chosen"]]
    if chosen:
        x, y = number(chosen[0], "cost_share"), number(chosen[0], "accuracy")
        axes.plot(x, y, marker="*", markersize=16, color=INK, linestyle="none", label=f"chosen: {chosen[0]['setting']}")
    least = min(number(row, "cost_share") for row in rows)
    if least < 0.05:
        logarithmic(axes, "x")
    axes.set(xlabel="mean cost per sample (last stage alone = 1)", ylabel="accuracy")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _hull(axes: Axes, singles: Sequence[Row]) -> None:
    if not singles:
        return
    x = np.array([number(row, "cost_share") for row in singles])
    y = np.array([number(row, "accuracy") for row in singles])
    corners = hull(x, y)
    along = np.concatenate([np.linspace(x[a], x[b], 50) for a, b in pairwise(corners)] or [x])
    axes.plot(along, np.interp(along, x[corners], y[corners]), color=INK, linestyle="--", label="hull of single models")
    axes.plot(x, y, color=INK, marker="s", linestyle="none", label="single models")
    for row, at_x, at_y in zip(singles, x, y, strict=True):
        told = axes.annotate(str(row["setting"]), (at_x, at_y), textcoords="offset points", xytext=(5, -11), fontsize=7)
        told.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
        told.set_zorder(5)


def _policy(axes: Axes, policy: str, rows: Sequence[Row], place: int) -> None:
    kept = sorted(rows, key=lambda row: number(row, "cost_share"))
    x = [number(row, "cost_share") for row in kept]
    colour, line = COLOURS[place % len(COLOURS)], LINES[place % len(LINES)]
    marker = MARKERS[place % len(MARKERS)]
    axes.plot(
        x,
        [number(row, "accuracy") for row in kept],
        color=colour,
        linestyle=line,
        marker=marker,
        markersize=4,
        linewidth=1.2,
        label=policy,
    )
    low = [number(row, "accuracy_least_seed") for row in kept]
    high = [number(row, "accuracy_best_seed") for row in kept]
    axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)


def funnel(session: Session) -> Figure | None:
    """A bar a λ: the shares of samples that stop at each stage."""
    rows = session.rows("funnel")
    if not rows:
        return None
    lambdas = sorted({number(row, "lambda") for row in rows})
    stages = sorted({int(number(row, "stage")) for row in rows})
    figure = Figure(figsize=(7, 0.9 + 0.45 * len(lambdas)))
    axes = figure.subplots()
    left = np.zeros(len(lambdas))
    shares = {(number(row, "lambda"), row["stage"]): number(row, "stop_share") for row in rows}
    for place, stage in enumerate(stages):
        width = np.array([shares.get((lam, stage), 0.0) for lam in lambdas])
        colour, hatch = COLOURS[place % len(COLOURS)], HATCHES[place % len(HATCHES)]
        bars = axes.barh(
            range(len(lambdas)), width, left=left, color=colour, hatch=hatch, edgecolor="white", label=f"stage {stage}"
        )
        told = [f"{share:.0%}" if share >= 0.06 else "" for share in width]
        axes.bar_label(
            bars, told, label_type="center", fontsize=8, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1}
        )
        left += width
    axes.set_yticks(range(len(lambdas)), [f"λ = {lam:g}" for lam in lambdas])
    axes.set(xlabel="share of answers", xlim=(0, 1), ylim=(len(lambdas) - 0.5, -0.5))
    axes.grid(visible=False)
    figure.legend(loc="outside upper center", ncols=len(stages), fontsize=8)
    return figure


def reliability(session: Session) -> Figure | None:
    """Share that was right against the mean probability that was given, a panel a stage; areas show sample counts."""
    rows = session.rows("reliability")
    if not rows:
        return None
    stages = sorted({int(number(row, "stage")) for row in rows})
    figure = Figure(figsize=(max(3.2, 2.3 * len(stages)), 2.9))
    panels = np.atleast_1d(figure.subplots(1, len(stages), sharey=True))
    most = max(number(row, "samples") for row in rows)
    for place, (axes, stage) in enumerate(zip(panels, stages, strict=True)):
        some = [row for row in rows if row["stage"] == stage and row["samples"]]
        some.sort(key=lambda row: number(row, "predicted"))
        axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=0.8)
        x, y = [number(row, "predicted") for row in some], [number(row, "observed") for row in some]
        axes.plot(x, y, color=COLOURS[0], linewidth=1)
        axes.scatter(x, y, s=[8 + 90 * number(row, "samples") / most for row in some], color=COLOURS[0], alpha=0.7)
        axes.set(title=f"stage {stage}", xlim=(0, 1), ylim=(0, 1), xlabel="probability given", aspect="equal")
        if place == 0:
            axes.set_ylabel("share that was right")
    return figure
