"""The router that cascades are compared with: it chooses a stage from the prompt alone, before any has answered."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from asd.core import calibration
from asd.core.arrays import FloatArray
from asd.core.facts.predictor import RouterAsked, RouterTrained
from asd.core.features import BLOCKS, emphasis
from asd.runners.ensemble import Ensemble, Lesson, fit_ensemble, stored_ensemble
from asd.runners.ladder import right
from asd.runners.phases.preparation import parts
from asd.runners.predictor import Predictor
from asd.runners.settings import Role
from asd.runners.state import State

ROUTER = "router"


def foretold(state: State, seed: int, names: Sequence[str]) -> FloatArray:
    """The probability that each stage will be right, from the prompt alone, as events have it: [samples, stages]."""
    mine = (one for one in state.all(RouterAsked) if one.seed == seed)
    known = {name: q for one in mine for name, q in zip(one.samples, one.q, strict=True)}
    return np.array([known[name] for name in names])


class Routing:
    """One seed's network, trained and asked."""

    def __init__(self, predictor: Predictor, files: Path) -> None:
        """`predictor` says which samples train, calibrate and count; the network is stored in `files`."""
        self.predictor, self.files = predictor, files
        self.settings, self.seed = predictor.settings, predictor.seed
        self.said = next((one for one in predictor.state.all(RouterTrained) if one.seed == self.seed), None)

    def steps(self) -> Iterator[RouterTrained | RouterAsked]:
        """Train and ask where that has not been done yet."""
        if self.said is None:
            began = time.monotonic()
            names = self.predictor.names(self.settings.trains)[: self.settings.samples]
            folds, weight = self.predictor.folds(names), emphasis()[: len(BLOCKS["prompt"])]
            lesson = Lesson(self.predictor.features.of_prompts(names), self._labels(names), folds, weight)
            ensemble, _ = fit_ensemble(self.settings, lesson, self.seed)
            self.said = self._event(ensemble, len(names), began)
            yield self.said
        for role in dict.fromkeys((*self.settings.calibrates, "evaluate")):
            yield from self._asked(role)

    def _asked(self, role: Role) -> Iterator[RouterAsked]:
        said = {one.part for one in self.predictor.state.all(RouterAsked) if (one.seed, one.role) == (self.seed, role)}
        for part, names in enumerate(parts(self.predictor.names((role,)))):
            if part not in said:
                q = tuple(map(tuple, self._estimates(names).tolist()))
                yield RouterAsked(policy=ROUTER, seed=self.seed, role=role, part=part, samples=names, q=q)

    def _estimates(self, names: Sequence[str]) -> FloatArray:
        assert self.said is not None
        ensemble = stored_ensemble(self.files / self.said.file, self.said.sha256)
        scored = self._scores(ensemble, names)
        maps = [calibration.calibration_from_data(one) for one in self.said.calibrations]
        return np.column_stack([one.apply(scored[:, stage]) for stage, one in enumerate(maps)])

    def _event(self, ensemble: Ensemble, samples: int, began: float) -> RouterTrained:
        file = f"router-seed-{self.seed}.safetensors"
        known, seen = self.predictor.names(self.settings.calibrates), self.predictor.names(("evaluate",))
        scored, labels = self._scores(ensemble, known), self._labels(known)
        tried, truth = self._scores(ensemble, seen), self._labels(seen)
        stages, rng = range(labels.shape[1]), np.random.default_rng([self.seed, len(known)])
        maps = [calibration.choose_calibration(scored[:, stage], labels[:, stage], rng) for stage in stages]
        return RouterTrained(
            seed=self.seed,
            file=file,
            sha256=ensemble.store(self.files / file),
            samples=samples,
            folds=self.settings.folds,
            calibrations=tuple(one.to_data() for one in maps),
            auroc=tuple(calibration.auroc(tried[:, stage], truth[:, stage]) for stage in stages),
            train_s=time.monotonic() - began,
        )

    def _scores(self, ensemble: Ensemble, names: Sequence[str]) -> FloatArray:
        return ensemble.scores(self.predictor.features.of_prompts(names), self.predictor.folds(names))

    def _labels(self, names: Sequence[str]) -> FloatArray:
        return right(self.predictor.state, names, self.predictor.draw, self.predictor.stages).astype(np.float64)
