"""Token by token: the loop that a local model's answers come out of, with each token's time and probability.

`transformers`' own `generate` gives neither the time of the first token nor that of a sample that ends before its
batch; this loop gives both and spends less between two forward passes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from inspect import signature
from typing import TYPE_CHECKING, Protocol

from asd.runners.engines.base import Sampling

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from transformers import PreTrainedModel


@dataclass(slots=True)
class Decoded:
    """One answer as it grew: its tokens (the end token too), their natural-log probabilities, and the distance of
    each to the best other token. Seconds count from the batch's start."""

    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    finish: str = ""
    first_token_s: float = 0.0
    last_token_s: float = 0.0


class Chooser(Protocol):
    """How the next tokens are chosen."""

    def __call__(self, logprobs: "Tensor", rows: Sequence[int]) -> "Tensor":
        """The next token of each row, shape [rows], from log-probabilities of shape [rows, vocabulary]."""
        ...


def greedy(logprobs: "Tensor", rows: Sequence[int]) -> "Tensor":
    """The likeliest token of each row."""
    return logprobs.argmax(-1)


def never(token_ids: Sequence[int]) -> bool:
    """No answer ends early."""
    return False


class Sampled:
    """Tokens drawn by the inverse of the cumulative distribution, each row from a generator of its own, so that a
    sample's draws do not depend on its batch. `top_p` is nucleus sampling (Holtzman et al. 2020)."""

    def __init__(self, sampling: Sampling, samples: Sequence[str]) -> None:
        self.temperature, self.top_p = sampling.temperature, sampling.top_p
        self.generators = [_generator(sampling.seed or 0, sample) for sample in samples]

    def __call__(self, logprobs: "Tensor", rows: Sequence[int]) -> "Tensor":
        import torch

        draws = [torch.rand(1, generator=self.generators[row], dtype=torch.float64) for row in rows]
        chances, tokens = (logprobs / self.temperature).double().softmax(-1).sort(dim=-1, descending=True, stable=True)
        before = chances.cumsum(-1) - chances
        chances = chances.masked_fill(before >= self.top_p, 0.0)
        reached = chances.cumsum(-1)
        target = torch.cat(draws).to(reached.device)[:, None] * reached[:, -1:]
        place = torch.searchsorted(reached, target, right=True).clamp(max=tokens.shape[1] - 1)
        drawn_tokens: Tensor = tokens.gather(1, place)[:, 0]
        return drawn_tokens


def _generator(seed: int, sample: str) -> "Generator":
    import torch

    digest = sha256(f"{seed}:{sample}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7]))


def decode(
    model: "PreTrainedModel",
    prompts: Sequence[Sequence[int]],
    *,
    ends: frozenset[int],
    limit: int,
    choose: Chooser = greedy,
    stopped: Callable[[Sequence[int]], bool] = never,
) -> list[Decoded]:
    """Answer a batch of prompts' token ids, padded on the left; at most `limit` tokens each.

    An answer ends with a token of `ends`, or where `stopped(its tokens)` says so (finish "stop"), or at the limit
    ("length"). Rows that have ended leave the batch once they are half of it.
    """
    import torch

    answers = [Decoded() for _ in prompts]
    began = time.monotonic()
    with torch.inference_mode():
        batch = _Batch(model, prompts)
        while batch.rows:
            logprobs = batch.forward()
            tokens = choose(logprobs, batch.rows)
            batch.last = tokens
            for row, token, logprob, margin in zip(batch.rows, *_read(logprobs, tokens), strict=True):
                answer = answers[row]
                if not answer.finish:
                    _grow(answer, int(token), logprob, margin, time.monotonic() - began)
                    answer.finish = _finish(answer.token_ids, ends, limit, stopped)
            batch.keep([row for row in batch.rows if not answers[row].finish])
    return answers


def _grow(answer: Decoded, token: int, logprob: float, margin: float, now: float) -> None:
    if not answer.token_ids:
        answer.first_token_s = now
    answer.last_token_s = now
    answer.token_ids.append(token)
    answer.logprobs.append(logprob)
    answer.margins.append(margin)


def _finish(token_ids: list[int], ends: frozenset[int], limit: int, stopped: Callable[[Sequence[int]], bool]) -> str:
    if token_ids[-1] in ends or stopped(token_ids):
        return "stop"
    return "length" if len(token_ids) >= limit else ""


def _read(logprobs: "Tensor", tokens: "Tensor") -> list[list[float]]:
    """Tokens, their log-probabilities and margins as lists, in one transfer from the device."""
    import torch

    chosen = logprobs.gather(1, tokens[:, None])[:, 0]
    best = logprobs.topk(2, dim=-1)
    other = torch.where(best.indices[:, 0] == tokens, best.values[:, 1], best.values[:, 0])
    read: list[list[float]] = torch.stack([tokens.double(), chosen.double(), (chosen - other).double()]).tolist()
    return read


class _Batch:
    """What the model has seen so far, for the rows that are still being answered."""

    def __init__(self, model: "PreTrainedModel", prompts: Sequence[Sequence[int]]) -> None:
        import torch
        from transformers import DynamicCache

        width = max(map(len, prompts))
        self.model = model
        self.rows = list(range(len(prompts)))
        self.inputs = torch.tensor([[0] * (width - len(ids)) + list(ids) for ids in prompts], device=model.device)
        self.mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts], device=model.device)
        self.places = (self.mask.cumsum(-1) - 1).clamp(min=0)
        self.padded = any(len(ids) < width for ids in prompts)
        self.cache = DynamicCache(config=model.config)
        # transformers renamed the argument in 5.24 and warns at the old name
        self.cache_name = "cache" if "cache" in signature(model.forward).parameters else "past_key_values"
        self.last: Tensor | None = None

    def forward(self) -> "Tensor":
        """Log-probabilities of each row's next token: shape [rows, vocabulary], float32."""
        import torch

        if self.last is not None:
            self.inputs, self.places = self.last[:, None], self.places[:, -1:] + 1
            if self.padded:
                self.mask = torch.nn.functional.pad(self.mask, (0, 1), value=1)
        output = self.model(
            input_ids=self.inputs,
            attention_mask=self.mask if self.padded else None,
            position_ids=self.places,
            use_cache=True,
            logits_to_keep=1,
            **{self.cache_name: self.cache},
        )
        return torch.log_softmax(output.logits[:, -1].float(), -1)

    def keep(self, live: list[int]) -> None:
        """Drop the rows that are not in `live`, once they are at least half: dropping copies the cache."""
        import torch

        if not live:
            self.rows = []
        elif len(live) <= len(self.rows) // 2:
            places = torch.tensor([self.rows.index(row) for row in live], device=self.inputs.device)
            self.cache.batch_select_indices(places)
            self.mask, self.places = self.mask[places], self.places[places]
            self.last = self.last[places] if self.last is not None else None
            self.rows = live
