"""Before the first answer: environment, model files, datasets, splits, and the plan."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from asd.core.errors import ConfigError, MissingDataError
from asd.core.facts.data import DatasetLoaded, SplitAssigned
from asd.core.facts.model import ModelChecked
from asd.core.facts.sample import SamplePlanned
from asd.runners import environment, model_files
from asd.runners.base import Step
from asd.runners.engines.base import Engine
from asd.runners.settings import ROLES
from asd.runners.state import State
from asd.runners.tasks.base import Dataset, Problem, Role, Task

PART = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """A problem with the task that grades it and the role that its dataset allows."""

    task: Task
    role: Role
    problem: Problem


def capture(state: State) -> Iterator[Step]:
    """A new snapshot at each attempt: a resumed run may have moved."""
    yield environment.capture()


def check_models(engines: Sequence[Engine], state: State) -> Iterator[Step]:
    """Check every stage's files, also when resuming; what is found is logged before it is judged.

    Raises `ModelFileError` for a file that is not the right one.
    """
    before = {event.stage: event for event in state.all(ModelChecked)}
    for stage, engine in enumerate(engines):
        if engine.folder is None:
            continue
        checked = model_files.inspect(stage, engine.model, engine.folder, before.get(stage))
        if before.get(stage) != checked:
            yield checked
        model_files.require(checked)


def suited(tasks: Sequence[Task], engines: Sequence[Engine]) -> tuple[Task, ...]:
    """The tasks in the form that all of `engines` can answer, so that stages are graded alike."""
    scoring = all(engine.scores for engine in engines)
    return tuple(task.suited(scoring) for task in tasks)


def load_datasets(tasks: Sequence[Task], asked: list[Asked]) -> Iterator[Step]:
    """Read every task's problems into `asked`, in the configuration's order."""
    for task in tasks:
        for dataset in task.datasets():
            asked.extend(Asked(task, dataset.role, problem) for problem in dataset.problems)
            yield _loaded(task, dataset)
            yield from (_planned(task, dataset.role, problem) for problem in dataset.problems)
    _refuse_doubles(asked)


def assign_splits(asked: Sequence[Asked], seeds: Sequence[int], shares: dict[str, float]) -> Iterator[Step]:
    """Give every sample one role per seed; samples with the same prompt share it."""
    for seed in seeds:
        for role, names in roles(asked, seed, shares).items():
            for part, some in enumerate(parts(names)):
                yield SplitAssigned(seed=seed, role=role, part=part, samples=some)


def roles(asked: Sequence[Asked], seed: int, shares: dict[str, float]) -> dict[str, list[str]]:
    """Sample names by role for one seed, each list in the order of `asked`.

    Distinct prompts are ordered by SHA-256 of seed and prompt, and cut where the shares say. A dataset that is for
    evaluation stays so; one that is for fitting is cut among the other roles; one for any use among all.
    """
    found: dict[str, list[str]] = {role: [] for role in ROLES}
    given: dict[Role, dict[str, str]] = {
        "evaluate": {one.problem.prompt: "evaluate" for one in asked if one.role == "evaluate"}
    }
    for kind in ("fit", "any"):
        prompts = {one.problem.prompt for one in asked if one.role == kind} - given["evaluate"].keys()
        kinds = [role for role in ROLES if shares.get(role) and (kind == "any" or role != "evaluate")]
        allowed: dict[str, float] = {role: shares[role] for role in kinds}
        given[kind] = _cut(sorted(prompts, key=lambda prompt: _rank(seed, prompt)), allowed)
    for one in asked:
        role = given[one.role].get(one.problem.prompt)
        if role is not None:
            found[role].append(one.problem.sample)
    return found


def _cut(ordered: Sequence[str], shares: dict[str, float]) -> dict[str, str]:
    total = sum(shares.values())
    given: dict[str, str] = {}
    start, before = 0, 0.0
    for role, share in shares.items():
        before += share
        end = round(len(ordered) * before / total)
        given.update(dict.fromkeys(ordered[start:end], role))
        start = end
    return given


def _rank(seed: int, prompt: str) -> bytes:
    return sha256(f"{seed}:{prompt}".encode()).digest()


def parts(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The names in parts that one event can hold."""
    rest = iter(names)
    while part := tuple(islice(rest, PART)):
        yield part


def _loaded(task: Task, dataset: Dataset) -> DatasetLoaded:
    if not dataset.problems:
        raise MissingDataError(f"{task.task}: the split {dataset.split} of {dataset.loaded_from} has no rows to use")
    clusters = {problem.cluster for problem in dataset.problems} - {None}
    return DatasetLoaded(
        task=task.task,
        role=dataset.role,
        hub_path=dataset.hub_path,
        config=dataset.config,
        split=dataset.split,
        samples=dataset.samples,
        samples_used=len(dataset.problems),
        fingerprint=dataset.fingerprint,
        licence=dataset.licence,
        loaded_from=dataset.loaded_from,
        clusters=len(clusters) or None,
    )


def _planned(task: Task, role: Role, problem: Problem) -> SamplePlanned:
    return SamplePlanned(
        sample=problem.sample,
        task=task.task,
        role=role,
        prompt=problem.prompt,
        reference=problem.reference,
        cluster=problem.cluster,
    )


def _refuse_doubles(asked: Sequence[Asked]) -> None:
    times = Counter(one.problem.sample for one in asked)
    double = next((name for name, count in times.items() if count > 1), None)
    if double:
        raise ConfigError(f"the sample {double} is there twice; give each task once")
