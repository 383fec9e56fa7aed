"""What is going to be asked, and how it will be judged: fixed before the first sample."""

from collections.abc import Iterator, Sequence

from asd.core.facts.data import SplitAssigned
from asd.core.facts.run import Hypothesis, RunPlanned
from asd.runners.base import Step
from asd.runners.phases.preparation import Asked
from asd.runners.settings import AnalysisSettings
from asd.runners.state import State


def plan(
    asked: Sequence[Asked],
    models: Sequence[str],
    lambdas: Sequence[float],
    policies: int,
    seeds: Sequence[int],
    draws: Sequence[int | None],
    settings: AnalysisSettings,
    state: State,
) -> Iterator[Step]:
    """The completeness ledger and the analysis plan. `policies` counts the λ with one that is searched for."""
    generations = len(asked) * len(models) * len(draws)
    evaluated = sum(len(one.samples) for one in state.all(SplitAssigned) if one.role == "evaluate")
    yield RunPlanned(
        units={"generated": generations, "graded": generations, "answered": evaluated * policies},
        lambdas=tuple(lambdas),
        seeds=tuple(seeds),
        stages=tuple(models),
        tasks=tuple(dict.fromkeys(one.task.task for one in asked)),
        alpha=settings.alpha,
        confidence=settings.confidence,
        retention_margin=settings.retention,
        hypotheses=tuple(hypotheses(len(seeds), settings)),
    )


def hypotheses(seeds: int, settings: AnalysisSettings) -> Iterator[Hypothesis]:
    """The questions of the main table, each asked per dataset at the chosen λ."""
    paired = "exact McNemar" if seeds == 1 else f"sign-flip permutation, {settings.permutations:,} resamples"
    yield Hypothesis(
        name="accuracy difference",
        question="Does the cascade's accuracy differ from the last stage's alone?",
        method=paired,
        family="datasets (Holm)",
    )
    yield Hypothesis(
        name="speedup",
        question="How much less time do the same samples take?",
        method=f"ratio of sums, paired BCa bootstrap, {settings.bootstraps:,} resamples",
        family="estimates",
    )
    yield Hypothesis(
        name="quality retention",
        question=f"Does the cascade keep at least {settings.retention:.1%} of the last stage's accuracy?",
        method="one-sided non-inferiority",
        family="retention (Holm)",
    )
