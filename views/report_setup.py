"""Sections 1 to 5 of the record: when, on which data, with which models and settings, on which machine."""

from collections.abc import Callable

from asd.views.digits import NONE, NOT_RECORDED, duration, shown, size
from asd.views.document import Block, Column, Fields, Figure, Row, Table, Text
from asd.views.figures import NAMES
from asd.views.session import Session


def dates(session: Session) -> tuple[Block, ...]:
    """When the run went, with every interruption, and where its time was spent."""
    run = next(iter(session.rows("run")), {})
    pairs = (
        ("started", "started", shown("started", run.get("started"))),
        ("finished", "finished", shown("finished", run.get("finished"))),
        ("total time", "total_time_s", _total(run.get("total_time_s"))),
        ("state", "state", shown("state", run.get("state"))),
        ("attempts", "attempts", shown("attempts", run.get("attempts"))),
    )
    attempts = table(
        session,
        "attempts",
        "Attempts: interruptions and resumes",
        ("attempt", "attempt"),
        ("started", "started"),
        ("last event", "last_event"),
        ("active (s)", "active_s"),
        ("gap before (s)", "gap_before_s", _gap),
        ("ended", "ended"),
    )
    phases = table(
        session,
        "phases",
        "Time per phase",
        ("phase", "phase"),
        ("times entered", "entries", or_none("entries")),
        ("cut off", "unfinished", or_none("unfinished")),
        ("time (s)", "time_s"),
        ("share", "share"),
    )
    return (Fields("run", pairs), attempts, phases, figure("phases"))


def or_none(name: str) -> Callable[[Row], str]:
    """A column in which a row without a value can have none: a dataset without clusters, a question without p."""
    return lambda row: NONE if row[name] is None else shown(name, row[name])


def _gap(row: Row) -> str:
    return "none" if row["attempt"] == 1 else shown("gap_before_s", row["gap_before_s"])


def _total(value: object) -> str:
    return f"{duration(value)} ({value:,.6f} s)" if isinstance(value, float) else NOT_RECORDED


def datasets(session: Session) -> tuple[Block, ...]:
    """Which rows were used."""
    rows = session.rows("datasets")
    shown_table = table(
        session,
        "datasets",
        "Datasets",
        ("name", "task"),
        ("role", "role"),
        ("hub path", "hub_path", or_none("hub_path")),
        ("config", "config", or_none("config")),
        ("split", "split"),
        ("samples", "samples"),
        ("used", "samples_used"),
        ("share used", "share_used"),
        ("clusters", "clusters", or_none("clusters")),
        ("fingerprint (SHA-256 of the rows used)", "fingerprint"),
        ("licence", "licence"),
        ("loaded from", "loaded_from"),
    )
    return (shown_table, Text(_totals(rows)))


def _totals(rows: list[Row]) -> str:
    total = sum(int(str(row["samples_used"])) for row in rows)
    compared = next((row["compared_with"] for row in rows if row["compared_with"] is not None), None)
    if compared is None:
        return f"In all {total:,} samples. No earlier run to compare with was named."
    before = sum(int(str(row["samples_used_before"] or 0)) for row in rows)
    share = f" ({(total - before) / before:+.1%})" if before else ""
    return f"In all {total:,} samples; against the run {compared}: {total - before:+,}{share}."


def models(session: Session) -> tuple[Block, ...]:
    """Which model each stage is, what it costs, and whether its files are the right ones."""
    return (
        table(
            session,
            "models",
            "Stages",
            ("stage", "stage"),
            ("model", "model"),
            ("local path", "path"),
            ("engine", "engine"),
            ("GPUs", "gpus", _listed("gpus")),
            ("tensor parallelism", "tensor_parallel"),
            ("memory used", "gpu_memory_bytes"),
            ("parameters", "parameters"),
            ("latency (s)", "mean_latency_s"),
            ("relative cost", "relative_cost"),
            ("files right", "files_ok", _files),
            ("files not ok", "files_not_ok", _listed("files_not_ok")),
            ("nature", "nature"),
            terms=("nature",),
        ),
        table(
            session,
            "models",
            "Weights",
            ("stage", "stage"),
            ("checked against", "checked_against"),
            ("SHA-256 of the weights", "weights_sha256"),
        ),
    )


def _files(row: Row) -> str:
    return NOT_RECORDED if row["files_total"] is None else f"{row['files_ok']}/{row['files_total']}"


def _listed(name: str) -> Callable[[Row], str]:
    """A list; an empty one is 'none'."""

    def show(row: Row) -> str:
        return "none" if row[name] == "" else shown(name, row[name])

    return show


def parameters(session: Session) -> tuple[Block, ...]:
    """Every setting, and the questions that were fixed before the first sample."""
    plan = table(
        session,
        "plan",
        "Questions fixed before the first sample",
        ("name", "name"),
        ("question", "question"),
        ("method", "method"),
        ("family", "family"),
        ("exploratory", "exploratory"),
    )
    unplanned: tuple[Block, ...] = ()
    if not plan.rows:
        unplanned = (Text("No question was fixed before the first sample: this run is exploratory.", warning=True),)
    settings = table(session, "parameters", "Every setting of the run", ("parameter", "parameter"), ("value", "value"))
    training = table(
        session,
        "training",
        "The quality predictor as it was fitted",
        ("seed", "seed"),
        ("features", "features"),
        ("hidden layers", "hidden"),
        ("dropout", "dropout"),
        ("fitted on samples", "samples"),
        ("epochs", "epochs"),
        ("loss", "loss"),
        ("time (s)", "train_s"),
        ("SHA-256 of the weights", "sha256"),
    )
    return (settings, plan, *unplanned, training)


def environment(session: Session) -> tuple[Block, ...]:
    """Machine and software."""
    return (
        table(session, "environment", "Hardware and software", ("field", "field"), ("value", "value", _value)),
        table(
            session,
            "devices",
            "Use of the devices over the run",
            ("device", "device"),
            ("readings", "readings"),
            ("mean use", "mean_utilization"),
            ("peak use", "peak_utilization"),
            ("mean memory", "mean_memory_share"),
            ("peak memory", "peak_memory_share"),
            ("mean temperature (°C)", "mean_temperature_c"),
            ("peak temperature (°C)", "peak_temperature_c"),
            ("mean power (W)", "mean_power_w"),
            ("readings throttled", "readings_throttled"),
        ),
        figure("devices"),
        table(session, "packages", "Installed packages", ("package", "package"), ("version", "version")),
    )


def figure(name: str) -> Figure:
    """The figure `name` with its caption."""
    return Figure(name, NAMES[name])


def _value(row: Row) -> str:
    value = row["value"]
    if "bytes" in str(row["field"]) and isinstance(value, str) and value.isdigit():
        return f"{size(int(value))} ({int(value):,} bytes)"
    return shown("value", value)


def table(
    session: Session, name: str, caption: str, *columns: tuple[object, ...], terms: tuple[str, ...] = ()
) -> Table:
    """The projection `name` with some of its columns: (heading, column) or (heading, column, how a row shows it)."""
    made = tuple(Column(*column) for column in columns)  # type: ignore[arg-type]
    return Table(name, caption, made, tuple(session.rows(name)), terms)
