"""How likely given choices are after a prompt: one answer out of every choice's log-probabilities, the same in every
engine, and how a local model computes them."""

from collections.abc import Iterator, Sequence
from math import fsum
from typing import TYPE_CHECKING

from asd.runners.engines.base import Generation, Prompt
from asd.runners.engines.logprobs import summarize

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

_DIGITS = 6
Row = tuple[Sequence[int], Sequence[int]]
"""Token ids: a prompt's, and those of one choice after it."""


def scored(
    prompt: Prompt,
    choices: Sequence[Sequence[int]],
    logprobs: Sequence[Sequence[float]],
    *,
    input_tokens: int,
    latency_s: float,
    busy_s: float,
    queue_s: float | None = None,
) -> Generation:
    """The answer that `logprobs` give, a list for each choice of `prompt` with one value a token; `choices` are their
    token ids, each empty where the engine cannot tell. The likeliest choice is the one with the largest sum."""
    sums = [round(fsum(tokens), _DIGITS) for tokens in logprobs]
    ranked = sorted(range(len(sums)), key=lambda place: -sums[place])
    best, others = ranked[0], ranked[1:]
    return Generation(
        text=prompt.choices[best].strip(),
        token_ids=tuple(choices[best]),
        logprobs=summarize(logprobs[best], [sums[best] - sums[others[0]]] if others else None),
        input_tokens=input_tokens,
        output_tokens=sum(map(len, logprobs)),
        finish_reason="scored",
        queue_s=queue_s,
        prefill_s=latency_s - (queue_s or 0.0),
        latency_s=latency_s,
        busy_s=busy_s,
        choice_logprobs=tuple(sums),
    )


def choice_logprobs(model: "PreTrainedModel", rows: Sequence[Row], size: int) -> list[list[float]]:
    """The natural-log probability of each token of each row's choice, in order; at most `size` rows at a time."""
    import torch

    found: list[list[float]] = [[] for _ in rows]
    with torch.inference_mode():
        for batch in _batches(rows, size):
            kept = _forward(model, [rows[i] for i in batch]).tolist()
            for i, values in zip(batch, kept, strict=True):
                found[i] = values[-len(rows[i][1]) :]
    return found


def _batches(rows: Sequence[Row], size: int) -> Iterator[list[int]]:
    """Places in `rows`, like lengths together, since a batch is as long as its longest row."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]) + len(rows[i][1]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _forward(model: "PreTrainedModel", rows: Sequence[Row]) -> "Tensor":
    """Log-probabilities of the last tokens of each row, as many as the longest choice has: shape [rows, tokens].

    Padded on the left, so that every choice ends where the batch does.
    """
    import torch

    texts = [[*prompt, *choice] for prompt, choice in rows]
    width, kept = max(map(len, texts)), max(len(choice) for _, choice in rows)
    inputs = torch.tensor([[0] * (width - len(text)) + text for text in texts], device=model.device)
    mask = torch.tensor([[0] * (width - len(text)) + [1] * len(text) for text in texts], device=model.device)
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    # One position more: a token's probability is read at the position before it.
    output = model(input_ids=inputs, attention_mask=mask, position_ids=places, use_cache=False, logits_to_keep=kept + 1)
    logprobs = torch.log_softmax(output.logits[:, :-1].float(), -1)
    return logprobs.gather(-1, inputs[:, -kept:, None])[..., 0]
