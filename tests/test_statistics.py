"""Every statistic against a second implementation, a published example, or its definition by brute force."""

from itertools import product
from math import inf, isnan

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar

from asd.core.errors import UsageError
from asd.core.statistics.attainable import (
    accuracies_bound,
    checked_p,
    exact_sign_bound,
    mcnemar_bound,
    sign_flip_bound,
)
from asd.core.statistics.bayes import dirichlet_posterior, highest_density
from asd.core.statistics.bootstrap import ratio_of_sums
from asd.core.statistics.certify import certify, retention_p
from asd.core.statistics.clusters import cluster_sign_flip_test, clustered_mean, design_effect
from asd.core.statistics.intervals import (
    clopper_pearson,
    matched_odds_ratio,
    matched_odds_ratio_interval,
    nam_blackwelder,
    newcombe10,
    non_inferiority,
    odds_interval,
    retention_z,
    tango,
    tango_z,
    wilson,
)
from asd.core.statistics.multiple import benjamini_hochberg, holm
from asd.core.statistics.paired import (
    PairedTable,
    cohens_dz,
    mcnemar_exact,
    paired_table,
    sign_flip_test,
)
from asd.core.statistics.power import attainable_margin, minimum_detectable_difference

# Airway hyper-responsiveness before and after transplantation (Bentur et al. 2009), as tabled by Fagerland,
# Lydersen and Laake 2014, 'Recommended tests and confidence intervals for paired binomial proportions'.
FAGERLAND = PairedTable(both=1, only_ours=1, only_baseline=7, neither=12)
seeds = st.integers(0, 2**32 - 1)
counts = st.integers(0, 60)
tables = st.builds(PairedTable, st.integers(1, 60), counts, counts, st.integers(1, 60))


def test_a_paired_table_counts_each_sample_once():
    ours, baseline = np.array([1, 1, 0, 0, 1], dtype=bool), np.array([1, 0, 1, 0, 1], dtype=bool)
    table = paired_table(ours, baseline)
    assert table == PairedTable(both=2, only_ours=1, only_baseline=1, neither=1)
    assert (table.samples, table.ours, table.baseline, table.difference) == (5, 3, 3, 0.0)


def test_retention_and_item_retention_are_two_numbers():
    table = PairedTable(both=8, only_ours=4, only_baseline=2, neither=0)
    assert table.retention == pytest.approx(1.2)
    assert table.item_retention == pytest.approx(0.8)


def test_outcomes_of_unequal_length_are_refused():
    with pytest.raises(UsageError, match="equal lengths"):
        paired_table(np.ones(3, dtype=bool), np.ones(2, dtype=bool))


@settings(deadline=None)
@given(table=tables)
def test_mcnemar_is_statsmodels_exact_test(table):
    from statsmodels.stats.contingency_tables import mcnemar

    square = [[table.both, table.only_ours], [table.only_baseline, table.neither]]
    assert mcnemar_exact(table) == pytest.approx(mcnemar(square, exact=True).pvalue if table.discordant else 1.0)


def test_mcnemar_of_the_published_example():
    assert mcnemar_exact(FAGERLAND) == pytest.approx(0.0703125)  # Fagerland et al. 2014: exact conditional, 0.070


@settings(max_examples=20, deadline=None)
@given(seed=seeds, size=st.integers(1, 10))
def test_the_sign_flip_test_agrees_with_all_sign_assignments(seed, size):
    differences = np.random.default_rng(seed).integers(-5, 6, size) / 5.0
    every = np.array(list(product((-1, 1), repeat=size))) @ np.abs(differences)
    exact = (np.abs(every) >= abs(differences.sum()) - 1e-9).mean()
    found = sign_flip_test(differences, seed=1, resamples=20_000)
    assert found == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4)


def test_the_sign_flip_test_agrees_with_scipys_permutation_test():
    differences = np.random.default_rng(3).normal(0.15, 1.0, 60)
    other = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(5)
    )
    assert sign_flip_test(differences, seed=2, resamples=20_000) == pytest.approx(other.pvalue, abs=0.015)


