"""Section 7 of the record: what the ladder kept and saved, and whether the record is complete and sound."""

from collections.abc import Callable
from dataclasses import replace

from asd.views.digits import NONE, NOT_RECORDED, fixed, p_value
from asd.views.document import Block, Row, Table, Text
from asd.views.linting import findings
from asd.views.report_setup import figure, or_none, table
from asd.views.sentences import verdict
from asd.views.session import Session


def results(session: Session) -> tuple[Block, ...]:
    """What the ladder kept and saved, and whether the record is complete and sound."""
    return (
        Text(verdict(session)),
        _main(session),
        _intervals(session),
        figure("forest"),
        table(
            session,
            "stages",
            "Each stage alone, over every sample that it answered",
            ("stage", "stage"),
            ("model", "model"),
            ("right / samples", "correct_samples", _right),
            ("accuracy", "accuracy", _four),
            ("mean latency (s)", "mean_latency_s"),
            ("relative cost", "relative_cost"),
            ("cost in decisions", "policy_cost"),
            ("nature", "nature"),
            terms=("accuracy", "nature"),
        ),
        *_scores(session),
        _effects(session),
        *_log_latency(session),
        _posterior(session),
        figure("frontier"),
        _policies(session),
        _areas(session),
        _certificates(session),
        _questions(session),
        figure("p_values"),
        table(
            session,
            "completeness",
            "Planned against done",
            ("unit", "unit"),
            ("planned", "planned"),
            ("done", "done"),
            ("failed", "failed"),
            ("missing", "missing"),
        ),
        table(
            session,
            "leakage",
            "No evaluation sample is an ancestor of a predictor",
            ("seed", "seed"),
            ("evaluation samples", "evaluation_samples"),
            ("ancestor samples", "ancestor_samples"),
            ("samples shared", "shared_samples"),
            ("prompts shared", "shared_prompts"),
        ),
        *_doubts(session),
    )


def _main(session: Session) -> Table:
    return table(
        session,
        "results",
        "Main results at the chosen λ",
        ("dataset", "task"),
        ("samples", "samples"),
        (
            "baseline accuracy",
            "baseline_accuracy",
            lambda row: _of(row, "baseline_accuracy", "baseline_correct_samples"),
        ),
        ("our accuracy", "accuracy", lambda row: _of(row, "accuracy", "correct_samples")),
        ("speedup", "speedup"),
        ("speedup in", "speedup_unit"),
        ("quality retention", "quality_retention"),
        ("item retention", "item_retention"),
        ("p, adjusted", "p_value"),
        ("p, raw", "p_value_raw"),
        ("effect size", "effect_size"),
        ("effect", "effect"),
        ("λ", "lambda"),
        ("seeds", "seeds"),
        ("basis", "basis"),
        ("nature", "nature"),
        terms=(
            "baseline",
            "accuracy",
            "speedup",
            "quality retention",
            "item retention",
            "effect size",
            "λ",
            "basis",
            "nature",
        ),
    )


def _of(row: Row, share: str, count: str) -> str:
    """An accuracy as three decimals with its k/n; k is a mean over seeds where there are several."""
    if row[share] is None:
        return NOT_RECORDED
    return f"{row[share]:.3f} ({_count(row[count])}/{row['samples']})"


