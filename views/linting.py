"""A run's record held against itself: what the events claim, given to the eight checks of `asd.core.lint`."""

import re
from collections.abc import Iterator

import orjson

from asd.core.lint import (
    Accuracy,
    Cell,
    Claims,
    Contained,
    Effect,
    Estimate,
    Figure,
    Finding,
    PValue,
    Retention,
    Total,
    Whole,
    lint,
)
from asd.core.statistics.attainable import mcnemar_bound, sign_flip_bound
from asd.core.statistics.paired import PairedTable
from asd.views.document import Row
from asd.views.session import Session

UNMARKED = 0.02
"""Share of a run's time by which clocks may differ before the sum of its phases counts as wrong, besides one second."""
_BETWEEN = """
WITH mark AS (
    SELECT stream, seq, time, 'run.started' AS kind FROM run_started
    UNION ALL SELECT stream, seq, time, 'phase.started' FROM phase_started
    UNION ALL SELECT stream, seq, time, 'phase.finished' FROM phase_finished
    UNION ALL SELECT stream, seq, time, 'run.finished' FROM run_finished
), gap AS (
    SELECT stream, seq, kind, lag(kind) OVER marks AS before, epoch_us(time) - epoch_us(lag(time) OVER marks) AS us
    FROM mark WINDOW marks AS (PARTITION BY stream ORDER BY seq)
)
SELECT coalesce(sum(us), 0) / 1000000 AS between_s FROM gap g
WHERE kind IN ('phase.started', 'run.finished') AND before IN ('run.started', 'phase.finished')
    AND (SELECT count(*) FROM phase_started) >= (SELECT count(*) FROM phase_finished)
    AND NOT EXISTS (FROM run_resumed r WHERE r.stream = g.stream AND r.seq < g.seq)
"""


def findings(session: Session) -> list[Finding]:
    """What the eight checks find in the session's run."""
    return lint(claims(session))


def claims(session: Session) -> Claims:
    """Everything that the run's events say and that can be compared."""
    tested = session.rows("statistics")
    return Claims(
        accuracies=[*_accuracies(session)],
        p_values=[*_p_values(tested)],
        effects=[*_effects(tested)],
        retentions=[*_retentions(session, tested)],
        estimates=[*_estimates(tested)],
        wholes=[*_wholes(tested)],
        totals=[*_totals(session)],
        contained=[*_contained(session)],
        cells=[*_cells(session)],
    )


def _accuracies(session: Session) -> Iterator[Accuracy]:
    query = "SELECT policy, setting, task, seed, samples, accuracy FROM policy_evaluated ORDER BY stream, seq"
    for row in session.catalogue.sql(query).to_pylist():
        name = f"{row['policy']}, {row['setting']}, {row['task']}, seed {row['seed']}"
        yield Accuracy(name, Figure(row["accuracy"]), row["samples"])


def _name(row: Row) -> str:
    return f"{row['name']}, {row['task']}" + ("" if row["lambda"] is None else f", λ = {row['lambda']:g}")


def _pairs(row: Row) -> PairedTable | None:
    """The paired table of a single-seed comparison: what is not discordant counts as both right."""
    details = orjson.loads(str(row["details"] or "{}"))
    ours, base = details.get("only_ours"), details.get("only_baseline")
    if row["seeds"] != 1 or not isinstance(ours, int | float) or not isinstance(base, int | float):
        return None
    return PairedTable(int(str(row["samples"])) - round(ours + base), round(ours), round(base), 0)


def _p_values(tested: list[Row]) -> Iterator[PValue]:
    for row in tested:
        if not isinstance(row["p_value"], float):
            continue
        resamples = re.search(r"([\d,]+) resamples", str(row["method"]))
        table = _pairs(row)
        if table is not None and row["effect"] == "risk difference":
            yield PValue(_name(row), Figure(row["p_value"]), mcnemar_bound(table.discordant))
        elif resamples is not None and "sign-flip" in str(row["method"]):
            bound = sign_flip_bound(int(str(row["samples"])), int(resamples[1].replace(",", "")))
            yield PValue(_name(row), Figure(row["p_value"]), bound)


