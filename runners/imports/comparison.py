"""Imported models against each other: each against the last, on the samples that both answered."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.metadata import version

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.event import JsonObject
from asd.core.facts.analysis import Interval, StatisticsComputed
from asd.core.facts.sample import SampleGraded
from asd.core.statistics import clusters, intervals, multiple, paired
from asd.runners.imports.answers import Source
from asd.runners.pairs import LEVELS, pairs

ALPHA = 0.01
RESAMPLES = 99_999
RNG_SEED = 20240612


def compare(sources: Sequence[Source], stages: dict[str, int], head: dict[str, int]) -> Iterator[StatisticsComputed]:
    """One `statistics.computed` for each task and stage but the last; exploratory, since nothing was planned; computed
    when the log stood at `head`.

    Exact McNemar with Tango's interval where each sample was answered once, else sign flips of per-sample means.
    """
    found: dict[tuple[str, int], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for source in sources:
        for answer in source.answers:
            found[source.task, stages[source.model]][answer.name].append(answer.correct)
    last = max(stages.values())
    pairs = [(task, stage) for task, stage in sorted(found) if stage < last and (task, last) in found]
    made = [_compared(task, stage, found[task, stage], found[task, last]) for task, stage in pairs]
    adjusted = multiple.holm([one.p_value or 0.0 for one in made])
    for one, p in zip(made, adjusted, strict=True):
        yield one.model_copy(update={"p_adjusted": float(p), "head": head})


def _compared(task: str, stage: int, ours: dict[str, list[bool]], base: dict[str, list[bool]]) -> StatisticsComputed:
    names = sorted(ours.keys() & base.keys())
    one, other = (np.array([np.mean(answers[name]) for name in names]) for answers in (ours, base))
    once = all(len(answers[name]) == 1 for answers in (ours, base) for name in names)
    p, method, shown = _exact(one, other) if once and names else _resampled(one - other)
    return StatisticsComputed(
        name=f"accuracy-difference-stage-{stage}",
        task=task,
        lam=None,
        method=method,
        estimate=float((one - other).mean()) if names else None,
        intervals=tuple(Interval(level=i.level, low=i.low, high=i.high, method=i.method) for i in shown),
        p_value=p,
        p_adjusted=p,
        family="stages against the last (Holm)",
        effect_size=float((one - other).mean()) if names else None,
        effect="risk difference",
        samples=len(names),
        clusters=None,
        seeds=1 if once else max(len(ours[name]) for name in names),
        rng_seed=None if once else RNG_SEED,
        details=_details(one, other),
        versions={name: version(name) for name in ("asd", "numpy", "scipy")},
        rests_on={SampleGraded.kind: sum(map(len, ours.values())) + sum(map(len, base.values()))},
        exploratory=True,
    )


def _details(ours: FloatArray, base: FloatArray) -> JsonObject:
    """Draws of two models are no pairs: where they differ in more than one, samples differ by how often they do."""
    return pairs(ours, base, np.abs(ours - base), np.arange(len(ours)), ALPHA) if len(ours) else {}


def _exact(ours: FloatArray, base: FloatArray) -> tuple[float, str, list[intervals.Interval]]:
    table = paired.paired_table(ours > 0.5, base > 0.5)
    return paired.mcnemar_exact(table), "exact McNemar", [intervals.tango(table, level) for level in LEVELS]


def _resampled(difference: FloatArray) -> tuple[float | None, str, list[intervals.Interval]]:
    if not len(difference):
        return None, "none: no sample in common", []
    mean = clusters.clustered_mean(difference, np.arange(len(difference)))
    p = paired.sign_flip_test(difference, RNG_SEED, RESAMPLES)
    return p, f"sign-flip permutation, {RESAMPLES:,} resamples", [mean.interval(level) for level in LEVELS]
