"""The quality predictor's network: a small multilayer perceptron, trained with torch, asked with numpy.

Asking needs no torch, so a live cascade pays microseconds and a replay gives the same bytes on every machine
that has the same numpy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.errors import UsageError
from asd.runners.threads import threads

if TYPE_CHECKING:
    from torch.nn import Sequential

CLIP = 4.0


@dataclass(frozen=True)
class Mlp:
    """A trained network: the features' means and scales, and weights [in, out] and biases [out] per layer.

    `loss` is the mean log-loss on the samples held out of fitting (nan where none were).
    """

    mean: FloatArray
    scale: FloatArray
    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]
    loss: float

    def arrays(self) -> dict[str, FloatArray]:
        """Everything but the loss as named arrays, to be stored in a file."""
        layers = {f"weight.{i}": weight for i, weight in enumerate(self.weights)}
        return (
            {"mean": self.mean, "scale": self.scale}
            | layers
            | {f"bias.{i}": bias for i, bias in enumerate(self.biases)}
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, FloatArray], loss: float = float("nan")) -> "Mlp":
        """The network that `arrays` was called on."""
        depth = sum(name.startswith("weight.") for name in arrays)
        weights = tuple(np.asarray(arrays[f"weight.{i}"], dtype=np.float64) for i in range(depth))
        biases = tuple(np.asarray(arrays[f"bias.{i}"], dtype=np.float64) for i in range(depth))
        mean, scale = (np.asarray(arrays[name], dtype=np.float64) for name in ("mean", "scale"))
        return cls(mean, scale, weights, biases, loss)


def scores(network: Mlp, features: FloatArray) -> FloatArray:
    """The network's log-odds that each answer is right: features [m, d] to [m, outputs]."""
    hidden = _standardised(features, network.mean, network.scale)
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        hidden = np.maximum(hidden @ weight + bias, 0.0)
    return np.asarray(hidden @ network.weights[-1] + network.biases[-1])


def mean_scores(networks: Sequence[Mlp], features: FloatArray) -> FloatArray:
    """The mean of several networks' log-odds: features [m, d] to [m, outputs]."""
    return np.asarray(np.mean([scores(network, features) for network in networks], axis=0))


def with_stage(features: FloatArray, stage: int, stages: int) -> FloatArray:
    """Features [m, d] with `stages` columns more that say which stage answered: [m, d + stages].

    One network for all stages, told the stage, learns from every stage's answers; on a few hundred samples it
    beats a network per stage.
    """
    marks = np.zeros((len(features), stages))
    marks[:, stage] = 1.0
    return np.hstack([features, marks])


def train(
    features: FloatArray,
    labels: FloatArray,
    *,
    hidden: Sequence[int] = (256, 128, 64),
    dropout: float = 0.2,
    seed: int = 0,
    epochs: int = 30,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.1,
    batch: int = 64,
    emphasis: FloatArray | None = None,
    held_out: tuple[FloatArray, FloatArray] | None = None,
) -> Mlp:
    """Fit a network with AdamW on the mean log-loss, the learning rate falling to zero along a cosine.

    `features` has shape [m, d]; `labels` [m] or [m, outputs] holds 1 for right, 0 for wrong and nan for unknown
    (which is left out of the loss). Features are standardised with the fitting samples' mean and scale, cut at ±4,
    then multiplied by `emphasis` [d], which says how much each may count at first (default 1). With `held_out`
    (features, labels), `loss` is measured there. The same seed and data give the same network on the same machine.
    Raises UsageError on shapes that differ.
    """
    targets = labels[:, None] if labels.ndim == 1 else labels
    if features.ndim != 2 or len(features) != len(targets) or not len(features):
        raise UsageError(f"features {features.shape} and labels {labels.shape} must have the same, positive length")
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    weight = np.ones(features.shape[1]) if emphasis is None else emphasis
    inputs = _standardised(features, mean, scale) * weight
    recipe = _Recipe(tuple(hidden), dropout, seed, epochs, learning_rate, weight_decay, batch)
    weights, biases = _fit(inputs, targets, recipe)
    # The emphasis becomes part of the first layer, so that asking needs to know nothing of it.
    network = Mlp(mean, scale, (weights[0] * weight[:, None], *weights[1:]), biases, float("nan"))
    if held_out is None:
        return network
    return replace(network, loss=log_loss_of_scores(scores(network, held_out[0]), held_out[1]))


def log_loss_of_scores(log_odds: FloatArray, labels: FloatArray) -> float:
    """Mean log-loss of log-odds [m, outputs] against labels [m] or [m, outputs], unknown labels left out."""
    targets = labels[:, None] if labels.ndim == 1 else labels
    losses = np.logaddexp(0.0, log_odds) - targets * log_odds
    return float(np.nanmean(losses))


def _standardised(features: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    return np.clip((features - mean) / scale, -CLIP, CLIP)


@dataclass(frozen=True)
class _Recipe:
    hidden: tuple[int, ...]
    dropout: float
    seed: int
    epochs: int
    learning_rate: float
    weight_decay: float
    batch: int


def _fit(
    inputs: FloatArray, targets: FloatArray, recipe: _Recipe
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    import torch
    from torch import nn

    # Layers this small are slower on several threads, and the sums' order would depend on how many there are.
    with torch.random.fork_rng(devices=[]), threads(1):
        torch.manual_seed(recipe.seed)
        network = _layers([inputs.shape[1], *recipe.hidden, targets.shape[1]], recipe.dropout)
        _descend(network, inputs, targets, recipe)
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    weights = tuple(layer.weight.detach().double().numpy().T.copy() for layer in linear)
    biases = tuple(layer.bias.detach().double().numpy().copy() for layer in linear)
    return weights, biases


def _descend(network: "Sequential", inputs: FloatArray, targets: FloatArray, recipe: _Recipe) -> None:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    x, known = torch.from_numpy(inputs).float(), torch.from_numpy(np.isfinite(targets)).float()
    y = torch.from_numpy(np.nan_to_num(targets)).float()
    batches = -(-len(x) // recipe.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(recipe.epochs * batches, 1))
    order = np.random.default_rng(recipe.seed)
    for _ in range(recipe.epochs):
        for rows in np.array_split(order.permutation(len(x)), batches):
            losses = binary_cross_entropy_with_logits(network(x[rows]), y[rows], reduction="none")
            loss = (losses * known[rows]).sum() / known[rows].sum().clamp(min=1.0)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()


def _layers(sizes: Sequence[int], dropout: float) -> "Sequential":
    from torch import nn

    layers: list[nn.Module] = []
    for inner, outer in pairwise(sizes[:-1]):
        layers += [nn.Linear(inner, outer), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))
