"""Hand-made and hashed features of a prompt, an answer, and the agreement between answers."""

import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence, Set
from itertools import pairwise

import numpy as np

from asd.core.arithmetic import calculations, number, numbers
from asd.core.arrays import FloatArray

PROMPT_NAMES = (
    "prompt_chars_log1p",
    "prompt_words_log1p",
    "prompt_sentences_log1p",
    "prompt_word_length",
    "prompt_numbers_log1p",
    "prompt_distinct_numbers_log1p",
    "prompt_largest_number_log10",
    "prompt_has_decimal",
    "prompt_has_percent",
    "prompt_fraction_words_log1p",
    "prompt_question_marks_log1p",
    "prompt_lines_log1p",
    "prompt_upper_share",
    "prompt_digit_share",
    "prompt_punctuation_share",
    "prompt_code_share",
    "prompt_operators_log1p",
    "prompt_has_currency",
    "prompt_choices_log1p",
    "prompt_distinct_word_share",
)

ANSWER_NAMES = (
    "answer_chars_log1p",
    "answer_words_log1p",
    "answer_lines_log1p",
    "answer_numbers_log1p",
    "answer_digit_share",
    "answer_operators_log1p",
    "answer_calculations_log1p",
    "answer_calculations_right_share",
    "answer_calculations_wrong_log1p",
    "answer_code_share",
    "answer_found",
    "answer_is_number",
    "answer_size_log10",
    "answer_is_negative",
    "answer_is_whole",
    "answer_is_round",
    "answer_is_in_prompt",
    "answer_is_last_number",
    "answer_is_last_result",
    "answer_size_over_prompt_log10",
    "answer_prompt_numbers_used_share",
    "answer_numbers_unexplained_share",
    "answer_results_whole_share",
    "answer_results_reused_share",
    "answer_distinct_line_share",
    "answer_distinct_word_share",
    "answer_hedges_log1p",
    "answer_over_prompt_length_log",
)

AGREEMENT_NAMES = (
    "earlier_stages_log1p",
    "agrees_with_previous",
    "agrees_with_second_previous",
    "agrees_with_third_previous",
    "agreeing_share",
    "agrees_with_any",
    "agrees_with_all",
    "is_most_frequent",
    "largest_group_share",
    "distinct_answers_share",
    "others_agree_against_it",
    "earlier_missing_share",
    "difference_to_previous_log",
    "difference_to_nearest_log",
    "word_overlap_previous",
    "word_overlap_mean",
    "number_overlap_previous",
    "number_overlap_mean",
    "found_in_earlier_text_share",
    "length_over_previous_log",
)

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"[.!?]+(?:\s|$)")
_OPERATOR = re.compile(r"[-+*/×÷^%=<>]")
_CODE = re.compile(r"[(){}\[\];=_`\\]")
_PUNCTUATION = re.compile(r"[^\w\s]")
_CHOICE = re.compile(r"(?m)^\s*\(?[A-J][).:]\s")
_FRACTION_WORD = re.compile(
    r"\b(?:half|third|thirds|quarter|quarters|fifth|twice|thrice|double|triple|times|fewer|less|more|percent|\d+/\d+)\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|approximately|about|probably|unsure|cannot|assume|assuming|however|wait|actually|unclear)\b",
    re.IGNORECASE,
)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _log_size(value: float) -> float:
    return math.copysign(math.log10(1.0 + min(abs(value), 1e12)), value)


def hashed_ngrams(text: str, width: int) -> FloatArray:
    """Signed hashed counts of words and word pairs, scaled to unit length: shape [width].

    Feature hashing after Weinberger et al. 2009, 'Feature hashing for large scale multitask learning';
    CRC-32 gives the same bucket on every machine.
    """
    words = [word.lower() for word in _WORD.findall(text)]
    grams = words + [f"{a} {b}" for a, b in pairwise(words)]
    vector = np.zeros(width)
    for gram, count in Counter(grams).items():
        code = zlib.crc32(gram.encode())
        vector[(code >> 1) % width] += (1.0 if code & 1 else -1.0) * math.sqrt(count)
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def prompt_features(prompt: str) -> FloatArray:
    """The hand-made features of a prompt, in the order of PROMPT_NAMES."""
    words = _WORD.findall(prompt)
    found = numbers(prompt)
    size = len(prompt)
    return np.array(
        [
            math.log1p(size),
            math.log1p(len(words)),
            math.log1p(len(_SENTENCE.findall(prompt))),
            _share(sum(map(len, words)), len(words)),
            math.log1p(len(found)),
            math.log1p(len(set(found))),
            _log_size(max(found, key=abs, default=0.0)),
            float(any(value != int(value) for value in found)),
            float("%" in prompt),
            math.log1p(len(_FRACTION_WORD.findall(prompt))),
            math.log1p(prompt.count("?")),
            math.log1p(prompt.count("\n")),
            _share(sum(map(str.isupper, prompt)), size),
            _share(sum(map(str.isdigit, prompt)), size),
            _share(len(_PUNCTUATION.findall(prompt)), size),
            _share(len(_CODE.findall(prompt)), size),
            math.log1p(len(_OPERATOR.findall(prompt))),
            float(any(sign in prompt for sign in "$€£¥")),
            math.log1p(len(_CHOICE.findall(prompt))),
            _share(len({word.lower() for word in words}), len(words)),
        ]
    )


