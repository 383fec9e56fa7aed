"""Training the quality predictor: a runner of its own, which only emits events."""

import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from asd.core import calibration
from asd.core.arrays import FloatArray, IntArray
from asd.core.event import Event
from asd.core.facts.predictor import PredictorCalibrated, PredictorTrained, QualityPredicted, ReliabilityBin
from asd.core.features import FEATURE_NAMES, emphasis, information_mask
from asd.core.policies.ladders import Ladder
from asd.core.policy import full_ladder, prefixes
from asd.runners import mlp
from asd.runners.base import Runner, Step
from asd.runners.ensemble import UNSEEN, Ensemble, Lesson, fit_ensemble, fold_of, stored_ensemble
from asd.runners.featuring import Features
from asd.runners.ladder import after, contexts, players, right, split
from asd.runners.settings import PredictorSettings, Role
from asd.runners.state import State

TOGETHER = 500
"""Predictions that are stored in one go."""


class PredictorTraining(Runner):
    """Train, calibrate and ask a predictor a seed, over a ladder's answers and grades in `past`.

    The settings say which roles train, calibrate and are judged; what it is worth is reported on `evaluate`.
    """

    kind = "predictor"
    stages: int
    seeds: tuple[int, ...]
    draws: tuple[int | None, ...] = (None,)
    settings: PredictorSettings = PredictorSettings()

    @property
    def packages(self) -> frozenset[str]:
        """What trains the network, and what stores it."""
        return frozenset({"torch", "safetensors"})

    def run(self, past: Iterable[Event]) -> Iterator[Step]:
        """Yield what is missing of training, calibration and predictions."""
        state = State.of(past)
        yield from state.take(self.steps(state))

    def steps(self, state: State) -> Iterator[Step]:
        """The same over a state that the caller keeps up to date."""
        features = Features(state, information_mask(self.settings.information))
        for seed, draw in zip(self.seeds, self._draws(), strict=True):
            yield from self._seed(state, features, seed, draw)

    def _seed(self, state: State, features: Features, seed: int, draw: int | None) -> Iterator[Step]:
        predictor = Predictor(self.settings, self.stages, state, features, seed, draw)
        trained = next((one for one in state.all(PredictorTrained) if one.seed == seed), None)
        if trained is None:
            began = time.monotonic()
            made, loss = predictor.train()
            file = f"predictor-seed-{seed}.safetensors"
            trained = _trained(predictor, file, made.store(self.files / file), loss, time.monotonic() - began)
            yield trained
        ensemble = stored_ensemble(self.files / trained.file, trained.sha256)
        for ran in contexts(self.stages, self.settings):
            calibrated = _calibrated(predictor, ensemble, ran)
            yield calibrated
            yield from _predictions(predictor, ensemble, calibrated, ran)

    def _draws(self) -> Sequence[int | None]:
        return self.draws * len(self.seeds) if len(self.draws) == 1 else self.draws


