"""Answers of a local model through `transformers`, on a CPU or one GPU, batched."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from asd.core.errors import EngineError, MissingDataError
from asd.runners.engines.base import Engine, Generation, Loaded, Prompt, Sampling
from asd.runners.engines.decoding import Chooser, Decoded, Sampled, decode, greedy, never
from asd.runners.engines.logprobs import summarize
from asd.runners.engines.scoring import choice_logprobs, scored
from asd.runners.engines.tokenizing import Tokenizing
from asd.runners.model_folders import model_folder
from asd.runners.tasks.base import Problem
from asd.runners.threads import threads

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Dtype = Literal["float32", "bfloat16", "float16"]


class TransformersEngine(Engine):
    """A model from a folder, or a hub's model that was downloaded before.

    Only safetensors are read and no code of the model's runs. `dtype` is float32 on a CPU and bfloat16 on a GPU
    unless said otherwise; `threads` is how many the CPU may use (None: as many as torch takes); `chat` is whether
    the tokenizer's chat template is used (None: where it has one).
    """

    packages = frozenset({"torch", "transformers"})
    engine: Literal["transformers"] = "transformers"
    path: str
    name: str | None = None
    device: str = Field(default="cpu", pattern=r"cpu|cuda(:\d+)?")
    dtype: Dtype | None = None
    threads: int | None = Field(default=None, ge=1)
    attention: Literal["sdpa", "eager"] = "sdpa"
    chat: bool | None = None
    batch: int = Field(default=16, ge=1)

    @property
    def model(self) -> str:
        return self.name or Path(self.path).name

    @property
    def folder(self) -> Path:
        return model_folder(self.path)

    @property
    def scores(self) -> bool:
        return True

    @property
    def used_dtype(self) -> Dtype:
        """The number format that the weights are computed in."""
        return self.dtype or ("float32" if self.device == "cpu" else "bfloat16")

    def identity(self) -> dict[str, object]:
        return {"engine": self.engine, "dtype": self.used_dtype, "attention": self.attention, "chat": self.chat}

    @contextmanager
    def load(self) -> Iterator["TransformersSession"]:
        import torch

        cudnn = torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]
        # cuDNN's attention plans every new shape anew, about 80 ms each, and every token makes the keys one longer.
        torch.backends.cuda.enable_cudnn_sdp(False)
        try:
            with threads(self.threads), closing(TransformersSession(self)) as session:
                yield session
        finally:
            torch.backends.cuda.enable_cudnn_sdp(cudnn)
        if self.device != "cpu":
            gc.collect()
            torch.cuda.empty_cache()


class TransformersSession:
    """A loaded model with its tokenizer."""

    def __init__(self, engine: TransformersEngine) -> None:
        """Load and warm up. Raises `MissingDataError` or `EngineError`."""
        before = _memory_bytes(engine.device)
        self.model = _model(engine)
        self.tokenizing = Tokenizing(engine.folder, engine.chat)
        self.rows = engine.batch
        self.longest: int | None = getattr(self.model.config, "max_position_embeddings", None)
        # On a GPU as wide as its batches: what is loaded for a first batch must not count as the cost of answers.
        idle = [min(self.tokenizing.ends, default=0)]
        decode(self.model, [idle] * (1 if engine.device == "cpu" else engine.batch), ends=frozenset(), limit=2)
        self.loaded = _loaded(engine, self.model, _memory_bytes(engine.device, self.model) - before)

    def close(self) -> None:
        """Let go of model and tokenizer, whoever still holds the session: the next stage needs the memory."""
        vars(self).clear()

    def prompts(self, problems: Sequence[Problem]) -> list[Prompt]:
        return self.tokenizing.prompts(problems)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Generation]:
        began = time.monotonic()
        answers = decode(
            self.model,
            [prompt.token_ids for prompt in prompts],
            ends=self.tokenizing.ends,
            limit=self._limit(prompts, sampling.max_tokens),
            choose=_chooser(sampling, prompts),
            stopped=partial(self.tokenizing.stopped, stops=sampling.stop) if sampling.stop else never,
        )
        texts = self.tokenizing.texts([answer.token_ids for answer in answers], sampling.stop)
        busy_s = (time.monotonic() - began) / len(prompts)
        return [_generation(*one, busy_s) for one in zip(prompts, answers, texts, strict=True)]

    def score(self, prompts: Sequence[Prompt]) -> list[Generation]:
        began = time.monotonic()
        choices = [self.tokenizing.choices(prompt) for prompt in prompts]
        rows = [(prompt.token_ids, one) for prompt, several in zip(prompts, choices, strict=True) for one in several]
        self._refuse_longer(prompts, choices)
        found = iter(choice_logprobs(self.model, rows, self.rows))
        seconds = time.monotonic() - began
        return [
            scored(
                prompt,
                several,
                list(islice(found, len(several))),
                input_tokens=len(prompt.token_ids),
                latency_s=seconds,
                busy_s=seconds / len(prompts),
            )
            for prompt, several in zip(prompts, choices, strict=True)
        ]

    def _refuse_longer(self, prompts: Sequence[Prompt], choices: Sequence[Sequence[Sequence[int]]]) -> None:
        """Raise `EngineError` for a prompt that with its longest choice is longer than the model takes."""
        for prompt, several in zip(prompts, choices, strict=True):
            length = len(prompt.token_ids) + max(map(len, several))
            if not prompt.token_ids or (self.longest is not None and length > self.longest):
                raise EngineError(f"{prompt.sample} has {length} tokens and the model takes 1 to {self.longest}")

    def _limit(self, prompts: Sequence[Prompt], max_tokens: int) -> int:
        longest = max(prompts, key=lambda prompt: len(prompt.token_ids))
        room = max_tokens if self.longest is None else self.longest - len(longest.token_ids)
        if room < 1 or not longest.token_ids:
            raise EngineError(
                f"{longest.sample} has {len(longest.token_ids)} tokens and the model takes 1 to {self.longest}"
            )
        return min(max_tokens, room)


def _generation(prompt: Prompt, answer: Decoded, text: str, busy_s: float) -> Generation:
    return Generation(
        text=text,
        token_ids=tuple(answer.token_ids),
        logprobs=summarize(answer.logprobs, answer.margins),
        input_tokens=len(prompt.token_ids),
        output_tokens=len(answer.token_ids),
        finish_reason=answer.finish,
        first_token_s=answer.first_token_s,
        prefill_s=answer.first_token_s,
        decode_s=answer.last_token_s - answer.first_token_s,
        latency_s=answer.last_token_s,
        busy_s=busy_s,
    )


def _chooser(sampling: Sampling, prompts: Sequence[Prompt]) -> Chooser:
    return Sampled(sampling, [prompt.sample for prompt in prompts]) if sampling.temperature > 0 else greedy


def _model(engine: TransformersEngine) -> "PreTrainedModel":
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = AutoModelForCausalLM.from_pretrained(
            engine.folder,
            dtype=getattr(torch, engine.used_dtype),
            attn_implementation=engine.attention,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
        torch.nn.Module.to(model, torch.device(engine.device))
        loaded: PreTrainedModel = model
        return loaded
    except (OSError, ValueError, RuntimeError) as error:
        raise _why(engine, error) from error


def _why(engine: TransformersEngine, error: Exception) -> EngineError | MissingDataError:
    reason = " ".join(str(error).split())[:200]
    if isinstance(error, OSError):
        return MissingDataError(f"the model folder {engine.folder} is not complete: {reason}")
    return EngineError(f"{engine.model} cannot be loaded on {engine.device}: {reason}")


def _loaded(engine: TransformersEngine, model: "PreTrainedModel", taken_bytes: int) -> Loaded:
    index = engine.device.partition(":")[2]
    return Loaded(
        gpus=() if engine.device == "cpu" else (int(index or 0),),
        dtype=engine.used_dtype,
        parameters=sum(tensor.numel() for tensor in model.parameters()),
        memory_bytes=taken_bytes,
    )


def _memory_bytes(device: str, model: "PreTrainedModel | None" = None) -> int:
    """What is allocated on a GPU; on a CPU, where nobody keeps count, what the model's tensors take."""
    if device == "cpu":
        tensors = [*model.parameters(), *model.buffers()] if model else []
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    import torch

    return int(torch.cuda.memory_allocated(torch.device(device)))