def test_the_sign_flip_test_never_gives_zero_and_repeats_with_its_seed():
    strong = np.ones(500)
    assert sign_flip_test(strong, seed=1, resamples=999) == 1 / 1000
    weak = np.random.default_rng(1).normal(0.02, 1, 100)
    assert sign_flip_test(weak, seed=9) == sign_flip_test(weak, seed=9)


def test_differences_that_are_all_zero_give_a_p_value_of_one():
    assert sign_flip_test(np.zeros(40), seed=1) == 1.0


def test_cohens_h_is_statsmodels_effect_size():
    from statsmodels.stats.proportion import proportion_effectsize

    table = PairedTable(50, 20, 10, 20)
    assert table.cohens_h == pytest.approx(proportion_effectsize(0.7, 0.6))


def test_dz_is_t_over_root_n():
    rng = np.random.default_rng(2)
    ours, baseline = rng.lognormal(0.0, 0.3, 40), rng.lognormal(0.2, 0.3, 40)
    t = stats.ttest_rel(np.log(ours), np.log(baseline)).statistic
    assert cohens_dz(ours, baseline) == pytest.approx(t / np.sqrt(40))


def test_dz_of_constant_ratios_is_refused():
    with pytest.raises(UsageError, match="not defined"):
        cohens_dz(np.array([1.0, 2.0]), np.array([2.0, 4.0]))


@settings(deadline=None)
@given(right=st.integers(0, 50), wrong=st.integers(0, 50), level=st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_and_clopper_pearson_are_scipys(right, wrong, level):
    assume(right + wrong)
    other = stats.binomtest(right, right + wrong)
    for mine, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        found = mine(right, right + wrong, level)
        assert (found.low, found.high) == pytest.approx(tuple(other.proportion_ci(level, method)), abs=1e-9)


def test_tango_gives_the_published_intervals():
    found = tango(FAGERLAND)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.517, -0.026)  # Fagerland et al. 2014, table V
    other = tango(PairedTable(565, 28, 25, 0), level=0.90)  # R: PropCIs::scoreci.mp(25, 28, 618, 0.90)
    assert (round(other.low, 4), round(other.high, 4)) == (-0.0148, 0.0247)


def test_newcombes_method_10_gives_the_published_interval():
    found = newcombe10(FAGERLAND)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.507, -0.026)  # Fagerland et al. 2014, table V


def likeliest_variance(table, weights, hypothesis):
    """Variance of the mean of `weights` (both, ours, baseline, neither) under the likeliest cells with mean 0.

    A second road to a score statistic: the constrained maximum by a numerical search over one cell.
    """
    observed = np.array([table.both, table.only_ours, table.only_baseline, table.neither], dtype=float)

    def cells(only_ours):
        return hypothesis(only_ours)

    def loss(only_ours):
        p = np.array(cells(only_ours))
        if (p <= 0).any():
            return 1e9 - 1e9 * p.min()
        return -(observed @ np.log(p))

    grid = np.linspace(1e-9, 1 - 1e-9, 4001)
    start = grid[np.argmin([loss(x) for x in grid])]
    best = minimize_scalar(loss, bounds=(max(start - 3e-4, 0), min(start + 3e-4, 1)), method="bounded").x
    return (np.array(cells(best)) * weights**2).sum() * table.samples


@settings(max_examples=20, deadline=None)
@given(table=tables, ratio=st.floats(0.5, 1.8))
def test_the_retention_statistic_uses_the_likeliest_cells(table, ratio):
    assume(table.only_ours and table.only_baseline)
    concordant_free = table.neither / table.samples

    def hypothesis(only_ours):
        only_baseline = ratio * only_ours + (1 - concordant_free) * (1 - ratio)
        return 1 - concordant_free - only_ours - only_baseline, only_ours, only_baseline, concordant_free

    weights = np.array([1 - ratio, 1.0, -ratio, 0.0])
    expected = (table.ours - ratio * table.baseline) / np.sqrt(likeliest_variance(table, weights, hypothesis))
    assert retention_z(table, ratio) == pytest.approx(expected, rel=2e-3, abs=2e-3)


