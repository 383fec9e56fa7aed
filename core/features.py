"""The 128 features from which the quality predictor judges an answer.

Each feature is a plain number computed from strings and numbers: nothing is learned here, so the same
request gives the same vector in training, in replay and live. The vector has four blocks, which are also
the information sets of the ablation: the prompt, the answer, its token log-probabilities, and its agreement
with the answers of earlier stages. A block that is not known is all zeros; log-probabilities and agreement
say so by an indicator feature of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from asd.core.arrays import BoolArray, FloatArray
from asd.core.errors import UsageError
from asd.core.facts.sample import Logprobs
from asd.core.text_features import (
    AGREEMENT_NAMES,
    ANSWER_NAMES,
    PROMPT_NAMES,
    agreement_features,
    answer_features,
    hashed_ngrams,
    prompt_features,
)

PROMPT_HASHES = 20
ANSWER_HASHES = 16
LOGPROB_LEVELS = (0, 10, 25, 50, 75, 90, 100)
_FLOOR = -50.0

InformationSet = Literal["prompt", "answer", "logprobs", "agreement"]
INFORMATION_SETS: tuple[InformationSet, ...] = ("prompt", "answer", "logprobs", "agreement")

LOGPROB_NAMES = (
    "logprob_known",
    "logprob_mean",
    "logprob_first",
    "logprob_last",
    *(f"logprob_quantile_{level}" for level in LOGPROB_LEVELS),
    "logprob_margin_known",
    "logprob_margin_mean",
    "logprob_tokens_log1p",
    "logprob_sum_log1p",
    "logprob_perplexity_log1p",
    "logprob_first_minus_mean",
    "logprob_last_minus_mean",
    "logprob_lowest_minus_mean",
    "logprob_quartile_range",
    "probability_lowest",
    "probability_first",
    "probability_last",
    "probability_quantile_10",
)


@dataclass(frozen=True)
class Answer:
    """One stage's answer to a prompt.

    `text` is what the model wrote, `final` the answer that the task extracted from it (None if it found
    none), `logprobs` the summary of its `output_tokens` tokens' log-probabilities (None if not recorded).
    """

    text: str
    final: str | None = None
    logprobs: Logprobs | None = None
    output_tokens: int = 0


def logprob_features(logprobs: Logprobs | None, output_tokens: int) -> FloatArray:
    """The features of the tokens' log-probabilities, in the order of LOGPROB_NAMES: all zeros where unknown.

    Raises UsageError if the summary has other than the seven quantiles that its definition names.
    """
    if logprobs is None:
        return np.zeros(len(LOGPROB_NAMES))
    if len(logprobs.quantiles) != len(LOGPROB_LEVELS):
        raise UsageError(f"a log-probability summary needs {len(LOGPROB_LEVELS)} quantiles: {LOGPROB_LEVELS} %")
    mean, first, last = (max(value, _FLOOR) for value in (logprobs.mean, logprobs.first, logprobs.last))
    quantiles = np.maximum(logprobs.quantiles, _FLOOR)
    margin = logprobs.margin_mean
    basic = [1.0, mean, first, last, *quantiles, float(margin is not None), margin or 0.0]
    sums = [np.log1p(output_tokens), np.log1p(-mean * output_tokens), np.log1p(-mean)]
    spread = [first - mean, last - mean, quantiles[0] - mean, quantiles[4] - quantiles[2]]
    return np.array(basic + sums + spread + list(np.exp([quantiles[0], first, last, quantiles[1]])))


def _blocks() -> dict[InformationSet, tuple[str, ...]]:
    return {
        "prompt": PROMPT_NAMES + tuple(f"prompt_ngram_{i:02d}" for i in range(PROMPT_HASHES)),
        "answer": ANSWER_NAMES + tuple(f"answer_ngram_{i:02d}" for i in range(ANSWER_HASHES)),
        "logprobs": LOGPROB_NAMES,
        "agreement": AGREEMENT_NAMES,
    }


BLOCKS = _blocks()
FEATURE_NAMES: tuple[str, ...] = tuple(name for block in INFORMATION_SETS for name in BLOCKS[block])
FEATURE_COUNT = len(FEATURE_NAMES)
HASHED_EMPHASIS = 0.1


def emphasis() -> FloatArray:
    """How much each feature may count before anything is learned: shape [128], hashed n-grams a tenth.

    On a few hundred samples the hashed features are mostly noise; a network that needs them can still scale them up.
    """
    return np.array([HASHED_EMPHASIS if "_ngram_" in name else 1.0 for name in FEATURE_NAMES])


def feature_vector(prompt: str, answers: Sequence[Answer]) -> FloatArray:
    """The features of the last of `answers`, given the prompt and the stages that answered before it.

    `answers` are those of the stages that ran, in order; the last is the one to be judged. With no answer
    at all, only the prompt's block is filled: that is what a router sees. Returns shape [128], in the order
    of FEATURE_NAMES.
    """
    if not answers:
        rest = sum(len(BLOCKS[block]) for block in INFORMATION_SETS[1:])
        return np.concatenate([prompt_block(prompt), np.zeros(rest)])
    *earlier, last = answers
    return np.concatenate([prompt_block(prompt), answer_block(prompt, last), agreement_block(last, earlier)])


def prompt_block(prompt: str) -> FloatArray:
    """What the prompt alone tells; the features of a vector up to its answer's."""
    return np.concatenate([prompt_features(prompt), hashed_ngrams(prompt, PROMPT_HASHES)])


def answer_block(prompt: str, answer: Answer) -> FloatArray:
    """What one answer tells, its log-probabilities included."""
    return np.concatenate(
        [
            answer_features(prompt, answer.text, answer.final),
            hashed_ngrams(answer.text, ANSWER_HASHES),
            logprob_features(answer.logprobs, answer.output_tokens),
        ]
    )


def agreement_block(answer: Answer, earlier: Sequence[Answer]) -> FloatArray:
    """How an answer agrees with those of earlier stages; the last features of a vector."""
    return agreement_features((answer.text, answer.final), [(one.text, one.final) for one in earlier])


def information_mask(known: Sequence[InformationSet]) -> BoolArray:
    """Which of the 128 features belong to the information sets in `known`: shape [128], True = may be used."""
    return np.concatenate([np.full(len(BLOCKS[block]), block in known) for block in INFORMATION_SETS])
