"""Cross-fitting: nobody is judged by a network that has seen it."""

from pathlib import Path

import numpy as np
import pytest

from asd.core.errors import DamageError
from asd.runners.ensemble import UNSEEN, Ensemble, Lesson, fit_ensemble, fold_of, stored_ensemble
from asd.runners.settings import PredictorSettings

SETTINGS = PredictorSettings(hidden=(8,), epochs=4, folds=3)


def lesson(labels: np.ndarray) -> Lesson:
    features = np.random.default_rng(0).normal(size=(90, 5))
    return Lesson(features, labels, np.arange(90) % 3, np.ones(5))


def test_a_samples_own_label_never_changes_how_it_is_judged() -> None:
    labels = (np.random.default_rng(1).random(90) < 0.5).astype(np.float64)
    other = labels.copy()
    mine = np.arange(90) % 3 == 1
    other[mine] = 1 - other[mine]
    before, after = (fit_ensemble(SETTINGS, lesson(one), 7)[0] for one in (labels, other))
    folds, features = lesson(labels).folds, lesson(labels).features
    assert np.array_equal(before.scores(features, folds)[mine], after.scores(features, folds)[mine])
    assert not np.allclose(before.scores(features, folds)[~mine], after.scores(features, folds)[~mine])


def test_samples_that_nobody_has_seen_are_judged_by_the_mean_of_all() -> None:
    made, _ = fit_ensemble(SETTINGS, lesson(np.arange(90) % 2.0), 7)
    features = np.random.default_rng(2).normal(size=(4, 5))
    each = [made.scores(features, np.full(4, fold)) for fold in range(3)]
    assert np.allclose(made.scores(features, np.full(4, UNSEEN)), np.mean(each, axis=0))


def test_the_same_prompt_is_always_in_the_same_fold_of_a_seed() -> None:
    folds = [fold_of(f"prompt {i}", 42, 5) for i in range(500)]
    assert folds == [fold_of(f"prompt {i}", 42, 5) for i in range(500)]
    assert min(np.bincount(folds)) > 70
    assert folds != [fold_of(f"prompt {i}", 43, 5) for i in range(500)]


@pytest.mark.parametrize("folds", [1, 3])
def test_stored_networks_come_back_as_they_were(folds: int, tmp_path: Path) -> None:
    made, _ = fit_ensemble(SETTINGS.model_copy(update={"folds": folds}), lesson(np.arange(90) % 2.0), 7)
    again = stored_ensemble(tmp_path / "some.safetensors", made.store(tmp_path / "some.safetensors"))
    features, parts = lesson(np.zeros(90)).features, np.arange(90) % 3 - 1
    assert len(again.networks) == folds
    assert np.array_equal(made.scores(features, parts), again.scores(features, parts))


def test_a_file_of_networks_that_was_changed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.safetensors").write_bytes(b"other")
    with pytest.raises(DamageError, match=r"some\.safetensors"):
        stored_ensemble(tmp_path / "some.safetensors", "0" * 64)


def test_an_ensemble_of_one_judges_all_alike() -> None:
    made = Ensemble(fit_ensemble(SETTINGS.model_copy(update={"folds": 1}), lesson(np.arange(90) % 2.0), 7)[0].networks)
    features = lesson(np.zeros(90)).features
    assert np.array_equal(made.scores(features, np.arange(90) % 3), made.scores(features, np.full(90, UNSEEN)))