@settings(max_examples=20, deadline=None)
@given(table=tables, difference=st.floats(-0.6, 0.6))
def test_the_tango_statistic_uses_the_likeliest_cells(table, difference):
    assume(table.only_ours and table.only_baseline)
    rest = (table.both + table.neither) / table.samples
    share = table.both / (table.both + table.neither)

    def hypothesis(only_ours):
        left = 1 - only_ours - (only_ours - difference)
        return left * share, only_ours, only_ours - difference, left * (1 - share)

    assert rest > 0
    weights = np.array([-difference, 1 - difference, -1 - difference, -difference])
    top = table.only_ours - table.only_baseline - table.samples * difference
    expected = top / np.sqrt(likeliest_variance(table, weights, hypothesis))
    assert tango_z(table, difference) == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_nam_blackwelder_gives_the_published_interval():
    found = nam_blackwelder(FAGERLAND)
    assert (round(found.low, 3), round(found.high, 3)) == (0.065, 0.907)  # Fagerland et al. 2014, table VI


@settings(max_examples=50, deadline=None)
@given(table=tables)
def test_nam_blackwelder_is_statsmodels_solution_of_nams_quartic(table):
    from statsmodels.stats.proportion import _confint_riskratio_paired_nam

    assume(table.only_ours and table.only_baseline)
    cells = [[table.both, table.only_ours], [table.only_baseline, table.neither]]
    other = np.real(_confint_riskratio_paired_nam(cells).confint)
    found = nam_blackwelder(table)
    assert (found.low, found.high) == pytest.approx(tuple(other), rel=1e-4)


@settings(deadline=None)
@given(table=tables, level=st.sampled_from([0.9, 0.95, 0.99]))
def test_every_paired_interval_contains_its_estimate_and_widens_with_its_level(table, level):
    for method, estimate in (
        (tango, table.difference),
        (newcombe10, table.difference),
        (nam_blackwelder, table.ours / table.baseline),
    ):
        found, wider = method(table, level), method(table, 0.999)
        assert found.low - 1e-9 <= estimate <= found.high + 1e-9
        assert wider.low <= found.low + 1e-9
        assert wider.high >= found.high - 1e-9


@settings(deadline=None)
@given(table=tables)
def test_swapping_the_two_mirrors_the_intervals(table):
    swapped = PairedTable(table.both, table.only_baseline, table.only_ours, table.neither)
    for method in (tango, newcombe10):
        one, other = method(table), method(swapped)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-8)
    one, other = nam_blackwelder(table), nam_blackwelder(swapped)
    assert one.low == pytest.approx(1 / other.high, rel=1e-6)


@settings(deadline=None)
@given(table=tables)
def test_non_inferiority_and_the_interval_are_one_test(table):
    low = nam_blackwelder(table, level=0.98).low
    assume(1e-6 < low < 0.999)
    assert non_inferiority(table, low) == pytest.approx(0.01, abs=1e-6)
    assert non_inferiority(table, low * 0.98) < 0.01


def test_a_margin_above_1_is_refused():
    with pytest.raises(UsageError, match="non-inferiority margin"):
        non_inferiority(FAGERLAND, 1.2)


@settings(deadline=None)
@given(table=tables)
def test_the_matched_odds_ratio_is_statsmodels_estimate_with_exact_limits(table):
    found = matched_odds_ratio_interval(table)
    ratio = matched_odds_ratio(table)
    if not table.discordant:
        assert isnan(ratio)
        return
    assert found.low <= ratio <= found.high
    for limit in (found.low, found.high):
        if 0.0 < limit < inf:
            share = limit / (1 + limit)
            tail = min(
                stats.binom.sf(table.only_ours - 1, table.discordant, share),
                stats.binom.cdf(table.only_ours, table.discordant, share),
            )
            assert tail == pytest.approx(0.025, rel=1e-6)


