"""`asd-runner`: do the work that logs are made of."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from asd.core.errors import UsageError
from asd.views.cli import STORE, JsonOption, OutputOption, StoreOption, color, emit, new_app, run_app, tell, width

if TYPE_CHECKING:
    from asd.core.event import JsonObject
    from asd.core.facts.sample import SampleGenerated
    from asd.runners.base import Runner
    from asd.store.files import FileLog

app = new_app("Start, resume and plan runs.")
ConfigArgument = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A packaged configuration's name, or the path of a YAML file.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("-o", "--override", metavar="KEY=VALUE", help="Replace one setting; can be given again."),
]
BudgetOption = Annotated[
    float | None,
    typer.Option("--budget", help="Search the λ of most quality at this mean cost, the last stage alone = 1."),
]
RetentionOption = Annotated[
    float | None,
    typer.Option("--retention", help="Search the least λ that keeps this share of the last stage's accuracy."),
]
DurabilityOption = Annotated[
    Literal["group", "each", "os"], typer.Option("--durability", help="When an event counts as kept.")
]


@app.command()
def start(
    config: ConfigArgument,
    override: SetOption = None,
    budget: BudgetOption = None,
    retention: RetentionOption = None,
    store: StoreOption = Path(STORE),
    durability: DurabilityOption = "group",
) -> None:
    """Begin a new run; it is logged as it happens."""
    from asd.core.plugins import require
    from asd.runners.config import load_runner
    from asd.store.store import Store, fresh_id
    from asd.store.writer import Options

    runner = load_runner(config, [*(override or ()), *_goal(budget, retention)])
    require(runner.packages, runner.name)
    log = Store(store, Options(durability=durability)).create(fresh_id(runner.name))
    _record(runner, log, store)


@app.command()
def live(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A finished cascade's id.")],
    lam: Annotated[
        float | None, typer.Option("--lambda", metavar="λ", help="The price of an error; default: the chosen one.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="SEED", help="The seed; default: the first one.")
    ] = None,
    store: StoreOption = Path(STORE),
) -> None:
    """Run a cascade live with another run's policy.

    A stage answers only what reaches it, and times are measured.
    """
    from asd.core.plugins import require
    from asd.runners.config import build
    from asd.runners.live import live_settings
    from asd.store.store import Store, fresh_id

    parent = Store(store).run(run)
    events = (record.event for record in parent.read())
    runner = build(live_settings(events, parent.run, parent.files, lam, seed))
    require(runner.packages, runner.name)
    _record(runner, Store(store).create(fresh_id(runner.name)), store)


@app.command()
def ablate(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A finished cascade's id; default: the latest run.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PART", help="predictor, costs, ladder, information or policy; repeatable."),
    ] = None,
    store: StoreOption = Path(STORE),
) -> None:
    """Measure what each part of the method brings.

    A run of its own over a finished run's events, without a model.
    """
    from asd.runners.config import build
    from asd.store.store import Store, fresh_id
    from asd.views.children import ablation_name

    parent = Store(store).run(run)
    settings: JsonObject = {"runner": "ablation", "parent": parent.run, "name": ablation_name(parent)}
    runner = build(settings | ({"ablations": only} if only else {}))
    _record(runner, Store(store).create(fresh_id(runner.name)), store)


@app.command()
def resume(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")], store: StoreOption = Path(STORE)
) -> None:
    """Go on with a run; nothing logged is done again."""
    from asd.core.facts.run import RunStarted
    from asd.core.plugins import require
    from asd.runners.config import build
    from asd.store.store import Store
    from asd.store.writer import Options

    log = Store(store).run(run)
    started = next((one.event for one in log.read(only=(RunStarted,))), None)
    if not isinstance(started, RunStarted):
        raise UsageError(f"{run}: it never started; start a new run instead")
    runner = build({"runner": started.runner, **started.config}, f"run {run}")
    require(runner.packages, runner.name)
    _record(runner, Store(store, Options(durability=started.durability)).run(run), store)


def _record(runner: "Runner", log: "FileLog", store: Path) -> None:
    """Run into the log, showing progress on standard error; say at the end where to look."""
    from asd.core.facts.run import RunFinished
    from asd.runners.base import record
    from asd.runners.telemetry import beside
    from asd.views.progress import watching

    if any(log.read(only=(RunFinished,))):
        _told(f"run {log.run} had finished already", log, store)
        return
    runner = _with_others(runner, store)
    tell(f"run {log.run} in {store}")
    with log, beside(runner, log), watching(sys.stderr) as watch:
        record(runner.at(log.files), log, durability=log.options.durability, command=_command(), watch=watch)
    _told(f"run {log.run} is complete", log, store)


def _told(what: str, log: "FileLog", store: Path) -> None:
    place = "" if store == Path(STORE) else f" --store {store}"
    tell(f"{what}; its report:")
    tell(f"asd project report --run {log.run}{place}")


def _with_others(runner: "Runner", store: Path) -> "Runner":
    """The runner with what it may read of other runs."""
    from asd.core.errors import UnknownRunError
    from asd.runners.base import Parent, Past
    from asd.store.store import Store

    runner = runner.recalling(_known(runner, store))
    if runner.parent is None:
        return runner
    try:
        log = Store(store).run(runner.parent)
    except UnknownRunError:
        return runner  # a run may name a parent in another store, to be compared with later
    return runner.varying(Parent(log.run, lambda: Past(log), log.files))


def _known(runner: "Runner", store: Path) -> "dict[str, SampleGenerated]":
    """The answers of the runs that `runner` reuses, by the key of their work."""
    from asd.core.facts.sample import SampleGenerated
    from asd.store.store import Store

    known: dict[str, SampleGenerated] = {}
    for run in runner.reuse:
        for record in Store(store).run(run).read(only=(SampleGenerated,)):
            event = record.event
            assert isinstance(event, SampleGenerated)
            known[event.work] = event.model_copy(update={"reused_from": event.reused_from or run})
    return known


def _command() -> tuple[str, ...]:
    from asd.runners.secrets import mask

    return (Path(sys.argv[0]).name, *map(mask, sys.argv[1:]))


@app.command("list")
def list_runners(as_json: JsonOption = False, output: OutputOption = None) -> None:
    """List the runners, engines and tasks that are installed."""
    from asd.core import plugins

    groups = (plugins.RUNNERS, plugins.ENGINES, plugins.TASKS)
    rows = [{"kind": group.removeprefix("asd."), "name": name} for group in groups for name in plugins.names(group)]
    _print(rows, as_json, output)


@app.command()
def settings(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A runner, an engine or a task.")] = "cascade",
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """List every setting of a runner, an engine or a task."""
    from asd.views.formats import to_json, to_terminal
    from asd.views.settings import about

    found = about(name)
    if as_json:
        emit(to_json([{"kind": thing, **row} for thing, _, rows in found for row in rows]), output)
        return
    parts = [
        f"{thing} {name}: {text}\n\n{to_terminal(list(rows[0]), rows, width=width(), color=color())}"
        for thing, text, rows in found
    ]
    emit("\n".join(parts), output)


@app.command()
def configs(as_json: JsonOption = False, output: OutputOption = None) -> None:
    """List the configurations that come with the package."""
    from asd.runners.config import packaged

    _print([{"config": name} for name in packaged()], as_json, output)


@app.command()
def plan(
    config: ConfigArgument,
    override: SetOption = None,
    store: StoreOption = Path(STORE),
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Say what a run would do and cost, without doing it."""
    from asd.runners.config import load_runner
    from asd.store.store import Store
    from asd.views.planning import planned

    _print(planned(load_runner(config, override or ()), Store(store)), as_json, output)


def _goal(budget: float | None, retention: float | None) -> list[str]:
    """The overrides that stand for a goal."""
    goals = {"policy.budget": budget, "policy.retention": retention}
    return [f"{key}={value}" for key, value in goals.items() if value is not None]


def _print(rows: list[dict[str, str]], as_json: bool, output: Path | None) -> None:
    from asd.views.formats import to_json, to_terminal

    shown: list[dict[str, object]] = [dict(row) for row in rows]
    if as_json:
        emit(to_json(shown), output)
    elif shown:
        emit(to_terminal(list(shown[0]), shown, width=width(), color=color()), output)


def main() -> None:
    """The entry point of `asd-runner`."""
    run_app(app)
