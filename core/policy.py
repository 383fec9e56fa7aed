"""Policies: when to stop on a ladder of stages, and how to tell a good rule from a bad one.

A policy is a small frozen object with `fit(q, right, costs, lam)`, which gives a `FittedPolicy` with `decide` (m
samples at once), `stop_or_go` (one sample, one stage) and `to_data`. `q` is the calibrated probability that a
stage's answer is right given the history, `right` the labels, `costs` the stages' costs, `lam` the price of a
wrong answer in the unit of the costs.
"""

from collections.abc import Callable, Mapping

from asd.core.errors import UsageError
from asd.core.policies.base import Decisions, FittedPolicy, Step, judged, objective
from asd.core.policies.baselines import (
    AlwaysStage,
    FittedMix,
    FittedOracle,
    FittedRouter,
    FittedThreshold,
    Oracle,
    RandomMix,
    Router,
    Threshold,
    mix_for_budget,
)
from asd.core.policies.ladders import full_ladder, prefixes, sub_ladders
from asd.core.policies.recall import RecallModel, fit_recall, fit_recall_on, rejudged
from asd.core.policies.stopping import FittedStopping, Myopic, OptimalStopping, SubLadderPortfolio

__all__ = [
    "AlwaysStage",
    "Decisions",
    "FittedPolicy",
    "Myopic",
    "OptimalStopping",
    "Oracle",
    "RandomMix",
    "RecallModel",
    "Router",
    "Step",
    "SubLadderPortfolio",
    "Threshold",
    "fit_recall",
    "fit_recall_on",
    "full_ladder",
    "judged",
    "mix_for_budget",
    "objective",
    "policy_from_data",
    "prefixes",
    "rejudged",
    "sub_ladders",
]


def _oracle(data: Mapping[str, object]) -> FittedOracle:
    stopping = FittedStopping.from_data({**data, "recall": False, "continuations": []})
    return FittedOracle(stopping.lam, stopping.stages)


_KINDS: dict[str, Callable[[Mapping[str, object]], FittedPolicy]] = {
    FittedStopping.name: FittedStopping.from_data,
    FittedThreshold.name: FittedThreshold.from_data,
    FittedRouter.name: FittedRouter.from_data,
    FittedOracle.name: _oracle,
    FittedMix.name: FittedMix.from_data,
}


def policy_from_data(data: Mapping[str, object]) -> FittedPolicy:
    """Rebuild a fitted policy from what its `to_data` gave. Raises UsageError for an unknown policy."""
    kind = str(data.get("policy"))
    if kind not in _KINDS:
        raise UsageError(f"unknown fitted policy {kind!r}; known are {', '.join(sorted(_KINDS))}")
    return _KINDS[kind](data)
