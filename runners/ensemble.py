"""Networks that judge: one, or several of which each has not seen a part of the samples (cross-fitting).

With cross-fitting (Chernozhukov et al. 2018, 'Double/debiased machine learning', section 3) the same samples train the
predictor and calibrate it, since each is judged by the network that was not fitted on it. On a thousand samples that
is worth more than a split; on many it is not needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from asd.core.arrays import FloatArray, IntArray
from asd.core.errors import DamageError
from asd.runners import mlp
from asd.runners.settings import PredictorSettings

UNSEEN = -1
"""The fold of samples that no network was fitted on."""


def fold_of(prompt: str, seed: int, folds: int) -> int:
    """The part that a prompt belongs to, from its hash: samples with the same prompt share it."""
    return int.from_bytes(sha256(f"fold/{seed}:{prompt}".encode()).digest()[:8]) % folds


@dataclass(frozen=True)
class Ensemble:
    """One network, or one a fold."""

    networks: tuple[mlp.Mlp, ...]

    def scores(self, features: FloatArray, folds: IntArray) -> FloatArray:
        """Log-odds [m, outputs] for features [m, d]: each sample by the network of its fold, `UNSEEN` ones by all."""
        found = mlp.mean_scores(self.networks, features)
        if len(self.networks) > 1:
            for fold, network in enumerate(self.networks):
                mine = folds == fold
                found[mine] = mlp.scores(network, features[mine])
        return found

    def store(self, path: Path) -> str:
        """Write the weights whole or not at all; return the file's SHA-256."""
        from safetensors.numpy import save

        content = save(self._arrays())
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(path)
        return sha256(content).hexdigest()

    def _arrays(self) -> dict[str, FloatArray]:
        if len(self.networks) == 1:
            return self.networks[0].arrays()
        parts = (network.arrays() for network in self.networks)
        return {f"{fold}/{name}": array for fold, arrays in enumerate(parts) for name, array in arrays.items()}


def stored_ensemble(path: Path, expected: str) -> Ensemble:
    """The networks in a file of SHA-256 `expected`. Raises `DamageError` where the file is missing or another."""
    from safetensors.numpy import load

    content = path.read_bytes() if path.is_file() else b""
    if sha256(content).hexdigest() != expected:
        raise DamageError(f"{path} is missing or was changed since it was recorded; restore it, or start a new run")
    return Ensemble(tuple(mlp.Mlp.from_arrays(part) for part in _by_fold(load(content))))


def _by_fold(arrays: Mapping[str, FloatArray]) -> Sequence[Mapping[str, FloatArray]]:
    if "mean" in arrays:
        return (arrays,)
    folds = 1 + max(int(name.partition("/")[0]) for name in arrays)
    return [
        {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith(f"{fold}/")}
        for fold in range(folds)
    ]


@dataclass(frozen=True)
class Lesson:
    """What is learned: features [m, d], labels [m] or [m, outputs], the fold of each row, and the features' weight."""

    features: FloatArray
    labels: FloatArray
    folds: IntArray
    emphasis: FloatArray


def fit_ensemble(settings: PredictorSettings, lesson: Lesson, seed: int) -> tuple[Ensemble, float]:
    """The networks, and their mean log-loss on the rows that each has not seen (nan with a single network)."""
    parts = [lesson.folds != fold for fold in range(settings.folds)] if settings.folds > 1 else [lesson.folds < np.inf]
    networks = tuple(
        mlp.train(
            lesson.features[rows],
            lesson.labels[rows],
            hidden=settings.hidden,
            dropout=settings.dropout,
            seed=seed,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            batch=settings.batch,
            emphasis=lesson.emphasis,
        )
        for rows in parts
    )
    made = Ensemble(networks)
    if settings.folds == 1:
        return made, float("nan")
    return made, mlp.log_loss_of_scores(made.scores(lesson.features, lesson.folds), lesson.labels)