def _effects(tested: list[Row]) -> Iterator[Effect]:
    for row in tested:
        p, size = row["p_value"], row["effect_size"]
        if not isinstance(p, float) or not isinstance(size, float):
            continue
        if str(row["effect"]).startswith(("d over", "Cohen's d")):
            yield Effect(_name(row), Figure(p), d=Figure(size), units=int(str(row["seeds"])))
        table = _pairs(row)
        if table is not None and "McNemar" in str(row["method"]):
            yield Effect(_name(row), Figure(p), table=table)


def _retentions(session: Session, tested: list[Row]) -> Iterator[Retention]:
    cells = {(row["task"], row["lambda"]): row for row in session.rows("cells")}
    for row in tested:
        cell = cells.get((row["task"], row["lambda"]))
        if row["name"] == "quality-retention" and cell is not None and isinstance(row["estimate"], float):
            ours, base = float(str(cell["accuracy"])), float(str(cell["baseline_accuracy"]))
            yield Retention(_name(row), Figure(row["estimate"], 1e-6), Figure(ours), Figure(base))


def _estimates(tested: list[Row]) -> Iterator[Estimate]:
    for row in tested:
        for level in (95, 99):
            values = [row["estimate"], row[f"low_{level}"], row[f"high_{level}"]]
            low_mid_high = [Figure(value) for value in values if isinstance(value, float)]
            if len(low_mid_high) == 3:
                yield Estimate(f"{_name(row)}, {level} %", *low_mid_high)


def _wholes(tested: list[Row]) -> Iterator[Whole]:
    speedups = [row for row in tested if row["name"] == "speedup" and isinstance(row["estimate"], float)]
    for whole in speedups:
        parts = [row for row in speedups if row["task"] != "all" and row["lambda"] == whole["lambda"]]
        if whole["task"] == "all":
            shown = {str(row["task"]): Figure(float(str(row["estimate"]))) for row in parts}
            yield Whole(_name(whole), Figure(float(str(whole["estimate"]))), shown)


def _totals(session: Session) -> Iterator[Total]:
    """What the phases claim to have lasted, and the time that the log saw between them, is all the time there was.

    A busy machine lengthens the time between phases; that is shown as 'other' and contradicts nothing.
    """
    times = {str(row["phase"]): float(str(row["time_s"] or 0)) for row in session.rows("phases")}
    total = times.pop("total", 0.0)
    times.pop("other", None)
    finished = any(row["state"] == "finished" for row in session.rows("run"))
    if times and finished:
        [between] = session.catalogue.sql(_BETWEEN).to_pylist()
        if between["between_s"] > 0:
            times["between phases"] = between["between_s"]
        parts = {phase: Figure(time) for phase, time in times.items()}
        yield Total("phases", Figure(total), parts, tolerance_s=1.0 + UNMARKED * total)


def _contained(session: Session) -> Iterator[Contained]:
    for row in session.rows("timings"):
        first, whole = row["mean_first_token_s"], row["mean_generation_s"]
        if isinstance(first, float) and isinstance(whole, float):
            yield Contained(
                str(row["task"]), "time to first token", Figure(first), "time of a generation", Figure(whole)
            )
    query = "SELECT stage, task, max(latency_s) AS most FROM sample_generated GROUP BY ALL ORDER BY ALL"
    phases = {row["phase"]: row["time_s"] for row in session.rows("phases")}
    for row in session.catalogue.sql(query).to_pylist():
        phase = phases.get(row["task"])
        if row["most"] is not None and isinstance(phase, float):
            inner = f"the longest answer of stage {row['stage']}"
            yield Contained(str(row["task"]), inner, Figure(row["most"]), "the dataset's phase", Figure(phase))


def _cells(session: Session) -> Iterator[Cell]:
    if not any(row["state"] == "finished" for row in session.rows("run")):
        return
    for row in session.rows("completeness"):
        planned, done, failed = (int(str(row[name])) for name in ("planned", "done", "failed"))
        extra = max(0, done + failed - planned)
        yield Cell(str(row["unit"]), planned, done, failed, unplanned=extra, said=True)