class Predictor:
    """What one seed's networks are taught and asked."""

    def __init__(
        self,
        settings: PredictorSettings,
        stages: int,
        state: State,
        features: Features,
        seed: int,
        draw: int | None,
    ) -> None:
        """`features` may be shared by seeds; `draw` is the sampling seed of the answers, None where greedy."""
        self.settings, self.stages = settings, stages
        self.state, self.features, self.seed, self.draw = state, features, seed, draw

    @property
    def whole(self) -> tuple[Ladder, ...]:
        """What has run after each stage when none is skipped, which is what the networks are taught."""
        return prefixes(full_ladder(self.stages))

    def train(self) -> tuple[Ensemble, float]:
        """The networks, and the mean log-loss on samples that they were not fitted on."""
        ensemble, loss = fit_ensemble(self.settings, self.lesson(), self.seed)
        if self.settings.folds > 1:
            return ensemble, loss
        rest = self.names(("calibrate",))
        scored = np.concatenate([self.scores(ensemble, rest, ran) for ran in self.whole])
        labels = np.concatenate([self.labels(rest, ran) for ran in self.whole])
        return ensemble, mlp.log_loss_of_scores(scored[:, None], labels)

    def lesson(self) -> Lesson:
        """All stages' answers, one after another."""
        names = self.names(self.settings.trains)[: self.settings.samples]
        return Lesson(
            np.concatenate([self.inputs(names, ran) for ran in self.whole]),
            np.concatenate([self.labels(names, ran) for ran in self.whole]),
            np.tile(self.folds(names), self.stages),
            np.append(emphasis()[self.features.mask], np.ones(self.stages)),
        )

    def names(self, roles: Sequence[Role]) -> list[str]:
        """The samples of `roles`, each of which somebody must play."""
        return [name for role in roles for name in players(self.state, self.seed, role)]

    def labels(self, names: Sequence[str], ran: Ladder) -> FloatArray:
        """1 where the last stage of `ran` is right, else 0: [samples]."""
        return right(self.state, names, self.draw, self.stages)[:, ran[-1]].astype(np.float64)

    def inputs(self, names: Sequence[str], ran: Ladder) -> FloatArray:
        """Features with the stage marked."""
        return mlp.with_stage(self.features.of(names, ran, self.draw), ran[-1], self.stages)

    def scores(self, ensemble: Ensemble, names: Sequence[str], ran: Ladder) -> FloatArray:
        """Log-odds [samples] that the last answer of `ran` is right, by networks that have not seen the sample."""
        return ensemble.scores(self.inputs(names, ran), self.folds(names))[:, 0]

    def folds(self, names: Sequence[str]) -> IntArray:
        """Which network has not seen each sample."""
        many = self.settings.folds
        if many == 1:
            return np.full(len(names), UNSEEN)
        trained = {name for role in self.settings.trains for name in split(self.state, self.seed, role)}
        prompts = (self.state.planned[name].prompt if name in trained else None for name in names)
        return np.array([UNSEEN if one is None else fold_of(one, self.seed, many) for one in prompts], dtype=np.int64)

    def calibration(
        self, ensemble: Ensemble, ran: Ladder, methods: Sequence[str] = calibration.METHODS
    ) -> calibration.Calibration:
        """The map from score to probability, chosen among `methods` on held-out samples."""
        names = self.names(self.settings.calibrates)
        rng = np.random.default_rng([self.seed, *ran] if self.settings.told else [self.seed, ran[-1]])
        return calibration.choose_calibration(self.scores(ensemble, names, ran), self.labels(names, ran), rng, methods)


def _trained(predictor: Predictor, file: str, sha256: str, loss: float, train_s: float) -> PredictorTrained:
    import torch

    settings = predictor.settings
    return PredictorTrained(
        seed=predictor.seed,
        file=file,
        sha256=sha256,
        features=tuple(np.array(FEATURE_NAMES)[predictor.features.mask]),
        hidden=settings.hidden,
        dropout=settings.dropout,
        samples=len(predictor.lesson().labels),
        epochs=settings.epochs,
        loss=loss,
        train_s=train_s,
        torch_version=torch.__version__,
        folds=settings.folds,
    )


def _calibrated(predictor: Predictor, ensemble: Ensemble, ran: Ladder) -> PredictorCalibrated:
    chosen = predictor.calibration(ensemble, ran)
    names = predictor.names(("evaluate",))
    truth = predictor.labels(names, ran)
    q = chosen.apply(predictor.scores(ensemble, names, ran))
    return PredictorCalibrated(
        seed=predictor.seed,
        stage=ran[-1],
        method=chosen.name,
        parameters=chosen.to_data(),
        role="evaluate",
        samples=len(truth),
        brier=calibration.brier(q, truth),
        log_loss=calibration.log_loss(q, truth),
        auroc=calibration.auroc(q, truth),
        ece=calibration.ece(q, truth),
        reliability=tuple(
            ReliabilityBin(samples=row.samples, predicted=row.predicted, observed=row.observed)
            for row in calibration.reliability(q, truth)
            if row.samples
        ),
        after=after(ran, predictor.settings.told),
    )


def _predictions(
    predictor: Predictor, ensemble: Ensemble, calibrated: PredictorCalibrated, ran: Ladder
) -> Iterator[Step]:
    curve = calibration.calibration_from_data(calibrated.parameters)
    stage, seed, told = ran[-1], predictor.seed, calibrated.after
    for role in predictor.settings.judges:
        names = split(predictor.state, seed, role)
        if all((seed, stage, told, name) in predictor.state.quality for name in names):
            continue
        predictor.features.of(names, ran, predictor.draw)
        began = time.perf_counter()
        q = curve.apply(predictor.scores(ensemble, names, ran)).tolist()
        each_s = (time.perf_counter() - began) / len(names) + predictor.features.seconds
        made = [
            QualityPredicted(sample=name, stage=stage, seed=seed, q=value, predict_s=each_s, after=told)
            for name, value in zip(names, q, strict=True)
        ]
        for start in range(0, len(made), TOGETHER):
            yield tuple(made[start : start + TOGETHER])
