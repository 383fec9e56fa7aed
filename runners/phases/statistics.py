"""The planned questions, answered from the run's own outcomes."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.errors import UsageError
from asd.core.event import JsonObject
from asd.core.facts.analysis import Interval, LambdaChosen, StatisticsComputed
from asd.core.facts.decision import SampleAnswered
from asd.core.statistics import attainable, bayes, bootstrap, clusters, intervals, multiple, paired
from asd.runners.base import Step
from asd.runners.outcomes import Outcomes, outcomes
from asd.runners.pairs import LEVELS, pairs
from asd.runners.phases.decisions import Replay
from asd.runners.settings import AnalysisSettings

ALL = "all"
PACKAGES = ("asd", "numpy", "scipy")


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer before its p-value is adjusted; fields as in `statistics.computed`."""

    name: str
    task: str
    lam: float
    samples: int
    clusters: int | None
    method: str = ""
    family: str = ""
    estimate: float | None = None
    intervals: tuple[Interval, ...] = ()
    p_value: float | None = None
    p_adjusted: float | None = None
    effect_size: float | None = None
    effect: str | None = None
    rng_seed: int | None = None
    details: JsonObject | None = None
    exploratory: bool = False


def analyse(settings: AnalysisSettings, replay: Replay) -> Iterator[Step]:
    """Every planned question at the chosen λ, then the grid of λ and tasks as exploration."""
    chosen = replay.state.last(LambdaChosen)
    assert chosen is not None
    head = replay.state.head
    questions = Questions(settings, replay)
    for findings in questions.planned(chosen.lam), questions.grid():
        yield from (finding_event(finding, replay, head) for finding in findings)


