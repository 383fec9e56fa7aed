"""The 128 features: fixed names, no surprises from hostile text, and each block says what it should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd.core.arithmetic import calculations, number, numbers
from asd.core.errors import UsageError
from asd.core.facts.sample import Logprobs
from asd.core.features import (
    FEATURE_COUNT,
    FEATURE_NAMES,
    INFORMATION_SETS,
    Answer,
    emphasis,
    feature_vector,
    information_mask,
)

PROMPT = "James runs 3 sprints of 60 meters 3 times a week. How many meters does he run a week?"
RIGHT = Answer("He runs 3*3=<<3*3=9>>9 sprints\nSo he runs 9*60=<<9*60=540>>540 meters\nA: 540", "540")
WRONG = Answer("He runs 60/3=<<60/3=20.0>>20 meters\nSo 20*3=<<20*3=61>>61 meters\nA: 61", "61")
LOGPROBS = Logprobs(mean=-0.3, first=-0.1, last=-0.7, quantiles=(-3.0, -1.0, -0.4, -0.2, -0.1, -0.01, 0.0))


def of(answers, prompt=PROMPT):
    return dict(zip(FEATURE_NAMES, feature_vector(prompt, answers), strict=True))


def test_there_are_128_features_with_distinct_names():
    assert FEATURE_COUNT == len(set(FEATURE_NAMES)) == 128


@settings(deadline=None)
@given(prompt=st.text(), texts=st.lists(st.tuples(st.text(), st.none() | st.text()), max_size=4))
def test_any_text_gives_128_finite_numbers(prompt, texts):
    vector = feature_vector(prompt, [Answer(text, final) for text, final in texts])
    assert vector.shape == (128,)
    assert np.isfinite(vector).all()


@pytest.mark.parametrize("hostile", ["9" * 50_000, "9+" * 20_000, "1,000" * 9_000, "(" * 50_000, "1*" * 9 + "1=" * 9])
def test_hostile_text_gives_finite_numbers(hostile):
    vector = feature_vector(hostile, [Answer(hostile, hostile), Answer(hostile, hostile)])
    assert np.isfinite(vector).all()


def test_the_same_request_gives_the_same_vector():
    np.testing.assert_array_equal(feature_vector(PROMPT, [WRONG, RIGHT]), feature_vector(PROMPT, [WRONG, RIGHT]))


def test_unknown_log_probabilities_are_zeros_with_an_indicator():
    blank, known = of([RIGHT]), of([Answer(RIGHT.text, RIGHT.final, LOGPROBS, output_tokens=40)])
    assert all(blank[name] == 0.0 for name in FEATURE_NAMES if "prob" in name)
    assert known["logprob_known"] == 1.0
    assert known["logprob_quantile_0"] == -3.0
    assert known["logprob_quartile_range"] == pytest.approx(0.3)
    assert known["probability_last"] == pytest.approx(np.exp(-0.7))
    assert known["logprob_sum_log1p"] == pytest.approx(np.log1p(12.0))


def test_a_summary_with_other_quantiles_is_refused():
    short = LOGPROBS.model_copy(update={"quantiles": (-1.0, 0.0)})
    with pytest.raises(UsageError, match="needs 7 quantiles"):
        feature_vector(PROMPT, [Answer("a", "a", short)])


def test_without_an_answer_only_the_prompt_is_known():
    vector = feature_vector(PROMPT, [])
    mask = information_mask(["prompt"])
    assert vector[mask].any()
    assert not vector[~mask].any()


def test_the_prompts_features_do_not_depend_on_the_answers():
    mask = information_mask(["prompt"])
    np.testing.assert_array_equal(feature_vector(PROMPT, [])[mask], feature_vector(PROMPT, [WRONG, RIGHT])[mask])


def test_the_first_answer_has_no_agreement():
    assert not feature_vector(PROMPT, [RIGHT])[information_mask(["agreement"])].any()


def test_information_sets_part_the_vector():
    masks = np.array([information_mask([one]) for one in INFORMATION_SETS])
    assert (masks.sum(axis=0) == 1).all()
    assert information_mask(INFORMATION_SETS).all()


def test_agreement_is_with_the_value_and_not_the_spelling():
    assert of([Answer("so 540", "$540.00"), RIGHT])["agrees_with_previous"] == 1.0
    assert of([WRONG, RIGHT])["agrees_with_previous"] == 0.0
    assert of([Answer("b", " The  Cat"), Answer("c", "the cat")])["agrees_with_all"] == 1.0


def test_two_missing_answers_do_not_agree():
    assert of([Answer("?", None), Answer("?", None)])["agrees_with_any"] == 0.0


def test_two_earlier_stages_against_the_last_are_seen():
    assert of([WRONG, WRONG, RIGHT])["others_agree_against_it"] == 1.0
    assert of([WRONG, RIGHT, RIGHT])["others_agree_against_it"] == 0.0


def test_a_wrong_calculation_is_seen():
    assert of([WRONG])["answer_calculations_wrong_log1p"] > 0.0
    assert of([RIGHT])["answer_calculations_wrong_log1p"] == 0.0


def test_the_final_answer_is_placed_among_the_numbers_of_prompt_and_text():
    features = of([RIGHT])
    assert features["answer_is_last_result"] == 1.0
    assert features["answer_is_in_prompt"] == 0.0
    assert of([Answer("A: 60", "60")])["answer_is_in_prompt"] == 1.0


@pytest.mark.parametrize(
    ("text", "value"),
    [("$1,234.50", 1234.5), ("-3", -3.0), ("15%", 15.0), ("12.", 12.0), ("3 cats", None), ("", None), ("1e5", None)],
)
def test_a_number_is_read_from_a_final_answer(text, value):
    assert number(text) == value


def test_numbers_are_found_in_order():
    assert numbers("From 1,000 to 2.5, then -3 and 7.") == (1000.0, 2.5, -3.0, 7.0)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2+3*4=14", True),
        ("2+3*4=20", False),
        ("10/3=3.33", True),
        ("1/0=5", False),
        ("8-2-1 = 5", True),
        ("2x3=6", True),
    ],
)
def test_stated_calculations_are_checked_with_the_usual_precedence(text, right):
    assert [step.is_right for step in calculations(text)] == [right]


def test_hashed_features_count_less_at_first():
    weight = dict(zip(FEATURE_NAMES, emphasis(), strict=True))
    assert {weight[name] for name in FEATURE_NAMES if "_ngram_" in name} == {0.1}
    assert weight["agreeing_share"] == 1.0
