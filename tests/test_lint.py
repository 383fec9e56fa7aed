"""The eight checks: each fails on the founding example and is silent on a record that is right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.core.lint import (
    Accuracy,
    Cell,
    Claims,
    Contained,
    Effect,
    Estimate,
    Figure,
    PValue,
    Retention,
    Total,
    Whole,
    accuracy_is_a_count,
    cell_of,
    inner_time_is_within_outer,
    lint,
    p_agrees_with_effect,
    p_is_attainable,
    parts_sum_to_the_total,
    printed,
    retention_is_its_ratio,
    units_add_up,
    whole_lies_among_its_parts,
)
from asd.core.statistics.attainable import accuracies_bound, mcnemar_bound
from asd.core.statistics.intervals import nam_blackwelder, tango
from asd.core.statistics.paired import PairedTable, mcnemar_exact

PHASES = {
    "environment capture": "0.8",
    "data preparation": "127",
    "MMLU": "7,234",
    "GSM8K": "1,456",
    "HumanEval": "234",
    "TruthfulQA": "678",
    "statistics": "89",
    "log completion": "12",
}
LAMBDA_TIMES = {"0.1": "1,823.4", "0.5": "2,156.7", "1": "2,847.3", "2": "3,621.9", "5": "4,893.2", "10": "6,234.8"}
RELATIVE_COSTS = {"0": "1.00", "1": "2.00", "2": "4.20", "3": "8.50"}
DATASETS = ("MMLU", "GSM8K", "HumanEval", "TruthfulQA")
SAMPLES = 16_342


def figures(texts):
    return {name: printed(text) for name, text in texts.items()}


def founding_example():
    """The figures of the example run in the requirement for the record, as it prints them."""
    dataset_time = sum(printed(PHASES[name]).value for name in DATASETS)
    baseline_time = SAMPLES * 12.525
    return Claims(
        accuracies=[Accuracy("HumanEval", printed("0.658"), 164)],
        p_values=[
            PValue("GSM8K", printed("0.001"), accuracies_bound(980, 971, 1319), below=True),
            PValue("HumanEval", printed("0.05"), accuracies_bound(108, 106, 164), below=True),
        ],
        effects=[Effect("MMLU", printed("0.001"), below=True, d=printed("2.34"), units=5)],
        retentions=[Retention("MMLU", printed("0.905"), printed("0.852"), printed("0.847"))],
        wholes=[
            # Always the last stage takes 16,342 × 12.525 s; no choice of stages can beat stage 0 alone.
            Whole("speedup at λ = 0.1", Figure(baseline_time / printed("1,823.4").value), figures(RELATIVE_COSTS))
        ],
        totals=[
            Total("phases", printed("11,671"), figures(PHASES)),
            Total("λ against datasets", Figure(dataset_time, 2.0), figures(LAMBDA_TIMES)),
        ],
        contained=[
            Contained("MMLU", "time to first token", printed("0.8473"), "time per sample", printed("0.515")),
            Contained("MMLU", "latency of stage 0", printed("1.474"), "time per sample", printed("0.515")),
        ],
        # 7,234.56 s at 0.515 s each are one pass; six λ × five seeds were planned.
        cells=[Cell("MMLU", planned=30 * 14_042, done=round(7234.56 / 0.515))],
    )


def test_the_founding_example_fails_all_eight_checks():
    assert {finding.check for finding in lint(founding_example())} == set(range(1, 9))


def test_each_finding_of_the_founding_example_gives_its_figures():
    messages = {finding.message for finding in lint(founding_example())}
    assert "accuracy 0.658 is no k/164; the nearest are 107/164 = 0.65244 and 108/164 = 0.65854" in messages
    assert "p < 0.001, but d = 2.34 over 5 units is p = 0.0064" in messages
    assert "quality retention: 0.852 / 0.847 = 100.6 %, not 90.5 %" in messages
    assert "8 parts sum to 9,830.8 s, not 11671 s (+1,840.2 s)" in messages
    assert any(message.startswith("p < 0.001, but its data give at least 0.0039") for message in messages)
    assert any(message.startswith("p < 0.05, but its data give at least 0.5") for message in messages)


@settings(deadline=None)
@given(
    cells=st.tuples(st.integers(1, 300), st.integers(0, 60), st.integers(0, 60), st.integers(0, 300)),
    decimals=st.integers(2, 6),
)
def test_a_record_computed_from_one_table_passes_however_it_is_rounded(cells, decimals):
    table = PairedTable(*cells)
    difference, ratio, p = tango(table), nam_blackwelder(table), mcnemar_exact(table)
    ours, baseline, retention = table.ours / table.samples, table.baseline / table.samples, table.retention

    def rounded(value):
        return printed(f"{value:.{decimals}f}")

    claims = Claims(
        accuracies=[Accuracy("ours", rounded(ours), table.samples)],
        p_values=[PValue("paired", Figure(p), mcnemar_bound(table.discordant))],
        effects=[Effect("paired", Figure(p), table=table)],
        retentions=[Retention("all", rounded(retention), rounded(ours), rounded(baseline))],
        estimates=[
            Estimate("difference", rounded(table.difference), rounded(difference.low), rounded(difference.high)),
            Estimate("retention", rounded(retention), rounded(ratio.low), rounded(ratio.high)),
        ],
    )
    assert lint(claims) == []


def test_a_printed_figure_stands_for_what_rounds_to_it():
    figure = printed("1,456.8")
    assert (figure.value, figure.half) == (1456.8, pytest.approx(0.05))
    assert printed("7").half == 0.5


def test_an_accuracy_averaged_over_seeds_is_a_count_of_all_its_passes():
    assert accuracy_is_a_count(Accuracy("all", Figure(0.5 + 1 / 50), samples=10, seeds=5)) == []
    assert accuracy_is_a_count(Accuracy("all", Figure(0.5 + 1 / 50), samples=10)) != []


@pytest.mark.parametrize("value", ["0.000", "1.000", "0.659"])
def test_accuracies_that_are_counts_pass(value):
    assert accuracy_is_a_count(Accuracy("HumanEval", printed(value), 164)) == []


def test_an_accuracy_above_1_is_found():
    assert accuracy_is_a_count(Accuracy("HumanEval", printed("1.02"), 164)) != []


def test_a_p_value_at_its_bound_passes():
    assert p_is_attainable(PValue("two", Figure(0.5), accuracies_bound(108, 106, 164))) == []


def test_a_p_value_that_agrees_with_its_effect_passes():
    assert p_agrees_with_effect(Effect("five seeds", printed("0.006"), d=printed("2.34"), units=5)) == []
    assert p_agrees_with_effect(Effect("five seeds", printed("0.01"), below=True, d=printed("2.34"), units=5)) == []
    assert p_agrees_with_effect(Effect("five seeds", printed("0.02"), d=printed("2.34"), units=5)) != []


def test_a_p_value_that_contradicts_its_own_counts_is_found():
    table = PairedTable(50, 10, 2, 20)
    [finding] = p_agrees_with_effect(Effect("GSM8K", Figure(0.001), table=table))
    assert finding.message == "p = 0.001, but 10 against 2 discordant pairs is p = 0.039"


def test_retention_over_a_baseline_that_is_never_right_is_found():
    assert retention_is_its_ratio(Retention("all", Figure(1.0), Figure(0.0), Figure(0.0))) != []


def test_an_estimate_outside_its_interval_is_found():
    claims = Claims(estimates=[Estimate("speedup", printed("5.16"), printed("4.20"), printed("4.80"))])
    [finding] = lint(claims)
    assert finding.message == "estimate 5.16 is outside its interval [4.2, 4.8]"


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_speedup_of_sums_always_lies_among_its_parts(seed):
    rng = np.random.default_rng(seed)
    ours, baseline = rng.uniform(0.1, 5, 4), rng.uniform(0.1, 9, 4)
    parts = {str(i): Figure(float(baseline[i] / ours[i])) for i in range(4)}
    assert whole_lies_among_its_parts(Whole("speedup", Figure(float(baseline.sum() / ours.sum())), parts)) == []


def test_parts_may_differ_from_the_total_by_their_rounding():
    parts = {"one": printed("1.3"), "two": printed("2.4")}
    assert parts_sum_to_the_total(Total("phases", printed("3.8"), parts)) == []
    assert parts_sum_to_the_total(Total("phases", printed("4.0"), parts)) != []
    assert parts_sum_to_the_total(Total("phases", Figure(4.0), parts, tolerance_s=0.3)) == []


def test_a_part_may_take_all_the_time_of_what_contains_it():
    assert inner_time_is_within_outer(Contained("s", "first token", Figure(0.4), "latency", Figure(0.4))) == []


def test_units_are_accounted_for_by_name():
    [finding] = units_add_up(cell_of("GSM8K", planned="abcd", done="ab", failed="c", said=True))
    assert finding.message == "4 units planned, 2 done and 1 failed: 1 unaccounted, such as d"


def test_an_incomplete_cell_must_say_so():
    assert len(units_add_up(cell_of("GSM8K", planned="abcd", done="ab", failed="cd"))) == 1
    assert units_add_up(cell_of("GSM8K", planned="abcd", done="ab", failed="cd", said=True)) == []


def test_units_that_nobody_planned_do_not_hide_missing_ones():
    found = units_add_up(cell_of("GSM8K", planned="abc", done="abx", failed=""))
    assert [finding.check for finding in found] == [8, 8]
    assert "nobody planned" in found[1].message
