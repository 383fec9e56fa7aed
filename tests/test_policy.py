"""Stopping policies: exact on ladders small enough to enumerate, lawful on random ones."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.core.errors import UsageError
from asd.core.policy import (
    AlwaysStage,
    Myopic,
    OptimalStopping,
    Oracle,
    RandomMix,
    RecallModel,
    Router,
    SubLadderPortfolio,
    Threshold,
    fit_recall,
    objective,
    policy_from_data,
)

SIGNALS = np.array(list(product((0, 1), repeat=3)))
PRICES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0, 1000.0)
seeds = st.integers(0, 2**32 - 1)
FITTED_KINDS = [
    OptimalStopping(),
    OptimalStopping(recall=True),
    OptimalStopping(recall=True, skip=True),
    SubLadderPortfolio(),
    Myopic(),
    Threshold(),
    AlwaysStage(1),
]


def toy(rng):
    """A ladder of three stages with a binary signal each: weights [8], estimates [8, 3, 3], rights [8, 3], costs."""
    joint = rng.dirichlet(np.full(64, 0.3)).reshape(8, 8)
    weights = joint.sum(axis=1)
    right = joint @ SIGNALS / weights[:, None]
    judged = np.zeros((8, 3, 3))
    for stage in range(3):
        prefix = SIGNALS[:, : stage + 1] @ (4, 2, 1)[: stage + 1]
        for value in np.unique(prefix):
            same = prefix == value
            judged[same, stage] = weights[same] @ right[same] / weights[same].sum()
    return weights, judged, right, rng.uniform(0.05, 3.0, 3).cumsum()


HISTORIES = [(stage, prefix) for stage in range(3) for prefix in product((0, 1), repeat=stage + 1)]
IN_HISTORY = np.array([[tuple(row[: stage + 1]) == prefix for row in SIGNALS] for stage, prefix in HISTORIES])


def every_rule():
    """Every stopping rule: the stage where it stops for each outcome of the signals [64, 8]."""
    for first in product((True, False), repeat=2):
        for second in product((True, False), repeat=4):
            yield [0 if first[a] else 1 if second[2 * a + b] else 2 for a, b, _ in SIGNALS]


RULES = np.array(list(every_rule()))
RULE_STOPS_AT = np.array(
    [
        [(rule[inside] == stage).all() for (stage, _), inside in zip(HISTORIES, IN_HISTORY, strict=True)]
        for rule in RULES
    ]
)


def least_loss(weights, right, costs, lam, recall):
    """The least expected loss over every stopping rule; each stop gives the last or, under recall, any answer."""
    wrong = IN_HISTORY @ (weights[:, None] * (1.0 - right))
    choices = [wrong[k, : stage + 1].min() if recall else wrong[k, stage] for k, (stage, _) in enumerate(HISTORIES)]
    return (costs.cumsum()[RULES] @ weights + lam * (RULE_STOPS_AT @ np.array(choices))).min()


@pytest.mark.parametrize("recall", [False, True])
def test_optimal_stopping_equals_brute_force_over_every_rule_on_a_thousand_toy_ladders(recall):
    rng = np.random.default_rng(7)
    for number in range(1000):
        weights, judged, right, costs = toy(rng)
        for lam in (PRICES[number % len(PRICES)], 10.0 ** rng.uniform(-1, 3)):
            policy = OptimalStopping(recall=recall).fit(judged, right, costs, lam, weights=weights)
            found = objective(policy.decide(judged, costs), right, lam, weights)
            exact = least_loss(weights, right, costs, lam, recall)
            assert abs(found - exact) <= 1e-9 * max(1.0, exact)


def ladder(seed, samples=200, stages=4, discrete=False):
    """Random estimates, labels drawn from them and costs that rise from stage to stage."""
    rng = np.random.default_rng(seed)
    skill = rng.uniform(0.2, 0.9, stages) + rng.normal(0, 0.25, (samples, stages)) + rng.normal(0, 0.2, (samples, 1))
    q = np.clip(skill, 0.01, 0.99)
    if discrete:
        q = q.round(1)
    right = (rng.random((samples, stages)) < q).astype(float)
    costs = np.cumprod(rng.uniform(1.1, 3.0, stages)) * rng.uniform(0.5, 1.5, (samples, stages))
    return q, right, costs


@settings(max_examples=25, deadline=None)
@given(seed=seeds, recall=st.booleans(), skip=st.booleans(), discrete=st.booleans())
def test_a_larger_price_of_error_never_stops_earlier(seed, recall, skip, discrete):
    q, right, costs = ladder(seed, stages=3, discrete=discrete)
    fresh, _, _ = ladder(seed + 1, stages=3, discrete=discrete)
    prices = PRICES[::2]
    stops = [
        OptimalStopping(recall, skip).fit(q, right, costs, lam, prices=prices).decide(fresh, costs).stop_stage
        for lam in prices
    ]
    assert (np.diff(stops, axis=0) >= 0).all()


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_the_myopic_rule_never_stops_earlier_at_a_larger_price_of_error(seed):
    q, right, costs = ladder(seed)
    stops = [Myopic().fit(q, right, costs, lam).decide(q, costs).stop_stage for lam in PRICES]
    assert (np.diff(stops, axis=0) >= 0).all()


def walk(policy, row):
    """One sample, one stage at a time, as a live cascade does: no estimate is read before its stage ran."""
    stage = policy.first_stage()
    seen = np.full(len(row), np.nan)
    used, stops, goes = [], [], []
    while True:
        used.append(stage)
        seen[stage] = row[stage]
        step = policy.stop_or_go(stage, seen[: stage + 1])
        stops.append(step.stop_value)
        goes.append(step.go_value)
        if step.stop:
            return used, stops, goes, step.answer_stage
        stage = step.next_stage


@settings(max_examples=30, deadline=None)
@given(seed=seeds, kind=st.sampled_from(FITTED_KINDS), lam=st.sampled_from(PRICES))
def test_one_stage_at_a_time_decides_as_the_batch_does(seed, kind, lam):
    q, right, costs = ladder(seed, samples=60)
    policy = kind.fit(q, right, costs, lam)
    batch = policy.decide(q, costs)
    for sample in range(len(q)):
        used, stops, goes, answer = walk(policy, q[sample])
        assert used == np.flatnonzero(batch.used[sample]).tolist()
        assert stops == batch.stop_value[sample, used].tolist()
        assert goes == batch.go_value[sample, used].tolist()
        assert answer == batch.answer_stage[sample]
        assert batch.cost[sample] == pytest.approx(costs[sample, used].sum())


def with_forecasts(seed, samples=200):
    """Judgements and forecasts [m, 4, 4]: noisy views of each stage's quality that sharpen as stages run."""
    q, right, costs = ladder(seed, samples)
    noise = np.random.default_rng(seed).normal(0, 0.3, (samples, 4, 4)) / np.arange(1, 5)[:, None]
    return np.clip(q[:, None, :] + noise, 0.01, 0.99), right, costs