class Questions:
    """The analysis plan over one run's outcomes."""

    def __init__(self, settings: AnalysisSettings, replay: Replay) -> None:
        """Nothing is computed yet."""
        self.settings, self.replay, self.state = settings, replay, replay.state
        self.seeds = tuple(replay.draws)
        tasks = tuple(dict.fromkeys(one.task for one in self.state.planned.values()))
        self.tasks = (*tasks, ALL) if len(tasks) > 1 else tasks

    def planned(self, lam: float) -> Iterator[Finding]:
        """The main table's questions, each family adjusted."""
        for ask in (self.difference, self.retention):
            yield from _holm([ask(lam, task) for task in self.tasks])
        for task in self.tasks:
            yield self.speedup(lam, task)
            yield self.posterior(lam, task)

    def grid(self) -> Iterator[Finding]:
        """The accuracy difference in every cell of λ and task, Benjamini-Hochberg adjusted."""
        cells = [self.difference(lam, task) for lam in self.replay.lambdas for task in self.tasks]
        named = [
            replace(cell, name="accuracy-difference-cell", family="cells (Benjamini-Hochberg)", exploratory=True)
            for cell in cells
        ]
        yield from _adjusted(named, multiple.benjamini_hochberg)

    def difference(self, lam: float, task: str) -> Finding:
        """Does the accuracy differ? Exact McNemar for one seed; else sign flips of the per-sample means."""
        seen, rng_seed = self._outcomes(lam, task), self._seed("difference", task, lam)
        if len(self.seeds) == 1:
            table = paired.paired_table(seen.right > 0.5, seen.baseline_right > 0.5)
            p = attainable.checked_p(paired.mcnemar_exact(table), attainable.mcnemar_bound(table.discordant))
            method, found = "exact McNemar", [intervals.tango(table, level) for level in LEVELS]
        else:
            p, found = self._sign_flip(seen, rng_seed)
            flipped = "sign-flip" if seen.clusters is None else "cluster sign-flip"
            method = f"{flipped} permutation, {self.settings.permutations:,} resamples"
        return replace(
            about("accuracy-difference", lam, task, seen),
            method=method,
            family="datasets (Holm)",
            estimate=float(seen.difference.mean()),
            intervals=_events(found),
            p_value=p,
            effect_size=float(seen.difference.mean()),
            effect="risk difference",
            rng_seed=None if len(self.seeds) == 1 else rng_seed,
            details=pairs(seen.right, seen.baseline_right, seen.disagree, seen.groups, self.settings.alpha),
        )

    def retention(self, lam: float, task: str) -> Finding:
        """Is the planned share of the baseline's accuracy kept? One-sided; the null is that it is not."""
        seen, margin = self._outcomes(lam, task), self.settings.retention
        rng_seed = self._seed("retention", task, lam)
        if not seen.baseline_right.sum():
            return replace(
                about("quality-retention", lam, task, seen),
                method="none: the baseline is never right",
                family="retention (Holm)",
            )
        ratio = float(seen.right.sum() / seen.baseline_right.sum())
        if len(self.seeds) == 1:
            table = paired.paired_table(seen.right > 0.5, seen.baseline_right > 0.5)
            p, method = intervals.non_inferiority(table, margin), "Nam-Blackwelder score, one-sided"
            found = [intervals.nam_blackwelder(table, level) for level in LEVELS]
        else:
            kept = clusters.clustered_mean(seen.right - margin * seen.baseline_right, seen.groups)
            p = kept.p_value / 2 if kept.mean > 0 else 1 - kept.p_value / 2
            method = "cluster-robust t of accuracy − margin × baseline accuracy, one-sided"
            found = self._bootstrap(seen.right, seen.baseline_right, rng_seed)
        return replace(
            about("quality-retention", lam, task, seen),
            method=method,
            family="retention (Holm)",
            estimate=ratio,
            intervals=_events(found),
            p_value=p,
            effect_size=ratio - margin,
            effect=f"retention − {margin:g}",
            rng_seed=rng_seed,
            details={"margin": margin},
        )

    def speedup(self, lam: float, task: str) -> Finding:
        """How much less is spent? A ratio of sums with a paired bootstrap."""
        seen, rng_seed = self._outcomes(lam, task), self._seed("speedup", task, lam)
        size = _log_latency(seen)
        return replace(
            about("speedup", lam, task, seen),
            method=f"ratio of sums, paired BCa bootstrap, {self.settings.bootstraps:,} resamples",
            family="estimates",
            estimate=seen.speedup,
            intervals=_events(self._bootstrap(seen.baseline_spent, seen.spent, rng_seed)),
            effect_size=size,
            effect=None if size is None else "d_z of log-latency",
            rng_seed=rng_seed,
        )

    def posterior(self, lam: float, task: str) -> Finding:
        """The Bayesian view of the accuracy difference, on the first seed's table."""
        seen = outcomes(self.state, lam, self.seeds[:1], None if task == ALL else task)
        rng_seed = self._seed("posterior", task, lam)
        table = paired.paired_table(seen.right > 0.5, seen.baseline_right > 0.5)
        drawn = bayes.dirichlet_posterior(table, np.random.default_rng(rng_seed))
        kept = [drawn.retention_interval(level) for level in LEVELS]
        return replace(
            about("accuracy-difference-posterior", lam, task, seen),
            method="Dirichlet posterior of the paired table, prior ½ a cell",
            family="Bayesian view",
            estimate=float(drawn.difference.mean()),
            intervals=_events([drawn.difference_interval(level) for level in LEVELS]),
            rng_seed=rng_seed,
            details={
                "seed": self.seeds[0],
                "probability_better": drawn.probability_better,
                "rope_half_width": bayes.ROPE,
                "probability_in_rope": drawn.in_rope(),
                "retention": float(drawn.retention.mean()),
                **{f"retention_{one.level:.0%}"[:-1]: [one.low, one.high] for one in kept},
                "both": table.both,
                "only_ours": table.only_ours,
                "only_baseline": table.only_baseline,
                "neither": table.neither,
            },
        )

    def _outcomes(self, lam: float, task: str) -> Outcomes:
        return outcomes(self.state, lam, self.seeds, None if task == ALL else task)

    def _sign_flip(self, seen: Outcomes, rng_seed: int) -> tuple[float, list[intervals.Interval]]:
        many = self.settings.permutations
        if seen.clusters is None:
            p = paired.sign_flip_test(seen.difference, rng_seed, many)
        else:
            p = clusters.cluster_sign_flip_test(seen.difference, seen.clusters, rng_seed, many)
        bound = attainable.sign_flip_bound(int(np.count_nonzero(seen.difference)), many)
        mean = clusters.clustered_mean(seen.difference, seen.groups)
        return attainable.checked_p(p, bound), [mean.interval(level) for level in LEVELS]

    def _bootstrap(self, top: FloatArray, bottom: FloatArray, rng_seed: int) -> list[intervals.Interval]:
        drawn = bootstrap.ratio_of_sums(top, bottom, rng_seed, self.settings.bootstraps)
        return [drawn.interval(level) for level in LEVELS]

    def _seed(self, name: str, task: str, lam: float) -> int:
        """A seed for each question, so that none depends on the order of the others."""
        spread = np.random.SeedSequence([self.settings.rng_seed, *f"{name}/{task}/{lam:g}".encode()])
        return int(spread.generate_state(1)[0])


