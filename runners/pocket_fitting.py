"""How a pocket model learns: answers to fresh problems, next-token cross-entropy, one pass, one thread."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pydantic import Field

from asd.core.event import Fact
from asd.runners.pocket_models import END, PAD
from asd.runners.tasks.pocket_problems import Family, stream

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LambdaLR
    from transformers import PreTrainedTokenizerBase, Qwen2ForCausalLM

CHUNK = 32
"""Batches that are made together, so that problems of like length share one."""
IGNORED = -100
CLIP = 1.0
LOWEST = 0.01
Row = tuple[list[int], list[int]]


class Lesson(Fact):
    """How one model is trained: `families` weighs the problems, `learning_rate` is AdamW's (embeddings, norms and
    biases), `muon_rate` that of Muon (matrices; Jordan et al. 2024)."""

    families: dict[Family, float] = Field(min_length=1)
    steps: int = Field(gt=0)
    batch: int = Field(default=128, gt=0)
    warm_up: int = Field(default=100, ge=0)
    cool_down: int = Field(default=500, ge=0)
    learning_rate: float = Field(default=4e-3, gt=0)
    muon_rate: float = Field(default=1e-2, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands: mean loss (nats per answer token) since the last report, seconds since the start."""

    step: int
    loss: float
    elapsed_s: float
    cpu_s: float


def fit(
    model: "Qwen2ForCausalLM",
    tokenizer: "PreTrainedTokenizerBase",
    lesson: Lesson,
    seed: int,
    report_every: int,
) -> Iterator[Progress]:
    """Train `model` in place; report every so many steps and after the last.

    With one thread, the same seed on the same machine and software gives the same weights.
    """
    model.train()
    pairs = batches(tokenizer, lesson, seed)
    optimizers, schedules = _optimizers(model, lesson)
    began, cpu_began, losses = time.monotonic(), time.process_time(), []
    for step in range(1, lesson.steps + 1):
        losses.append(_step(model, *next(pairs), optimizers, schedules))
        if step % report_every == 0 or step == lesson.steps:
            mean = sum(losses) / len(losses)
            yield Progress(step, mean, time.monotonic() - began, time.process_time() - cpu_began)
            losses = []
    model.train(False)


def rate(step: int, lesson: Lesson) -> float:
    """The share of the full learning rate at `step` (from 0): linear warm-up, constant, linear cool-down."""
    rising = (step + 1) / lesson.warm_up if lesson.warm_up else 1.0
    falling = (lesson.steps - step) / lesson.cool_down if lesson.cool_down else 1.0
    return max(LOWEST, min(1.0, rising, falling))


def batches(tokenizer: "PreTrainedTokenizerBase", lesson: Lesson, seed: int) -> "Iterator[tuple[Tensor, Tensor]]":
    """Endless (inputs, targets), both [batch, longest] int64; only the answer and its end are targets.

    Problems come from the split `train` alone and are drawn anew for every batch.
    """
    order = random.Random(f"order/{seed}")
    problems = stream("train", seed, lesson.families)
    while True:
        rows = _tokenized(tokenizer, list(islice(problems, CHUNK * lesson.batch)))
        rows.sort(key=lambda row: len(row[0]) + len(row[1]))
        starts = list(range(0, len(rows), lesson.batch))
        order.shuffle(starts)
        for start in starts:
            yield _padded(rows[start : start + lesson.batch])


def _tokenized(tokenizer: "PreTrainedTokenizerBase", pairs: Sequence[tuple[str, str]]) -> list[Row]:
    prompts, answers = (tokenizer(list(texts))["input_ids"] for texts in zip(*pairs, strict=True))
    return [(prompt, [*answer, END]) for prompt, answer in zip(prompts, answers, strict=True)]


def _padded(rows: Sequence[Row]) -> "tuple[Tensor, Tensor]":
    import torch

    width = max(len(prompt) + len(answer) for prompt, answer in rows)
    inputs = [[*prompt, *answer] + [PAD] * (width - len(prompt) - len(answer)) for prompt, answer in rows]
    targets = [
        [IGNORED] * len(prompt) + answer + [IGNORED] * (width - len(prompt) - len(answer)) for prompt, answer in rows
    ]
    return torch.tensor(inputs), torch.tensor(targets)


def _optimizers(model: "Qwen2ForCausalLM", lesson: Lesson) -> "tuple[list[Optimizer], list[LambdaLR]]":
    """AdamW and Muon; Muon is for the matrices between layers, not for embeddings (Jordan et al. 2024)."""
    from torch.optim import AdamW, Muon
    from torch.optim.lr_scheduler import LambdaLR

    named = list(model.named_parameters())
    matrices = [tensor for name, tensor in named if tensor.ndim == 2 and "embed" not in name]
    others = [tensor for name, tensor in named if tensor.ndim != 2 or "embed" in name]
    optimizers: list[Optimizer] = [
        AdamW(others, lr=lesson.learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
        Muon(matrices, lr=lesson.muon_rate, weight_decay=lesson.weight_decay),
    ]
    return optimizers, [LambdaLR(one, lambda step: rate(step, lesson)) for one in optimizers]


def _step(
    model: "Qwen2ForCausalLM",
    inputs: "Tensor",
    targets: "Tensor",
    optimizers: "Sequence[Optimizer]",
    schedules: "Sequence[LambdaLR]",
) -> float:
    """One step of both optimizers; the loss before it. The vocabulary's logits are computed for targets alone."""
    import torch

    states = model.model(input_ids=inputs, use_cache=False).last_hidden_state[:, :-1]
    wanted = targets[:, 1:]
    counted = wanted != IGNORED
    loss = torch.nn.functional.cross_entropy(model.lm_head(states[counted]), wanted[counted])
    model.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    for optimizer in optimizers:
        optimizer.step()
    for schedule in schedules:
        schedule.step()
    return loss.item()
