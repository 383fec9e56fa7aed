"""Training the quality predictor: a runner of its own, which only emits events."""

import time
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from asd.core import calibration
from asd.core.arrays import BoolArray, FloatArray
from asd.core.errors import DamageError
from asd.core.event import Event
from asd.core.facts.predictor import PredictorCalibrated, PredictorTrained, QualityPredicted, ReliabilityBin
from asd.core.features import FEATURE_NAMES, Answer, emphasis, feature_vector, information_mask
from asd.runners import mlp
from asd.runners.base import Runner, Step
from asd.runners.ladder import players, right, split
from asd.runners.settings import PredictorSettings
from asd.runners.state import State

TOGETHER = 500
"""Predictions that are stored in one go."""


class PredictorTraining(Runner):
    """Train, calibrate and ask one network a seed, over a ladder's answers and grades in `past`.

    Fits on the role `fit`, calibrates on `calibrate`, reports on `evaluate`; predicts all roles but `fit`.
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
            yield from _Seed(self, state, features, seed, draw).steps()

    def _draws(self) -> Sequence[int | None]:
        return self.draws * len(self.seeds) if len(self.draws) == 1 else self.draws


class Features:
    """The feature vectors of answers, each computed once; `seconds` is what one took on average."""

    def __init__(self, state: State, mask: BoolArray) -> None:
        """`mask` [128] says which features may be used."""
        self.state, self.mask = state, mask
        self.known: dict[tuple[str, int, int | None], FloatArray] = {}
        self.spent_s = 0.0

    def of(self, names: Sequence[str], stage: int, draw: int | None) -> FloatArray:
        """Features of the answers of `stage`: [samples, used features]."""
        began = time.perf_counter()
        rows = [self._one(name, stage, draw) for name in names]
        self.spent_s += time.perf_counter() - began
        return np.array(rows).reshape(len(names), int(self.mask.sum()))

    @property
    def seconds(self) -> float:
        """Mean seconds per vector."""
        return self.spent_s / max(len(self.known), 1)

    def _one(self, name: str, stage: int, draw: int | None) -> FloatArray:
        key = (name, stage, draw)
        if key not in self.known:
            ran = [one for one in range(stage + 1) if (name, one, draw) in self.state.generated]
            history = [self._answer(name, one, draw) for one in ran]
            self.known[key] = feature_vector(self.state.planned[name].prompt, history)[self.mask]
        return self.known[key]

    def _answer(self, name: str, stage: int, draw: int | None) -> Answer:
        said = self.state.generated[name, stage, draw]
        final = self.state.graded[name, stage, draw].extracted
        return Answer(said.text, final, said.logprobs, said.output_tokens)


class _Seed:
    """One seed's predictor: a network for all stages, and a calibration for each."""

    def __init__(
        self, runner: PredictorTraining, state: State, features: Features, seed: int, draw: int | None
    ) -> None:
        self.settings, self.files, self.stages = runner.settings, runner.files, runner.stages
        self.state, self.features, self.seed, self.draw = state, features, seed, draw

    def steps(self) -> Iterator[Step]:
        trained = next((one for one in self.state.all(PredictorTrained) if one.seed == self.seed), None)
        if trained is None:
            trained = self._train()
            yield trained
        network = stored_network(self.files / trained.file, trained.sha256)
        for stage in range(self.stages):
            calibrated = self._calibrated(network, stage)
            yield calibrated
            yield from self._predictions(network, calibration.calibration_from_data(calibrated.parameters), stage)

    def _data(self, role: str, stage: int) -> tuple[FloatArray, FloatArray]:
        """Features with the stage marked, and labels."""
        names = players(self.state, self.seed, role)[: self.settings.samples]
        labels = right(self.state, names, self.draw, self.stages)[:, stage].astype(np.float64)
        return mlp.with_stage(self.features.of(names, stage, self.draw), stage, self.stages), labels

    def _pooled(self, role: str) -> tuple[FloatArray, FloatArray]:
        """All stages' answers, one after another."""
        parts = [self._data(role, stage) for stage in range(self.stages)]
        return np.concatenate([features for features, _ in parts]), np.concatenate([labels for _, labels in parts])

    def _train(self) -> PredictorTrained:
        import torch

        features, labels = self._pooled("fit")
        began = time.monotonic()
        network = mlp.train(
            features,
            labels,
            hidden=self.settings.hidden,
            dropout=self.settings.dropout,
            seed=self.seed,
            epochs=self.settings.epochs,
            learning_rate=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
            batch=self.settings.batch,
            emphasis=np.append(emphasis()[self.features.mask], np.ones(self.stages)),
            held_out=self._pooled("calibrate"),
        )
        file = f"predictor-seed-{self.seed}.safetensors"
        return PredictorTrained(
            seed=self.seed,
            file=file,
            sha256=_store(self.files / file, network),
            features=tuple(np.array(FEATURE_NAMES)[self.features.mask]),
            hidden=self.settings.hidden,
            dropout=self.settings.dropout,
            samples=len(labels),
            epochs=self.settings.epochs,
            loss=network.loss,
            train_s=time.monotonic() - began,
            torch_version=torch.__version__,
        )

    def _calibrated(self, network: mlp.Mlp, stage: int) -> PredictorCalibrated:
        features, labels = self._data("calibrate", stage)
        rng = np.random.default_rng([self.seed, stage])
        chosen = calibration.choose_calibration(mlp.scores(network, features)[:, 0], labels, rng)
        seen, truth = self._data("evaluate", stage)
        q = chosen.apply(mlp.scores(network, seen)[:, 0])
        return PredictorCalibrated(
            seed=self.seed,
            stage=stage,
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
        )

    def _predictions(self, network: mlp.Mlp, calibrated: calibration.Calibration, stage: int) -> Iterator[Step]:
        for role in ("calibrate", "certify", "evaluate"):
            names = split(self.state, self.seed, role)
            if all((self.seed, stage, name) in self.state.quality for name in names):
                continue
            features = self.features.of(names, stage, self.draw)
            began = time.perf_counter()
            q = calibrated.apply(mlp.scores(network, mlp.with_stage(features, stage, self.stages))[:, 0]).tolist()
            each_s = (time.perf_counter() - began) / len(names) + self.features.seconds
            made = [
                QualityPredicted(sample=name, stage=stage, seed=self.seed, q=value, predict_s=each_s)
                for name, value in zip(names, q, strict=True)
            ]
            for start in range(0, len(made), TOGETHER):
                yield tuple(made[start : start + TOGETHER])


def _store(path: Path, network: mlp.Mlp) -> str:
    """Write the weights whole or not at all; return the file's SHA-256."""
    from safetensors.numpy import save

    content = save(network.arrays())
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)
    return sha256(content).hexdigest()


def stored_network(path: Path, expected: str) -> mlp.Mlp:
    """The network in a file of SHA-256 `expected`. Raises `DamageError` where the file is missing or another."""
    from safetensors.numpy import load

    content = path.read_bytes() if path.is_file() else b""
    if sha256(content).hexdigest() != expected:
        raise DamageError(f"{path} is missing or was changed since it was recorded; restore it, or start a new run")
    return mlp.Mlp.from_arrays(load(content))
