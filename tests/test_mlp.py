"""The predictor's network: it learns, repeats itself, survives a file, and needs torch only to be trained."""

import subprocess
import sys

import numpy as np
import pytest

from asd.core.calibration import auroc
from asd.core.errors import UsageError

torch = pytest.importorskip("torch", reason="training needs torch")

from asd.runners import mlp  # noqa: E402

SMALL = {"hidden": (16, 8), "epochs": 10, "learning_rate": 3e-3, "seed": 1}


def problem(seed, samples=400):
    """Features of which two decide the label."""
    rng = np.random.default_rng(seed)
    features = rng.normal(3.0, 2.0, (samples, 6))
    odds = 1.5 * (features[:, 0] - 3) - 1.5 * (features[:, 1] - 3)
    return features, (rng.random(samples) < 1 / (1 + np.exp(-odds))).astype(float)


def test_it_tells_right_from_wrong_on_fresh_samples():
    network = mlp.train(*problem(1), **SMALL)
    features, labels = problem(2)
    assert auroc(mlp.scores(network, features)[:, 0], labels) > 0.9


def test_the_same_seed_gives_the_same_network():
    one, other = (mlp.train(*problem(1), **SMALL).arrays() for _ in range(2))
    assert all((one[name] == other[name]).all() for name in one)


def test_training_leaves_the_global_randomness_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    mlp.train(*problem(1), **SMALL)
    assert torch.equal(before, torch.random.get_rng_state())


def test_numpy_gives_the_scores_that_torch_would():
    network = mlp.train(*problem(1), **SMALL)
    features = problem(3)[0]
    hidden = torch.from_numpy(np.clip((features - network.mean) / network.scale, -mlp.CLIP, mlp.CLIP))
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        hidden = torch.relu(torch.nn.functional.linear(hidden, torch.from_numpy(weight.T), torch.from_numpy(bias)))
    last = torch.nn.functional.linear(
        hidden, torch.from_numpy(network.weights[-1].T), torch.from_numpy(network.biases[-1])
    )
    np.testing.assert_allclose(mlp.scores(network, features), last.numpy(), atol=1e-9)


def test_a_network_rebuilt_from_its_arrays_gives_the_same_scores():
    network = mlp.train(*problem(1), **SMALL)
    again = mlp.Mlp.from_arrays(network.arrays())
    np.testing.assert_array_equal(mlp.scores(network, problem(3)[0]), mlp.scores(again, problem(3)[0]))


def test_unknown_labels_are_left_out_of_the_loss():
    features, labels = problem(1)
    outputs = np.column_stack([labels, np.full(len(labels), np.nan)])
    network = mlp.train(features, outputs, **SMALL)
    fresh, truth = problem(2)
    assert mlp.scores(network, fresh).shape == (400, 2)
    assert auroc(mlp.scores(network, fresh)[:, 0], truth) > 0.9


def test_the_loss_is_measured_on_what_was_held_out():
    fresh = problem(2)
    network = mlp.train(*problem(1), **SMALL, held_out=fresh)
    assert network.loss == pytest.approx(mlp.log_loss_of_scores(mlp.scores(network, fresh[0]), fresh[1]))
    assert network.loss < np.log(2)


def test_a_feature_without_emphasis_does_not_count():
    features, labels = problem(1)
    network = mlp.train(features, labels, **SMALL, emphasis=np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0]))
    moved = features.copy()
    moved[:, 0] += 5.0
    np.testing.assert_array_equal(mlp.scores(network, features), mlp.scores(network, moved))


def test_the_stage_is_marked_in_columns_of_its_own():
    marked = mlp.with_stage(np.zeros((2, 3)), stage=1, stages=4)
    assert marked[:, 3:].tolist() == [[0.0, 1.0, 0.0, 0.0]] * 2


def test_features_and_labels_of_unequal_length_are_refused():
    with pytest.raises(UsageError, match="same, positive length"):
        mlp.train(np.zeros((3, 2)), np.zeros(2))


def test_asking_a_network_needs_no_torch():
    code = "import sys, asd.runners.mlp; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