def about(name: str, lam: float, task: str, seen: Outcomes) -> Finding:
    """A finding that says so far only what it is about."""
    groups = None if seen.clusters is None else len(set(seen.clusters.tolist()))
    return Finding(name, task, lam, len(seen.names), groups)


def finding_event(one: Finding, replay: Replay, head: dict[str, int], of: str | None = None) -> StatisticsComputed:
    """The finding as a fact, which read the log up to `head` (of the run `of`, None: this one)."""
    return StatisticsComputed(
        name=one.name,
        task=one.task,
        lam=one.lam,
        method=one.method,
        estimate=one.estimate,
        intervals=one.intervals,
        p_value=one.p_value,
        p_adjusted=one.p_adjusted,
        family=one.family,
        effect_size=one.effect_size,
        effect=one.effect,
        samples=one.samples,
        clusters=one.clusters,
        seeds=len(replay.draws),
        rng_seed=one.rng_seed,
        details=one.details or {},
        versions={name: version(name) for name in PACKAGES},
        rests_on={SampleAnswered.kind: sum(map(len, replay.state.answered.values()))},
        exploratory=one.exploratory,
        head=head,
        head_of=of,
    )


def _log_latency(seen: Outcomes) -> float | None:
    """d_z of ln(our time ÷ baseline time); None without times, for one sample, and where the ratios do not vary."""
    if not seen.timed:
        return None
    try:
        return paired.cohens_dz(seen.spent, seen.baseline_spent)
    except UsageError:
        return None


def _events(found: Iterable[intervals.Interval]) -> tuple[Interval, ...]:
    finite = (one for one in found if math.isfinite(one.low) and math.isfinite(one.high))
    return tuple(Interval(level=one.level, low=one.low, high=one.high, method=one.method) for one in finite)


def _holm(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Adjusted over the datasets; all samples together are no dataset and stay as they are."""
    datasets = [one for one in findings if one.task != ALL]
    yield from _adjusted(datasets, multiple.holm)
    yield from (replace(one, p_adjusted=one.p_value) for one in findings if one.task == ALL)


def _adjusted(findings: Sequence[Finding], adjust: Callable[[Sequence[float]], Sequence[float]]) -> Iterator[Finding]:
    tested = [one for one in findings if one.p_value is not None]
    adjusted = adjust([one.p_value for one in tested if one.p_value is not None])
    yield from (replace(one, p_adjusted=p) for one, p in zip(tested, adjusted, strict=True))
    yield from (one for one in findings if one.p_value is None)