@given(b=st.floats(0.2, 60), c=st.floats(0.2, 60), level=st.sampled_from([0.95, 0.99]))
def test_between_counts_the_limits_of_the_odds_ratio_are_beta_quantiles(b, c, level):
    found = odds_interval(b, c, level)
    assert found.low / (1 + found.low) == pytest.approx(stats.beta(b, c + 1).ppf((1 - level) / 2))
    assert found.high / (1 + found.high) == pytest.approx(stats.beta(b + 1, c).ppf((1 + level) / 2))


def test_the_design_effect_of_clusters_that_agree_is_their_size():
    values = np.random.default_rng(3).normal(size=50)
    assert design_effect(values, np.arange(50)) == pytest.approx(1.0)
    assert design_effect(np.repeat(values, 8), np.repeat(np.arange(50), 8)) == pytest.approx(8.0, rel=0.02)
    assert design_effect(np.zeros(4), np.array([0, 0, 1, 1])) == 1.0


@settings(max_examples=30, deadline=None)
@given(seed=seeds, clusters=st.integers(2, 20))
def test_the_clustered_error_is_statsmodels_cluster_covariance(seed, clusters):
    import statsmodels.api as sm

    rng = np.random.default_rng(seed)
    member = np.concatenate([np.arange(clusters), rng.integers(0, clusters, 100)])
    values = rng.normal(0.1, 1, len(member)) + rng.normal(0, 1, clusters)[member]
    fit = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": member, "use_correction": False}, use_t=True
    )
    found = clustered_mean(values, member)
    assert found.mean == pytest.approx(fit.params[0])
    assert found.standard_error == pytest.approx(fit.bse[0] * np.sqrt(clusters / (clusters - 1)))
    other = stats.t.interval(0.95, clusters - 1, found.mean, found.standard_error)
    assert (found.interval().low, found.interval().high) == pytest.approx(other)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.mean) / found.standard_error, clusters - 1))


def test_signs_flip_cluster_by_cluster():
    differences, member = np.array([1.0, 1.0, 1.0, -1.0, 2.0]), np.array([0, 0, 1, 1, 2])
    assert cluster_sign_flip_test(differences, member, seed=4) == sign_flip_test(np.array([2.0, 0.0, 2.0]), seed=4)


def test_one_cluster_is_refused():
    with pytest.raises(UsageError, match="at least two clusters"):
        clustered_mean(np.ones(3), np.zeros(3, dtype=int))


def test_the_bootstrap_is_scipys_bca_within_resampling_noise():
    rng = np.random.default_rng(6)
    ours = rng.lognormal(0, 1, 80)
    baseline = 2 * ours * rng.lognormal(0, 0.3, 80)
    found = ratio_of_sums(baseline, ours, seed=1).interval()

    def ratio(top, bottom, axis=-1):
        return top.sum(axis=axis) / bottom.sum(axis=axis)

    other = stats.bootstrap((baseline, ours), ratio, paired=True, vectorized=True, rng=np.random.default_rng(2))
    low, high = other.confidence_interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.06 * (high - low))


def test_the_bootstrap_is_of_the_ratio_of_sums_and_not_the_mean_of_ratios():
    assert ratio_of_sums(np.array([1.0, 9.0]), np.array([1.0, 3.0]), seed=0, resamples=99).ratio == 2.5


def test_the_bootstrap_repeats_with_its_seed():
    rng = np.random.default_rng(8)
    top, bottom = rng.random(50), rng.random(50)
    one = ratio_of_sums(top, bottom, seed=3, resamples=500).interval(0.99)
    assert one == ratio_of_sums(top, bottom, seed=3, resamples=500).interval(0.99)


def test_a_constant_ratio_has_an_interval_of_no_width():
    bottom = np.array([1.0, 2.0, 3.0])
    found = ratio_of_sums(2 * bottom, bottom, seed=1, resamples=999).interval()
    assert (found.low, found.high) == pytest.approx((2.0, 2.0))


