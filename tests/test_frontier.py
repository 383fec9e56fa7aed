"""Accuracy against cost: hull, area, cost at a retention, oracle gap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from asd.core.errors import UsageError
from asd.core.frontier import Path, area, bands, cost_at_retention, height, hull, model_points, oracle_gap_closed

seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(seed=seeds, count=st.integers(3, 30))
def test_the_hull_is_the_upper_left_part_of_the_convex_hull(seed, count):
    points = np.random.default_rng(seed).random((count, 2))
    around = set(ConvexHull(points).vertices.tolist())
    found = hull(points[:, 0], points[:, 1])
    assert set(found.tolist()) <= around
    assert found[0] == points[:, 0].argmin()
    assert found[-1] == points[:, 1].argmax()
    assert (height(points[:, 0], points[:, 1], points[:, 0]) >= points[:, 1] - 1e-12).all()


def test_of_points_at_one_cost_the_most_accurate_counts():
    assert hull(np.array([1.0, 1.0, 2.0]), np.array([0.2, 0.3, 0.5])).tolist() == [1, 2]


def test_the_area_of_a_straight_mix_is_the_mean_of_its_ends():
    assert area(np.array([0.2, 1.0]), np.array([0.3, 0.7]), low=0.2) == pytest.approx(0.5)


def test_a_frontier_that_begins_dear_has_no_area_before_its_first_point():
    assert area(np.array([0.5]), np.array([0.8]), low=0.0) == pytest.approx(0.4)


@settings(deadline=None)
@given(seed=seeds, count=st.integers(1, 12))
def test_the_area_equals_a_fine_numerical_integral(seed, count):
    rng = np.random.default_rng(seed)
    costs, accuracies = rng.uniform(0.05, 1.2, count), rng.random(count)
    grid = np.linspace(0.05, 1.0, 200_001)
    fine = height(costs, accuracies, grid).mean()
    assert area(costs, accuracies, low=0.05) == pytest.approx(fine, abs=2e-5)


def test_an_area_over_no_range_of_costs_is_refused():
    with pytest.raises(UsageError, match="range of costs"):
        area(np.array([1.0]), np.array([0.5]), low=1.0)


def test_cost_at_retention_is_read_off_the_hull():
    costs, accuracies = np.array([0.1, 1.0]), np.array([0.5, 1.0])
    assert cost_at_retention(costs, accuracies, baseline=1.0, retention=0.75) == pytest.approx(0.55)
    assert cost_at_retention(costs, accuracies, baseline=2.0) is None


def test_the_oracle_gap_runs_from_the_mix_to_the_oracle():
    assert oracle_gap_closed(0.5, 0.4, 0.8) == pytest.approx(0.25)
    assert np.isnan(oracle_gap_closed(0.5, 0.4, 0.4))


def test_bands_hold_the_lowest_mean_and_highest_frontier():
    flat = [(np.array([0.0]), np.array([level])) for level in (0.2, 0.3, 0.7)]
    band = bands(flat, np.array([0.5, 1.0]))
    assert band.low.tolist() == [0.2, 0.2]
    assert band.mean == pytest.approx([0.4, 0.4])
    assert band.high.tolist() == [0.7, 0.7]


def test_models_are_placed_by_cost_in_units_of_the_last():
    costs, accuracies = model_points(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 4.0], [3.0, 4.0]]))
    assert costs.tolist() == [0.5, 1.0]
    assert accuracies.tolist() == [0.5, 1.0]


def test_a_path_joins_its_points_and_cannot_leave_one_out():
    path = Path.through(np.array([1.0, 0.5]), np.array([0.8, 0.2]), (0.0, 0.4))
    assert path.area(0.0) == pytest.approx((0.3 + 0.5) / 2)
    assert area(np.array([0.0, 0.5, 1.0]), np.array([0.4, 0.2, 0.8]), 0.0) == pytest.approx(0.6)


def test_a_path_tells_the_least_cost_of_an_accuracy_and_none_where_it_never_has_it():
    path = Path.through(np.array([0.5, 1.0]), np.array([0.6, 0.8]), (0.1, 0.2))
    assert path.cost_at(0.1) == pytest.approx(0.1)
    assert path.cost_at(0.4) == pytest.approx(0.3)
    assert path.cost_at(0.8) == pytest.approx(1.0)
    assert path.cost_at(0.9) is None