def _count(value: object) -> str:
    """A count; one decimal where it is a mean over seeds."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, int | float) else NOT_RECORDED


def _four(row: Row) -> str:
    """Four decimals: an accuracy over many samples, beside others that differ little."""
    return f"{row['accuracy']:.4f}" if isinstance(row["accuracy"], float) else NOT_RECORDED


def _right(row: Row) -> str:
    return NOT_RECORDED if row["correct_samples"] is None else f"{_count(row['correct_samples'])}/{row['samples']}"


def _intervals(session: Session) -> Table:
    return table(
        session,
        "results",
        "95 % intervals, and where p comes from",
        ("dataset", "task"),
        ("speedup", "speedup_low", _between("speedup", 2)),
        ("method", "speedup_method"),
        ("quality retention", "quality_retention_low", _between("quality_retention", 3)),
        ("method", "quality_retention_method"),
        ("accuracy difference (points)", "accuracy_difference_low", _between("accuracy_difference", 1, 100)),
        ("method", "accuracy_difference_method"),
        ("p by", "p_value_method"),
    )


def _between(name: str, digits: int, factor: float = 1) -> Callable[[Row], str]:
    """The 95 % interval of the column `name`; an end that is not there is infinite."""

    def show(row: Row) -> str:
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        if not isinstance(low, float):
            return NOT_RECORDED
        end = fixed(high * factor, digits) if isinstance(high, float) else "∞"
        return f"[{fixed(low * factor, digits)}, {end}]"

    return show


def _effects(session: Session) -> Table:
    least = "minimum_detectable_difference"
    made = table(
        session,
        "effects",
        "Size of the paired differences, and what so many samples can show with a power of 80 %",
        ("question", "name"),
        ("dataset", "task"),
        ("λ", "lambda"),
        ("samples", "samples"),
        ("difference (points)", "accuracy_difference", _points("accuracy_difference")),
        ("b: only ours right", "only_ours"),
        ("c: only baseline right", "only_baseline"),
        ("odds ratio b/c", "matched_odds_ratio"),
        ("its exact 95 % interval", "odds_ratio_low", _between("odds_ratio", 2)),
        ("Cohen's h", "cohens_h"),
        ("least detectable difference (points)", least, _points(least)),
        ("attainable margin (retention)", "attainable_margin_retention"),
        ("design effect", "design_effect"),
        terms=("effect size", "least detectable difference", "attainable margin"),
    )
    return replace(made, rows=tuple(row for row in made.rows if row["d_z"] is None))


def _log_latency(session: Session) -> tuple[Table, ...]:
    """The size of the speedup, where answers have times."""
    made = table(
        session,
        "effects",
        "Size of the difference in time, over the same samples",
        ("question", "name"),
        ("dataset", "task"),
        ("λ", "lambda"),
        ("samples", "samples"),
        ("seeds", "seeds"),
        ("d_z of log-latency", "d_z"),
        ("nature", "nature"),
        terms=("d_z", "nature"),
    )
    rows = tuple(row for row in made.rows if row["d_z"] is not None)
    return (replace(made, rows=rows),) if rows else ()


def _posterior(session: Session) -> Table:
    return table(
        session,
        "posterior",
        "Bayesian view of the difference, on one seed's paired table",
        ("dataset", "task"),
        ("λ", "lambda"),
        ("seed", "seed"),
        ("samples", "samples"),
        ("mean difference (points)", "accuracy_difference", _points("accuracy_difference")),
        ("95 % HDI (points)", "accuracy_difference_low", _between("accuracy_difference", 1, 100)),
        ("quality retention", "quality_retention"),
        ("95 % HDI", "quality_retention_low", _between("quality_retention", 3)),
        ("probability of better", "probability_better"),
        ("ROPE (± points)", "rope_half_width", _points("rope_half_width")),
        ("probability in ROPE", "probability_in_rope"),
        ("method", "method"),
    )


def _points(name: str) -> Callable[[Row], str]:
    """A share as percentage points with one decimal."""

    def show(row: Row) -> str:
        value = row[name]
        return fixed(100 * value, 1) if isinstance(value, float) else NOT_RECORDED

    return show


def _policies(session: Session) -> Table:
    made = table(
        session,
        "frontier",
        "Policies beside each other, means over seeds; cost 1 is the last stage alone",
        ("policy", "policy"),
        ("setting", "setting"),
        ("dataset", "task"),
        ("accuracy", "accuracy"),
        ("cost", "cost_share"),
        ("early-stop rate", "early_stop_rate"),
        ("chosen", "chosen"),
        ("basis", "basis"),
        terms=("accuracy", "early-stop rate", "basis"),
    )
    everything = tuple(row for row in made.rows if row["task"] == "all" and not row["on_path"])
    return Table(made.projection, made.caption, made.columns, everything or made.rows, made.terms)


def _areas(session: Session) -> Table:
    return table(
        session,
        "policies",
        "Each policy's whole frontier, means over seeds",
        ("policy", "policy"),
        ("mean accuracy over costs", "area"),
        ("above mixing single models", "area_above_mix"),
        ("seeds above", "seeds_above_mix"),
        ("seeds", "seeds"),
        ("cost at the planned retention", "cost_at_retention"),
        ("share of the way to the oracle", "gap_closed"),
        ("nature", "nature"),
        terms=("accuracy", "nature"),
    )


def _scores(session: Session) -> tuple[Table, ...]:
    """What a benchmark measures by shares, where one does."""
    if not session.rows("scores"):
        return ()
    shown_table = table(
        session,
        "scores",
        "Measures that are shares, each stage alone; a share above ½ counts as right",
        ("dataset", "task"),
        ("stage", "stage"),
        ("samples", "samples"),
        ("mean score", "mean_score", lambda row: _four({"accuracy": row["mean_score"]})),
        ("accuracy", "accuracy", _four),
        ("grader", "grader"),
        ("nature", "nature"),
        terms=("accuracy", "nature"),
    )
    return (shown_table,)


def _certificates(session: Session) -> Table:
    return table(
        session,
        "certificates",
        "Which λ surely keep the last stage's right answers",
        ("seed", "seed"),
        ("λ", "lambda"),
        ("certified", "certified"),
        ("kept / right", "kept", lambda row: f"{_count(row['kept'])}/{_count(row['baseline_right'])}"),
        ("item retention", "item_retention"),
        ("target", "target"),
        ("p", "p_value"),
        ("level", "alpha"),
        ("samples", "samples"),
        ("method", "method"),
        ("nature", "nature"),
        terms=("item retention", "λ", "nature"),
    )


def _questions(session: Session) -> Table:
    def p(name: str) -> tuple[object, ...]:
        def show(row: Row) -> str:
            value = row[name]
            return p_value(value) if isinstance(value, float) else NONE

        return (name.replace("p_value", "p, raw").replace("p_adjusted", "p, adjusted"), name, show)

    return table(
        session,
        "statistics",
        "Every question with its method",
        ("question", "name"),
        ("dataset", "task"),
        ("λ", "lambda"),
        ("estimate", "estimate"),
        ("95 % low", "low_95", or_none("low_95")),
        ("95 % high", "high_95", or_none("high_95")),
        p("p_value"),
        p("p_adjusted"),
        ("effect size", "effect_size", or_none("effect_size")),
        ("effect", "effect", or_none("effect")),
        ("samples", "samples"),
        ("clusters", "clusters", or_none("clusters")),
        ("seeds", "seeds"),
        ("RNG seed", "rng_seed", or_none("rng_seed")),
        ("method", "method"),
        ("interval", "interval_method", or_none("interval_method")),
        ("family", "family"),
        ("exploratory", "exploratory"),
        ("head read", "head_read"),
        ("computed with", "versions"),
        terms=("effect size", "head read"),
    )


def _doubts(session: Session) -> tuple[Block, ...]:
    """What a reader must not miss: units that are missing, samples that leaked, figures that contradict others."""
    missing = [row for row in session.rows("completeness") if row["missing"]]
    shared = [row for row in session.rows("leakage") if row["shared_samples"] or row["shared_prompts"]]
    said = [f"{row['unit']}: {row['missing']} of {row['planned']} planned are missing." for row in missing]
    said += [f"Check {one.check} of the record, {one.subject}: {one.message}." for one in findings(session)]
    said += [f"Seed {row['seed']}: evaluation samples are among the predictor's ancestors." for row in shared]
    return tuple(Text(one, warning=True) for one in said)