def test_a_denominator_of_zero_is_refused():
    with pytest.raises(UsageError, match="positive in sum"):
        ratio_of_sums(np.ones(3), np.zeros(3), seed=1)


@settings(max_examples=25, deadline=None)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_families_are_adjusted_as_statsmodels_does(p):
    from statsmodels.stats.multitest import multipletests

    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist())
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1].tolist())


def test_a_p_value_outside_0_to_1_has_no_adjustment():
    with pytest.raises(UsageError, match="between 0 and 1"):
        holm([0.5, 1.5])


def test_the_posterior_of_one_cell_is_its_beta_distribution():
    table = PairedTable(both=60, only_ours=12, only_baseline=5, neither=23)
    posterior = dirichlet_posterior(table, np.random.default_rng(1), draws=200_000)
    better = stats.beta(12.5, 5.5).sf(0.5)  # P(p10 > p01) is that of the share of the discordant pairs
    assert posterior.probability_better == pytest.approx(better, abs=0.005)
    assert posterior.difference.mean() == pytest.approx(7 / 102, abs=0.001)
    assert 0.0 < posterior.in_rope() < 0.2


@pytest.mark.filterwarnings("ignore")
def test_the_highest_density_interval_is_that_of_arviz():
    arviz = pytest.importorskip("arviz", reason="ArviZ is not installed")
    draws = np.random.default_rng(1).gamma(2.0, 1.0, 5000)
    found = highest_density(draws, 0.9)
    assert (found.low, found.high) == pytest.approx(tuple(arviz.hdi(draws, hdi_prob=0.9)))


def test_the_minimum_detectable_difference_is_found_as_often_as_promised():
    rng = np.random.default_rng(1)
    samples, share = 1319, 0.2
    difference = minimum_detectable_difference(samples, share, alpha=0.05, power=0.8)
    cells = [(share + difference) / 2, (share - difference) / 2, 1 - share]
    drawn = rng.multinomial(samples, cells, 4000)
    z = (drawn[:, 0] - drawn[:, 1]) / np.sqrt(drawn[:, 0] + drawn[:, 1])
    assert (np.abs(z) > stats.norm.isf(0.025)).mean() == pytest.approx(0.8, abs=0.025)


def test_more_samples_detect_less():
    found = [minimum_detectable_difference(n, 0.2) for n in (164, 817, 1319, 14042)]
    assert found == sorted(found, reverse=True)
    assert minimum_detectable_difference(2, 0.2) == inf


def test_the_attainable_margin_is_shown_as_often_as_promised():
    rng = np.random.default_rng(2)
    samples, accuracy, share = 1319, 0.6, 0.1
    margin = attainable_margin(samples, accuracy, share, alpha=0.05, power=0.8)
    drawn = rng.multinomial(samples, [accuracy - share / 2, share / 2, share / 2, 1 - accuracy - share / 2], 1500)
    shown = [non_inferiority(PairedTable(*map(int, row)), margin) < 0.05 for row in drawn]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.035)


def test_a_discordant_share_that_contradicts_the_accuracy_is_refused():
    with pytest.raises(UsageError, match="contradict"):
        attainable_margin(100, 0.01, 0.5)


def test_the_least_p_values_of_the_founding_example():
    assert accuracies_bound(980, 971, 1319).least == pytest.approx(2 * 0.5**9)  # 0.0039: never below 0.0039
    assert accuracies_bound(108, 106, 164).least == 0.5


@settings(deadline=None)
@given(table=tables)
def test_no_table_gives_less_than_its_bounds(table):
    p = mcnemar_exact(table)
    assert checked_p(p, mcnemar_bound(table.discordant)) == p
    assert checked_p(p, accuracies_bound(table.ours, table.baseline, table.samples)) == p


def test_a_p_value_below_what_its_data_can_give_is_refused():
    with pytest.raises(UsageError, match=r"the least that its data can give is 0\.5"):
        checked_p(0.04, accuracies_bound(108, 106, 164))
    with pytest.raises(UsageError, match="not a p-value"):
        checked_p(-0.1, mcnemar_bound(3))