def answer_features(prompt: str, text: str, final: str | None) -> FloatArray:
    """The hand-made features of an answer, in the order of ANSWER_NAMES."""
    words = [word.lower() for word in _WORD.findall(text)]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return np.array(
        [
            math.log1p(len(text)),
            math.log1p(len(words)),
            math.log1p(len(lines)),
            math.log1p(len(numbers(text))),
            _share(sum(map(str.isdigit, text)), len(text)),
            math.log1p(len(_OPERATOR.findall(text))),
            *_calculation_features(text),
            _share(len(_CODE.findall(text)), len(text)),
            *_final_features(prompt, text, final),
            *_number_flow(prompt, text),
            _share(len(set(lines)), len(lines)),
            _share(len(set(words)), len(words)),
            math.log1p(len(_HEDGE.findall(text))),
            math.log1p(len(text)) - math.log1p(len(prompt)),
        ]
    )


def _calculation_features(text: str) -> list[float]:
    right = [calculation.is_right for calculation in calculations(text)]
    return [math.log1p(len(right)), _share(sum(right), len(right)), math.log1p(len(right) - sum(right))]


def _final_features(prompt: str, text: str, final: str | None) -> list[float]:
    value = number(final) if final is not None else None
    if value is None:
        return [float(final is not None)] + [0.0] * 9
    asked, written = numbers(prompt), numbers(text)
    results = [calculation.stated for calculation in calculations(text)]
    return [
        1.0,
        1.0,
        _log_size(value),
        float(value < 0),
        float(value == int(value)),
        float(value % 10 == 0),
        float(value in asked),
        float(bool(written) and written[-1] == value),
        float(bool(results) and results[-1] == value),
        _log_size(value) - _log_size(max(asked, key=abs, default=0.0)),
    ]


def _number_flow(prompt: str, text: str) -> list[float]:
    """How numbers flow from the prompt through the calculations: used, unexplained, whole, reused."""
    asked, steps = set(numbers(prompt)), calculations(text)
    operands = {operand for step in steps for operand in step.operands}
    results = [step.stated for step in steps]
    explained = asked | set(results)
    reused = sum(result in operands for result in results[:-1])
    return [
        _share(len(asked & (operands | set(numbers(text)))), len(asked)),
        _share(len(operands - explained), len(operands)),
        _share(sum(result == int(result) for result in results), len(results)),
        _share(reused, len(results) - 1),
    ]


def agreement_features(last: tuple[str, str | None], earlier: Sequence[tuple[str, str | None]]) -> FloatArray:
    """How the last answer agrees with those of earlier stages, in the order of AGREEMENT_NAMES.

    Each answer is its text and the final answer extracted from it. With no earlier stage, all zeros.
    """
    if not earlier:
        return np.zeros(len(AGREEMENT_NAMES))
    text, final = last[0], same_form(last[1])
    finals = [same_form(other) for _, other in earlier]
    equal = [final is not None and final == other for other in finals]
    slots = [float(flag) for flag in reversed(equal[-3:])] + [0.0] * max(0, 3 - len(equal))
    return np.array(
        [
            math.log1p(len(earlier)),
            *slots,
            _share(sum(equal), len(equal)),
            float(any(equal)),
            float(all(equal)),
            *_group_features(final, finals),
            _share(sum(other is None for other in finals), len(finals)),
            *_differences(final, finals),
            *_overlaps(text, [other for other, _ in earlier]),
            _share(
                sum(final is not None and number(final) in numbers(other) for other, _ in earlier),
                len(finals),
            ),
            math.log1p(len(text)) - math.log1p(len(earlier[-1][0])),
        ]
    )


def same_form(final: str | None) -> str | None:
    """One spelling for equal final answers: numbers by value, other text by case-folded words."""
    if final is None:
        return None
    value = number(final)
    return repr(value) if value is not None else " ".join(final.casefold().split())


def _group_features(final: str | None, finals: Sequence[str | None]) -> list[float]:
    others = Counter(other for other in finals if other is not None)
    votes = Counter(others)
    if final is not None:
        votes[final] += 1
    most = max(votes.values(), default=0)
    against = max((count for other, count in others.items() if other != final), default=0)
    return [
        float(final is not None and votes[final] == most),
        _share(most, len(finals) + 1),
        _share(len(votes), len(finals) + 1),
        float(against >= 2),
    ]


def _differences(final: str | None, finals: Sequence[str | None]) -> list[float]:
    value = number(final) if final is not None else None
    others = [number(other) if other is not None else None for other in finals]
    gaps = [abs(_log_size(value) - _log_size(other)) for other in others if value is not None and other is not None]
    return [gaps[-1], min(gaps)] if gaps and others[-1] is not None else [0.0, min(gaps, default=0.0)]


def _overlaps(text: str, earlier: Sequence[str]) -> list[float]:
    words, values = set(_WORD.findall(text.lower())), set(numbers(text))
    by_word = [_jaccard(words, set(_WORD.findall(other.lower()))) for other in earlier]
    by_number = [_jaccard(values, set(numbers(other))) for other in earlier]
    return [by_word[-1], float(np.mean(by_word)), by_number[-1], float(np.mean(by_number))]


def _jaccard(one: Set[float] | Set[str], other: Set[float] | Set[str]) -> float:
    return _share(len(one & other), len(one | other))