@settings(max_examples=15, deadline=None)
@given(seed=seeds, recall=st.booleans())
def test_with_forecasts_too_a_larger_price_of_error_never_stops_earlier(seed, recall):
    q, right, costs = with_forecasts(seed)
    stops = [OptimalStopping(recall).fit(q, right, costs, lam).decide(q, costs).stop_stage for lam in PRICES]
    assert (np.diff(stops, axis=0) >= 0).all()


@settings(max_examples=15, deadline=None)
@given(seed=seeds, lam=st.sampled_from(PRICES), recall=st.booleans())
def test_with_forecasts_too_one_stage_at_a_time_decides_as_the_batch_does(seed, lam, recall):
    q, right, costs = with_forecasts(seed, samples=60)
    policy = OptimalStopping(recall).fit(q, right, costs, lam)
    batch = policy.decide(q, costs)
    for sample, last in enumerate(batch.stop_stage):
        steps = [policy.stop_or_go(stage, q[sample, : stage + 1]) for stage in range(last + 1)]
        assert [step.stop for step in steps] == [False] * last + [True]
        assert [step.go_value for step in steps] == batch.go_value[sample, : last + 1].tolist()
        assert steps[-1].answer_stage == batch.answer_stage[sample]


def test_a_forecast_that_the_next_stage_will_fail_too_stops_a_hopeless_sample():
    rng = np.random.default_rng(4)
    hopeful = rng.random(2000) < 0.5
    right = np.column_stack([np.zeros(2000), hopeful]).astype(float)
    q = np.full((2000, 2, 2), np.nan)
    q[:, 0, 0], q[:, 1, 0] = rng.uniform(0.05, 0.15, 2000), 0.1
    q[:, 0, 1] = np.clip(right[:, 1], 0.02, 0.98) + rng.normal(0, 0.005, 2000)
    q[:, 1, 1] = np.clip(right[:, 1], 0.02, 0.98)
    stops = OptimalStopping().fit(q, right, np.array([1.0, 5.0]), 10.0).decide(q, np.array([1.0, 5.0])).stop_stage
    assert (stops == hopeful).mean() > 0.99


