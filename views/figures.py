"""Figures of the record, in SVG and PDF: colour-blind safe (Okabe and Ito), told apart in print by marker and line.

Each is drawn from projections alone; the same rows give the same bytes.
"""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from asd.core.errors import UsageError
from asd.views.session import Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FigureFormat = Literal["svg", "pdf", "png"]
NAMES = {
    "frontier": "Accuracy against cost: every policy, the hull of single models, and the chosen λ",
    "funnel": "Where samples stop, for each λ",
    "reliability": "Reliability of the quality predictor, per stage",
    "latencies": "Latency per stage: median, quartiles, the least and 95 %",
    "forest": "Speedup, quality retention and accuracy difference, with the region of practical equivalence",
    "devices": "Devices over time, under the phases and their stages",
    "phases": "Phases of the run as a timeline",
    "p_values": "p-values, and what so many samples can show with 80 % power",
}
"""Every figure with its caption."""
_SETTINGS: dict[str, object] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "svg.hashsalt": "asd",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
    "text.parse_math": False,
}


def draw(session: Session, name: str, form: FigureFormat = "svg") -> bytes | None:
    """The figure `name` as bytes, None where the run has nothing to draw it from.

    Raises `UsageError` for a name that is none of `NAMES`.
    """
    import matplotlib

    matplotlib.use("agg")
    with matplotlib.rc_context(_SETTINGS):  # type: ignore[arg-type]
        figure = _drawer(name)(session)
        return None if figure is None else _saved(figure, form)


def _drawer(name: str) -> "Callable[[Session], Figure | None]":
    from asd.views import figures_quality, figures_statistics, figures_time

    drawers: dict[str, Callable[[Session], Figure | None]] = {
        "frontier": figures_quality.frontier,
        "funnel": figures_quality.funnel,
        "reliability": figures_quality.reliability,
        "forest": figures_statistics.forest,
        "p_values": figures_statistics.p_values,
        "latencies": figures_time.latencies,
        "devices": figures_time.devices,
        "phases": figures_time.phases,
    }
    if name not in drawers:
        raise UsageError(f"no figure {name!r}; there are: {', '.join(NAMES)}")
    return drawers[name]


def _saved(figure: "Figure", form: FigureFormat) -> bytes:
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}, "png": {"Software": None}}
    out = io.BytesIO()
    figure.savefig(out, format=form, metadata=undated[form], dpi=150)
    return out.getvalue()
