"""Which λ surely keep the last stage's right answers: Learn-then-Test on samples that nothing was fitted to."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress

import numpy as np

from asd.core.facts.analysis import CertificateTest, RetentionCertified
from asd.core.statistics.certify import certify
from asd.runners.base import Step
from asd.runners.ladder import split
from asd.runners.phases.decisions import POLICY, Replay
from asd.runners.settings import AnalysisSettings

CERTIFIED = ("certify",)
METHOD = "Learn-then-Test, fixed sequence from the largest λ down, "
EXACT, CLUSTERED = "exact binomial", "Hoeffding's bound over clusters"


def certificates(settings: AnalysisSettings, replay: Replay) -> Iterator[Step]:
    """One a seed, where samples play the role `certify`: each seed is another predictor with policies of its own.

    Seeds share samples, so their tests are not pooled: an exact test needs each sample once. That all is kept, or
    more, cannot be certified.
    """
    for seed in replay.draws:
        if settings.retention < 1 and split(replay.state, seed, "certify"):
            yield _certificate(settings, replay, seed)


def _certificate(settings: AnalysisSettings, replay: Replay, seed: int) -> RetentionCertified:
    some = replay.table(seed, CERTIFIED)
    base = some.right[:, -1]
    kept = {lam: _kept(replay, lam, seed) for lam in replay.lambdas}
    clusters = _clusters(replay, some.names)
    largest = max(Counter(compress(clusters or some.names, base)).values(), default=1)
    found = certify(list(kept.items()), int(base.sum()), settings.retention, settings.alpha, largest)
    return RetentionCertified(
        seed=seed,
        policy=POLICY,
        lam=found.lam,
        target=found.target,
        alpha=found.alpha,
        samples=len(some.names),
        baseline_right=int(base.sum()),
        tested=tuple(CertificateTest(lam=lam, kept=kept[lam], p_value=p) for lam, p in found.tested),
        method=METHOD + (CLUSTERED if largest > 1 else EXACT),
        clusters=len(set(clusters)) or None,
    )


def _clusters(replay: Replay, names: Sequence[str]) -> list[str]:
    """The cluster of each sample, its own name where it stands alone; none where all do, or all are of one cluster."""
    found = [replay.state.planned[name].cluster or name for name in names]
    return found if 1 < len(set(found)) < len(found) else []


def _kept(replay: Replay, lam: float, seed: int) -> int:
    """How many of the answers that the last stage has right stay right under the policy."""
    some = replay.table(seed, CERTIFIED)
    decided = replay.decide(replay.policy(lam, seed), seed, CERTIFIED)
    right = some.right[np.arange(len(some.names)), decided.answer_stage]
    return int((right & some.right[:, -1]).sum())