@settings(max_examples=30, deadline=None)
@given(seed=seeds, lam=st.sampled_from(PRICES), discrete=st.booleans())
def test_a_policy_rebuilt_from_its_data_decides_the_same(seed, lam, discrete):
    q, right, costs = ladder(seed, discrete=discrete)
    for kind in [*FITTED_KINDS, Router(), Oracle(), RandomMix(budget=2.0, seed=3)]:
        policy = kind.fit(q, right, costs, lam)
        again = policy_from_data(json.loads(json.dumps(policy.to_data())))
        for one, other in zip(
            vars(policy.decide(q, costs)).values(), vars(again.decide(q, costs)).values(), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_data_of_an_unknown_policy_is_refused():
    with pytest.raises(UsageError, match="unknown fitted policy 'guess'"):
        policy_from_data({"policy": "guess"})


@settings(max_examples=30, deadline=None)
@given(seed=seeds, lam=st.sampled_from(PRICES), paid=st.floats(0.0, 100.0))
def test_cost_already_paid_never_counts(seed, lam, paid):
    q, right, costs = ladder(seed)
    dearer = costs.copy()
    dearer[:, 0] = paid
    one, other = (OptimalStopping(recall=True).fit(q, right, c, lam).decide(q, c) for c in (costs, dearer))
    np.testing.assert_array_equal(one.stop_stage, other.stop_stage)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, lam=st.sampled_from(PRICES), power=st.integers(-8, 8))
def test_the_unit_of_cost_changes_no_decision(seed, lam, power):
    q, right, costs = ladder(seed)
    unit = 2.0**power
    one = OptimalStopping().fit(q, right, costs, lam).decide(q, costs)
    other = OptimalStopping().fit(q, right, costs * unit, lam * unit).decide(q, costs * unit)
    np.testing.assert_array_equal(one.stop_stage, other.stop_stage)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, lam=st.sampled_from(PRICES))
def test_no_policy_loses_less_than_the_oracle(seed, lam):
    q, right, costs = ladder(seed)
    bound = objective(Oracle().fit(q, right, costs, lam).decide(right, costs), right, lam)
    for kind in [*FITTED_KINDS, Router(), RandomMix()]:
        assert objective(kind.fit(q, right, costs, lam).decide(q, costs), right, lam) >= bound - 1e-9


@settings(max_examples=20, deadline=None)
@given(seed=seeds, lam=st.sampled_from(PRICES))
def test_skipping_stages_never_loses_more_on_the_samples_it_was_chosen_on(seed, lam):
    q, right, costs = ladder(seed)
    plain, free = (OptimalStopping(skip=skip).fit(q, right, costs, lam).decide(q, costs) for skip in (False, True))
    assert objective(free, right, lam) <= objective(plain, right, lam) + 1e-12


def test_a_sub_ladder_is_judged_by_its_own_estimates():
    first = np.random.default_rng(1).random(100) < 0.5
    right = np.column_stack([first, np.ones(100)]).astype(float)
    costs, sharp, blind = np.array([0.1, 1.0]), np.clip(right, 0.01, 0.99), np.full((100, 2), 0.5)
    by_ladder = {(0,): blind, (1,): sharp, (0, 1): sharp}
    policy = OptimalStopping(skip=True).fit(by_ladder, right, costs, 5.0)
    assert policy.stages == (0, 1)
    assert policy.to_data() == OptimalStopping().fit(sharp, right, costs, 5.0).to_data()
    assert OptimalStopping(skip=True).fit({**by_ladder, (0, 1): blind}, right, costs, 5.0).stages == (1,)


