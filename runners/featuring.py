"""The features of a run's answers: each part of a vector is computed once."""

import time
from collections.abc import Sequence
from functools import cache

import numpy as np

from asd.core.arrays import BoolArray, FloatArray
from asd.core.features import Answer, agreement_block, answer_block, prompt_block
from asd.core.policies.ladders import Ladder
from asd.runners.state import State


class Features:
    """The feature vectors of answers; `seconds` is what one took on average."""

    def __init__(self, state: State, mask: BoolArray) -> None:
        """`mask` [128] says which features may be used."""
        self.state, self.mask = state, mask
        self.known: dict[tuple[str, Ladder, int | None], FloatArray] = {}
        self.spent_s = 0.0
        self._prompt = cache(lambda name: prompt_block(state.planned[name].prompt))
        self._answer = cache(lambda name, *key: answer_block(state.planned[name].prompt, self._read(name, *key)))

    def of(self, names: Sequence[str], ran: Ladder, draw: int | None) -> FloatArray:
        """Features of the answers of the last stage in `ran`, given those of the others: [samples, used features]."""
        began = time.perf_counter()
        rows = [self._one(name, ran, draw) for name in names]
        self.spent_s += time.perf_counter() - began
        return np.array(rows).reshape(len(names), int(self.mask.sum()))

    def of_prompts(self, names: Sequence[str]) -> FloatArray:
        """What the prompts alone tell: [samples, features of prompts]."""
        return np.array([self._prompt(name) for name in names])

    @property
    def seconds(self) -> float:
        """Mean seconds per vector."""
        return self.spent_s / max(len(self.known), 1)

    def _one(self, name: str, ran: Ladder, draw: int | None) -> FloatArray:
        key = (name, ran, draw)
        if key not in self.known:
            *earlier, last = (self._read(name, stage, draw) for stage in ran)
            parts = [self._prompt(name), self._answer(name, ran[-1], draw), agreement_block(last, earlier)]
            self.known[key] = np.concatenate(parts)[self.mask]
        return self.known[key]

    def _read(self, name: str, stage: int, draw: int | None) -> Answer:
        said = self.state.generated[name, stage, draw]
        final = self.state.graded[name, stage, draw].extracted
        return Answer(said.text, final, said.logprobs, said.output_tokens)