def test_a_resampled_p_value_has_a_floor():
    assert sign_flip_bound(1000, 99_999).least == 1e-5
    assert exact_sign_bound(5).least == 0.0625


def test_the_retention_p_value_is_the_binomial_tail():
    assert retention_p(95, 100, 0.9) == pytest.approx(stats.binomtest(95, 100, 0.9, alternative="greater").pvalue)
    assert retention_p(0, 0, 0.9) == 1.0


def clustered_p(rng, sizes, chance, target):
    """The p-value where each cluster is kept or lost as a whole."""
    sizes = np.asarray(sizes)
    return retention_p(int(sizes[rng.random(len(sizes)) < chance].sum()), int(sizes.sum()), target, int(sizes.max()))


@pytest.mark.parametrize(
    ("sizes", "chance"),
    [
        ([20] * 57, 0.8),
        (list(range(1, 41)), 0.8),
        ([100, *[10] * 90], np.array([0.0, *[8 / 9] * 90])),
        ([100, *[10] * 10], np.array([0.6, *[1.0] * 10])),
    ],
    ids=["alike", "of all sizes", "one lost for sure", "one lost by chance"],
)
def test_the_p_value_of_clusters_holds_when_each_is_kept_or_lost_as_a_whole(sizes, chance):
    """Retention is exactly at the target of 0.8, the hardest case under the null."""
    rng = np.random.default_rng(11)
    assert np.average(np.broadcast_to(chance, len(sizes)), weights=sizes) == pytest.approx(0.8)
    values = np.array([clustered_p(rng, sizes, chance, 0.8) for _ in range(4000)])
    for alpha in (0.01, 0.05, 0.2, 0.6):
        assert (values <= alpha).mean() <= alpha + 3 * (alpha * (1 - alpha) / len(values)) ** 0.5


def test_the_binomial_p_value_is_wrong_far_too_often_for_such_clusters():
    rng = np.random.default_rng(11)
    kept = 20 * rng.binomial(57, 0.8, 1000)
    assert np.mean([retention_p(int(one), 57 * 20, 0.8) <= 0.01 for one in kept]) > 0.2


def test_clusters_that_are_all_kept_count_as_often_as_the_largest_goes_into_all():
    assert retention_p(1140, 1140, 0.9, 20) == pytest.approx(0.9**57)
    assert retention_p(100, 100, 0.9, 25) == pytest.approx(0.9**4)


@given(n=st.integers(1, 60), target=st.floats(0.05, 0.95), data=st.data())
def test_larger_clusters_and_fewer_kept_answers_never_make_a_certificate_surer(n, target, data):
    kept, largest = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    p = retention_p(kept, n, target, largest)
    assert 0 <= retention_p(kept, n, target) <= p + 1e-12
    assert p <= 1
    assert p <= retention_p(max(kept - 1, 0), n, target, largest) + 1e-12
    assert p <= retention_p(kept, n, target, min(n, largest + 1)) + 1e-12


def test_a_certificate_ends_at_the_first_price_that_fails():
    kept = [(10.0, 990), (5.0, 985), (2.0, 950), (1.0, 999)]
    found = certify(kept, baseline_right=1000, target=0.95, alpha=0.01)
    assert found.lam == 5.0
    assert [lam for lam, _ in found.tested] == [10.0, 5.0, 2.0]


def test_nothing_is_certified_when_the_largest_price_fails():
    assert certify([(10.0, 900), (5.0, 1000)], baseline_right=1000, target=0.95).lam is None


def test_the_certificate_is_wrong_no_more_often_than_alpha():
    rng = np.random.default_rng(3)
    truth = {10.0: 0.97, 5.0: 0.949, 1.0: 0.90}
    wrong = sum(
        certify([(lam, int(rng.binomial(400, r))) for lam, r in truth.items()], 400, 0.95, alpha=0.1).lam in (5.0, 1.0)
        for _ in range(2000)
    )
    assert wrong / 2000 <= 0.1 + 3 * np.sqrt(0.09 / 2000)
