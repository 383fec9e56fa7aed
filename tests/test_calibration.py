"""Calibration maps and measures, against scipy, statsmodels and definitions written out."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression, minimize
from scipy.stats import mannwhitneyu

from asd.core.calibration import (
    METHODS,
    auroc,
    brier,
    calibration_from_data,
    choose_calibration,
    ece,
    fit_beta,
    fit_calibration,
    fit_isotonic,
    fit_logistic,
    fit_platt,
    log_loss,
    logit,
    reliability,
)
from asd.core.errors import UsageError

seeds = st.integers(0, 2**32 - 1)


def sample(seed, size=300, digits=2, slope=1.7, shift=-0.4):
    """Log-odds scores and labels drawn from probabilities that the scores only stand for."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1.5, size).round(digits)
    right = (rng.random(size) < 1 / (1 + np.exp(-(slope * scores + shift)))).astype(float)
    right[:2] = 0.0, 1.0
    return scores, right


@settings(deadline=None)
@given(seed=seeds, digits=st.integers(0, 3))
def test_isotonic_blocks_are_those_of_scipy(seed, digits):
    scores, right = sample(seed, digits=digits)
    levels, member, counts = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(member, right) / counts
    pooled = isotonic_regression(means, weights=counts)
    sizes = np.add.reduceat(counts, pooled.blocks[:-1])
    expected = np.maximum.accumulate((pooled.x[pooled.blocks[:-1]] * sizes + 0.5) / (sizes + 1.0))
    np.testing.assert_allclose(fit_isotonic(scores, right).apply(levels), np.repeat(expected, np.diff(pooled.blocks)))


@settings(deadline=None)
@given(seed=seeds)
def test_isotonic_probabilities_rise_with_the_score_and_are_never_certain(seed):
    scores, right = sample(seed)
    found = fit_isotonic(scores, right).apply(np.linspace(-9, 9, 500))
    assert (np.diff(found) >= 0).all()
    assert 0 < found.min() <= found.max() < 1


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_a_logistic_regression_is_the_maximum_that_scipy_finds(seed):
    scores, right = sample(seed)
    design = np.column_stack([np.ones(len(scores)), scores])

    def loss(beta):
        return np.logaddexp(0, design @ beta).sum() - right @ (design @ beta)

    expected = minimize(loss, [0.0, 1.0], method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(fit_logistic(design, right, np.array([0.0, 1.0]), 0.0), expected, atol=1e-4)


def test_platt_and_beta_recover_the_map_that_drew_the_labels():
    scores, right = sample(5, size=60_000, digits=8)
    grid = np.linspace(-3, 3, 50)
    truth = 1 / (1 + np.exp(-(1.7 * grid - 0.4)))
    for fit in (fit_platt, fit_beta):
        np.testing.assert_allclose(fit(scores, right).apply(grid), truth, atol=0.02)


@settings(deadline=None)
@given(seed=seeds)
def test_beta_calibration_never_falls_with_the_score(seed):
    rng = np.random.default_rng(seed)
    scores, right = rng.normal(0, 2, 40), rng.integers(0, 2, 40).astype(float)
    found = fit_beta(scores, right).apply(np.linspace(-8, 8, 200))
    assert (np.diff(found) >= -1e-12).all()


@settings(deadline=None)
@given(seed=seeds, method=st.sampled_from(METHODS))
def test_a_map_rebuilt_from_its_data_gives_the_same_probabilities(seed, method):
    scores, right = sample(seed)
    fitted = fit_calibration(method, scores, right)
    again = calibration_from_data(json.loads(json.dumps(fitted.to_data())))
    np.testing.assert_array_equal(fitted.apply(scores), again.apply(scores))


def test_the_choice_is_the_simplest_map_that_loses_no_more_than_noise_explains():
    scores, right = sample(1, size=4000, digits=8)
    assert choose_calibration(scores, right, np.random.default_rng(0)).name == "platt"
    steps = np.where(scores > 0, 0.95, 0.05)
    stepped = (np.random.default_rng(2).random(len(scores)) < steps).astype(float)
    assert choose_calibration(scores, stepped, np.random.default_rng(0)).name == "isotonic"


def test_an_unknown_calibration_is_refused():
    with pytest.raises(UsageError, match="unknown calibration 'temperature'"):
        fit_calibration("temperature", np.zeros(2), np.array([0.0, 1.0]))


@settings(deadline=None)
@given(seed=seeds, digits=st.integers(0, 2))
def test_auroc_counts_ties_half_as_the_mann_whitney_statistic_does(seed, digits):
    scores, right = sample(seed, size=80, digits=digits)
    statistic = mannwhitneyu(scores[right > 0], scores[right == 0]).statistic
    assert auroc(scores, right) == pytest.approx(statistic / (right.sum() * (1 - right).sum()))


def test_auroc_of_one_class_is_not_defined():
    assert auroc(np.array([0.1, 0.2]), np.ones(2)) is None


def test_brier_and_log_loss_are_their_definitions():
    probability, right = np.array([0.9, 0.2]), np.array([1.0, 1.0])
    assert brier(probability, right) == pytest.approx((0.01 + 0.64) / 2)
    assert log_loss(probability, right) == pytest.approx(-(np.log(0.9) + np.log(0.2)) / 2)


def test_ece_is_the_weighted_gap_over_ten_bins():
    probability = np.array([0.05, 0.05, 0.95, 1.0])
    right = np.array([0.0, 1.0, 1.0, 1.0])
    assert ece(probability, right) == pytest.approx(0.5 * 0.45 + 0.5 * 0.025)


def test_reliability_puts_a_probability_of_one_in_the_last_bin_and_leaves_empty_bins_out():
    rows = reliability(np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    assert [(row.low, row.high, row.samples) for row in rows] == [(0.0, 0.1, 1), (0.9, 1.0, 1)]


def test_log_odds_are_finite_at_certainty():
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