def test_a_sub_ladder_without_estimates_is_refused():
    q, right, costs = ladder(22, stages=2)
    with pytest.raises(UsageError, match=r"no estimates for the sub-ladder \(0,\)"):
        OptimalStopping(skip=True).fit({(0, 1): q}, right, costs, 5.0)


def test_the_last_stage_alone_is_kept_where_no_cascade_pays():
    q, right, _ = ladder(3)
    right[:, 3] = 1.0
    q[:, 3] = 0.99
    policy = SubLadderPortfolio().fit(q, right, np.array([1.0, 1.0, 1.0, 1.1]), 1000.0)
    assert policy.stages == (3,)


def test_the_oracle_takes_the_cheapest_right_stage_and_the_cheapest_of_all_where_none_is_right():
    right = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    decisions = Oracle().fit(right, right, np.array([1.0, 2.0, 4.0]), 1000.0).decide(right, np.array([1.0, 2.0, 4.0]))
    assert decisions.stop_stage.tolist() == [0, 1, 2, 0]
    assert decisions.cost.tolist() == [1.0, 2.0, 4.0, 1.0]


def test_always_a_stage_pays_for_that_stage_only():
    q, right, costs = ladder(5)
    decisions = AlwaysStage(2).fit(q, right, costs, 1.0).decide(q, costs)
    assert (decisions.stop_stage == 2).all()
    np.testing.assert_allclose(decisions.cost, costs[:, 2])


def test_a_threshold_stops_at_the_first_stage_that_reaches_it():
    q = np.array([[0.9, 0.1, 0.1], [0.2, 0.8, 0.1], [0.1, 0.2, 0.3]])
    decisions = Threshold(0.75).fit(q, q, np.ones(3), 1.0).decide(q, np.ones(3))
    assert decisions.stop_stage.tolist() == [0, 1, 2]


def test_a_router_runs_the_stage_with_the_least_expected_loss_and_no_other():
    q = np.array([[0.9, 0.95], [0.1, 0.9]])
    decisions = Router().fit(q, q, np.array([1.0, 3.0]), 10.0).decide(q, np.array([1.0, 3.0]))
    assert decisions.stop_stage.tolist() == [0, 1]
    assert decisions.cost.tolist() == [1.0, 3.0]


def test_a_router_run_online_starts_with_the_stage_it_would_choose_in_a_batch():
    q, right, costs = ladder(11)
    policy = Router().fit(q, right, costs, 5.0)
    assert [policy.first_stage(row) for row in q] == policy.decide(q, costs).stop_stage.tolist()


def test_a_random_mix_spends_its_budget_on_the_hull():
    right = np.zeros((100_000, 3))
    right[:20_000, 0], right[:30_000, 1], right[:80_000, 2] = 1.0, 1.0, 1.0
    costs = np.array([1.0, 2.0, 4.0])
    policy = RandomMix(budget=2.5, seed=1).fit(right, right, costs, 1.0)
    assert policy.shares == pytest.approx((0.5, 0.0, 0.5))
    assert policy.decide(right, costs).cost.mean() == pytest.approx(2.5, abs=0.02)


def test_recall_gives_the_earlier_answer_when_it_is_likelier_right():
    q = np.array([[[0.45, 0.0], [0.6, 0.2]], [[0.45, 0.0], [0.3, 0.9]]])
    decisions = OptimalStopping(recall=True).fit(q, q[:, 1], np.array([0.1, 0.1]), 100.0).decide(q, np.ones(2))
    assert decisions.stop_stage.tolist() == [1, 1]
    assert decisions.answer_stage.tolist() == [0, 1]


def recalled(seed, samples=4000):
    """Three stages whose right answers agree; wrong ones agree by chance."""
    rng = np.random.default_rng(seed)
    q = rng.uniform(0.05, 0.95, (samples, 3))
    right = (rng.random((samples, 3)) < q).astype(float)
    answers = np.where(right > 0, 0, rng.integers(1, 6, (samples, 3)))
    return q, right, answers[:, :, None] == answers[:, None, :]


