"""Cost models, cost accuracy and whether a ladder can pay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from asd.core.costs import can_pay, cost_accuracy, fit_cost_model, relative_costs, speedup_of, theoretical_costs
from asd.core.errors import UsageError

seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(seed=seeds)
def test_a_cost_model_finds_the_coefficients_that_made_the_costs(seed):
    rng = np.random.default_rng(seed)
    read, written = rng.integers(10, 900, 50).astype(float), rng.integers(1, 400, 50).astype(float)
    model = fit_cost_model(0.03 + 0.001 * read + 0.02 * written, read, written)
    assert (model.intercept, model.per_input_token, model.per_output_token) == pytest.approx((0.03, 0.001, 0.02))


@settings(deadline=None)
@given(seed=seeds)
def test_noisy_costs_are_fitted_as_scipys_bounded_least_squares_does(seed):
    rng = np.random.default_rng(seed)
    read, written = rng.uniform(10, 900, 40), rng.uniform(1, 400, 40)
    costs = rng.normal(0.5 - 0.001 * read + 0.01 * written, 0.3, 40)
    model = fit_cost_model(costs, read, written)
    other = lsq_linear(np.column_stack([np.ones(40), read, written]), costs, bounds=(0, np.inf), tol=1e-14)
    mine = np.linalg.norm(model.predict(read, written) - costs)
    assert mine <= np.sqrt(2 * other.cost) * (1 + 1e-6)
    assert min(model.intercept, model.per_input_token, model.per_output_token) >= 0.0


def test_a_token_count_that_never_varies_costs_nothing_by_itself():
    model = fit_cost_model(np.array([1.0, 2.0, 3.0]), np.full(3, 7.0), np.array([1.0, 2.0, 3.0]))
    assert model.per_input_token == 0.0
    assert model.predict(np.array([7.0]), np.array([4.0])) == pytest.approx([4.0])


def test_a_cost_model_without_samples_is_refused():
    with pytest.raises(UsageError, match="measured costs"):
        fit_cost_model(np.array([]), np.array([]), np.array([]))


def test_theoretical_costs_are_parameters_times_tokens_times_answers_drawn():
    costs = theoretical_costs(
        np.array([6.0, 175.0]), np.array([[10.0, 10.0]]), np.array([[5.0, 5.0]]), np.array([100.0, 1.0])
    )
    assert costs.tolist() == [[6.0 * 510.0, 175.0 * 15.0]]


def test_cost_accuracy_is_of_totals():
    assert cost_accuracy(np.array([1.0, 3.0]), np.array([3.0, 2.0])) == pytest.approx(0.8)
    with pytest.raises(UsageError, match="positive measured total"):
        cost_accuracy(1.0, 0.0)


def test_relative_costs_have_stage_0_as_1():
    assert relative_costs(np.array([2.0, 4.0, 9.0])).tolist() == [1.0, 2.0, 4.5]


def test_the_founding_ladder_pays_185_percent_for_full_escalation():
    payoff = can_pay(np.array([1.0, 2.0, 4.2, 8.5]), early_share=0.5)
    assert payoff.full_escalation_cost == pytest.approx(15.7 / 8.5)
    assert payoff.largest_speedup == pytest.approx(8.5 / (1.0 + 0.5 * 8.5))
    assert payoff.can_pay


def test_a_ladder_that_stops_early_too_rarely_cannot_pay():
    assert not can_pay(np.array([1.0, 2.0]), early_share=0.4).can_pay
    assert can_pay(np.array([1.0, 2.0]), early_share=0.6).can_pay
    assert not can_pay(np.array([1.0, 2.0]), early_share=0.6, overhead=0.3).can_pay


def test_one_stage_alone_cannot_pay():
    assert not can_pay(np.array([3.0])).can_pay


@settings(deadline=None)
@given(seed=seeds)
def test_no_mix_of_stops_is_faster_than_the_largest_speedup(seed):
    rng = np.random.default_rng(seed)
    costs, shares = np.sort(rng.uniform(0.1, 5.0, 4)), rng.dirichlet(np.ones(4))
    bound = can_pay(costs, early_share=1.0 - shares[-1]).largest_speedup
    assert speedup_of(costs, shares) <= bound * (1 + 1e-12)


def test_speedup_counts_every_stage_that_was_reached():
    assert speedup_of(np.array([1.0, 4.0]), np.array([0.5, 0.5])) == pytest.approx(4.0 / 3.0)
    assert speedup_of(np.array([1.0, 4.0]), np.array([0.5, 0.5]), overhead=1.0) == pytest.approx(1.0)
