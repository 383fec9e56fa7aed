"""Sections 6 and 8 to 10 of the record: timing, ablations, sentences for the paper, how to run it again."""

from asd.views.digits import NOT_RECORDED, shown
from asd.views.document import Block, Code, Text
from asd.views.latex import results_table
from asd.views.report_setup import figure, or_none, table
from asd.views.sentences import abstract, method
from asd.views.session import Session


def timing(session: Session) -> tuple[Block, ...]:
    """Time per dataset, per λ and per stage."""
    return (
        table(
            session,
            "timings",
            "Time per dataset",
            ("dataset", "task"),
            ("samples", "samples"),
            ("wall clock (s)", "wall_clock_s"),
            ("mean per sample (s)", "mean_time_per_sample_s"),
            ("mean time to first token (s)", "mean_first_token_s"),
            ("mean generation (s)", "mean_generation_s"),
            ("mean GPU use", "mean_gpu_use"),
            ("nature", "nature"),
            terms=("nature",),
        ),
        table(
            session,
            "lambdas",
            "Time per λ, over one pass of the evaluation samples",
            ("λ", "lambda"),
            ("samples", "samples"),
            ("seeds", "seeds"),
            ("total time (s)", "total_time_s"),
            ("early-stop rate", "early_stop_rate"),
            ("accuracy", "accuracy"),
            ("quality retention", "quality_retention"),
            ("speedup", "speedup"),
            ("speedup in", "speedup_unit"),
            ("chosen", "chosen"),
            ("basis", "basis"),
            ("nature", "nature"),
            terms=("λ", "early-stop rate", "accuracy", "quality retention", "speedup", "basis", "nature"),
        ),
        table(
            session,
            "latencies",
            "Latency per stage and dataset, seconds",
            ("stage", "stage"),
            ("dataset", "task"),
            ("answers", "answers"),
            ("mean", "mean_latency_s"),
            ("median", "p50_latency_s"),
            ("95 %", "p95_latency_s"),
            ("99 %", "p99_latency_s"),
            ("most", "most_latency_s"),
        ),
        figure("latencies"),
        figure("funnel"),
    )


def ablations(session: Session) -> tuple[Block, ...]:
    """What the parts bring, and how far the predictor can be trusted."""
    measured = table(
        session,
        "ablations",
        "Ablations at the chosen λ",
        ("part", "ablation"),
        ("arm", "arm"),
        ("samples", "samples"),
        ("speedup", "speedup"),
        ("quality retention", "quality_retention"),
        ("accuracy", "accuracy"),
        ("cost accuracy", "cost_accuracy", or_none("cost_accuracy")),
        ("gain in cost accuracy", "cost_accuracy_gain", or_none("cost_accuracy_gain")),
        ("improvement factor", "improvement_factor"),
        ("p, adjusted", "p_value", or_none("p_value")),
        ("effect size", "effect_size", or_none("effect_size")),
        ("basis", "basis"),
        ("nature", "nature"),
        terms=("speedup", "quality retention", "cost accuracy", "improvement factor", "basis", "nature"),
    )
    hint = Text(f"No part was left out of this run so far: asd-runner ablate {session.run} measures what each brings.")
    return (
        measured,
        *(() if measured.rows else (hint,)),
        table(
            session,
            "predictor",
            "The quality predictor, per stage, on samples that it was not fitted on",
            ("stage", "stage"),
            ("samples of", "role"),
            ("seeds", "seeds"),
            ("Brier", "brier"),
            ("log-loss", "log_loss"),
            ("AUROC", "auroc"),
            ("ECE (10 bins)", "ece"),
        ),
        figure("reliability"),
    )


def paper(session: Session) -> tuple[Block, ...]:
    """Sentences and the table for a paper."""
    return (
        Text(abstract(session)),
        Code(results_table(session), "latex"),
        Text(method(session)),
    )


def reproducibility(session: Session) -> tuple[Block, ...]:
    """How to run it again, and from how much of the log this was read."""
    run = next(iter(session.rows("run")), {})
    config = session.catalogue.sql("SELECT config::VARCHAR AS config FROM run_started").to_pylist()
    commands = [shown("command", row["command"]) for row in session.rows("attempts")]
    return (
        Text("The commands, as they were given:"),
        Code("\n".join(commands) or NOT_RECORDED, "sh"),
        Text(f"The configuration, of which the SHA-256 is {shown('config_sha256', run.get('config_sha256'))}:"),
        Code(str(config[0]["config"]) if config else NOT_RECORDED, "json"),
        table(
            session,
            "streams",
            "The head of the log that this was read from",
            ("stream", "stream"),
            ("events", "events"),
            ("last event", "last_seq"),
            ("its time", "last_event"),
        ),
        *_signed(session),
    )


def _signed(session: Session) -> tuple[Block, ...]:
    """The signed heads: kept elsewhere, they show later whether the log was rolled back."""
    notes = list(session.signed.values())
    if not notes:
        return (Text(f"Signed heads: {NOT_RECORDED}; a head is signed when a file of the log is sealed."),)
    return (Text("The signed heads, which asd verify --head takes:"), *(Code(note.rstrip()) for note in notes))