def test_an_answer_that_a_later_stage_repeats_takes_the_later_estimate():
    q, right, same = recalled(1)
    judged = fit_recall(q, right, same).apply(q, same)
    repeated = same[:, 2, 0]
    np.testing.assert_array_equal(judged[repeated, 2, 0], q[repeated, 2])


def test_contradicted_answers_are_judged_by_how_often_they_were_right():
    q, right, same = recalled(2)
    judged = fit_recall(q, right, same).apply(q, same)
    apart = ~same[:, 1, 0]
    assert judged[apart, 1, 0].mean() == pytest.approx(right[apart, 0].mean(), abs=0.01)
    assert judged[apart, 1, 0].mean() < q[apart, 0].mean()


def test_judgements_after_a_stage_do_not_depend_on_later_stages():
    q, right, same = recalled(3)
    model = RecallModel.from_data(json.loads(json.dumps(fit_recall(q, right, same).to_data())))
    other_q, other_same = q.copy(), same.copy()
    other_q[:, 2], other_same[:, 2, :2], other_same[:, :2, 2] = 0.5, False, False
    np.testing.assert_array_equal(model.apply(q, same)[:, :2], model.apply(other_q, other_same)[:, :2])


def test_what_a_later_stage_would_gain_is_foretold_from_how_many_stages_gave_the_answer_in_hand():
    q, right, same = recalled(4)
    judged = fit_recall(q, right, same).apply(q, same)
    hand = judged[:, 1, :2].max(axis=1)
    given = right[np.arange(len(q)), np.where(judged[:, 1, 1] >= judged[:, 1, 0], 1, 0)]
    for some in (same[:, 1, 0], ~same[:, 1, 0]):
        foretold = judged[some, 1, 2] - hand[some]
        assert foretold.mean() == pytest.approx((right[some, 2] - given[some]).mean(), abs=0.02)


def test_a_model_recorded_before_there_were_forecasts_foretells_nothing():
    q, right, same = recalled(5)
    model = fit_recall(q, right, same)
    older = RecallModel.from_data({"coefficients": model.to_data()["coefficients"]})
    later = np.triu_indices(3, 1)
    assert np.isnan(older.apply(q, same)[:, *later]).all()
    assert np.isfinite(model.apply(q, same)[:, *later]).all()


@settings(max_examples=15, deadline=None)
@given(seed=seeds, lam=st.sampled_from(PRICES))
def test_recall_with_forecasts_never_stops_earlier_at_a_larger_price_of_error(seed, lam):
    q, right, same = recalled(seed, samples=300)
    costs, judged = np.array([1.0, 3.0, 9.0]), fit_recall(q, right, same).apply(q, same)
    less, more = (
        OptimalStopping(True).fit(judged, right, costs, one).decide(judged, costs) for one in (lam, 1.7 * lam)
    )
    assert (less.stop_stage <= more.stop_stage).all()


@settings(max_examples=15, deadline=None)
@given(seed=seeds, kind=st.sampled_from(FITTED_KINDS), lam=st.sampled_from(PRICES))
def test_no_decision_after_a_stage_depends_on_what_a_later_stage_would_say(seed, kind, lam):
    q, right, costs = ladder(seed)
    policy = kind.fit(q, right, costs, lam)
    decided = policy.decide(q, costs)
    changed = np.where(decided.used, q, 1.0 - q)
    np.testing.assert_array_equal(policy.decide(changed, costs).stop_stage, decided.stop_stage)


@pytest.mark.parametrize("lam", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_of_error_that_is_not_positive_is_refused(lam):
    with pytest.raises(UsageError, match="price of an error"):
        OptimalStopping().fit(np.full((4, 2), 0.5), np.ones((4, 2)), np.ones(2), lam)


def test_costs_of_another_shape_are_refused():
    with pytest.raises(UsageError, match="costs must have shape"):
        OptimalStopping().fit(np.full((4, 2), 0.5), np.ones((4, 2)), np.ones(3), 1.0)


def test_a_stage_outside_the_ladder_is_refused_online():
    policy = AlwaysStage(1).fit(np.full((4, 2), 0.5), np.ones((4, 2)), np.ones(2), 1.0)
    with pytest.raises(UsageError, match="not one of the stages"):
        policy.stop_or_go(0, np.array([0.5]))
