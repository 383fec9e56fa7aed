"""Answers of a local model through vLLM's offline `LLM`: batched by its own scheduler, on one or more GPUs."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue, field_validator

from asd.core.errors import EngineError
from asd.core.facts.run import Nature
from asd.runners.engines.base import Engine, Generation, Loaded, Prompt, Sampling
from asd.runners.engines.logprobs import summarize
from asd.runners.engines.scoring import scored
from asd.runners.engines.tokenizing import Tokenizing
from asd.runners.engines.vllm_start import short, started
from asd.runners.model_folders import model_folder
from asd.runners.tasks.base import Problem

if TYPE_CHECKING:
    from vllm import LLM, RequestOutput, SamplingParams
    from vllm.outputs import CompletionOutput

Dtype = Literal["float32", "bfloat16", "float16"]

BYTES: dict[Dtype, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
OURS = frozenset(
    (
        *("model", "tokenizer", "trust_remote_code", "load_format", "skip_tokenizer_init", "dtype", "max_model_len"),
        *("tensor_parallel_size", "gpu_memory_utilization", "kv_cache_memory_bytes", "enforce_eager"),
        *("disable_log_stats", "worker_extension_cls"),
    )
)


class VllmEngine(Engine):
    """A model from a folder, or a hub's model that was downloaded before, on a set of GPUs of its own.

    Only safetensors are read and no code of the model's runs. `gpus` are the stage's GPUs, counted among those that
    are visible; the model is split over all of them (tensor parallel), and () means vLLM's CPU build. `dtype` is
    bfloat16 on GPUs and float32 on a CPU unless said otherwise; `memory` is the share of each GPU's memory that vLLM
    may take, `cache_bytes` what it takes for keys and values (None: what `memory` leaves; 1 GiB on a CPU), `context`
    the longest prompt with its answer in tokens (None: what the model takes), `eager` switches compilation and CUDA
    graphs off, `chat` is whether the tokenizer's chat template is used (None: where it has one),
    and `arguments` are further arguments of `vllm.LLM` by name. Weights "dummy" are random ones of the shape that
    the folder's config.json gives: for what a stage costs, never for what it answers.
    """

    packages = frozenset({"vllm"})
    engine: Literal["vllm"] = "vllm"
    path: str
    name: str | None = None
    gpus: tuple[int, ...] = (0,)
    dtype: Dtype | None = None
    memory: float = Field(default=0.9, gt=0, le=1)
    cache_bytes: int | None = Field(default=None, ge=1)
    context: int | None = Field(default=None, ge=2)
    eager: bool = False
    weights: Literal["safetensors", "dummy"] = "safetensors"
    chat: bool | None = None
    batch: int = Field(default=64, ge=1)
    arguments: dict[str, JsonValue] = Field(default_factory=dict)

    @field_validator("arguments")
    @classmethod
    def _none_of_ours(cls, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if taken := OURS & arguments.keys():
            raise ValueError(f"{', '.join(sorted(taken))}: set by the engine's own fields, not by arguments")
        return arguments

    @property
    def model(self) -> str:
        return self.name or Path(self.path).name

    @property
    def folder(self) -> Path:
        return model_folder(self.path)

    @property
    def nature(self) -> Nature:
        return Nature.MEASURED if self.weights == "safetensors" else Nature.SIMULATED

    @property
    def scores(self) -> bool:
        return self.weights == "safetensors"

    @property
    def used_dtype(self) -> Dtype:
        """The number format that the weights are computed in."""
        return self.dtype or ("bfloat16" if self.gpus else "float32")

    def identity(self) -> dict[str, object]:
        return {
            "engine": self.engine,
            "dtype": self.used_dtype,
            "tensor_parallel": max(1, len(self.gpus)),
            "context": self.context,
            "eager": self.eager,
            "weights": self.weights,
            "chat": self.chat,
            "arguments": self.arguments,
        }

    @contextmanager
    def load(self) -> Iterator["VllmSession"]:
        tokenizing = None if self.weights == "dummy" else Tokenizing(self.folder, self.chat)
        llm = started(self)
        try:
            yield VllmSession(self, llm, tokenizing)
        finally:
            # The engine's processes hold the GPUs' memory; the next stage may need all of it.
            llm.llm_engine.engine_core.shutdown()
            del llm
            gc.collect()


class VllmSession:
    """A started vLLM with the model's tokenizer (None under dummy weights)."""

    def __init__(self, engine: VllmEngine, llm: "LLM", tokenizing: Tokenizing | None) -> None:
        """Warm up. Raises `EngineError`."""
        self.engine, self.llm, self.tokenizing = engine, llm, tokenizing
        self.ends = sorted(tokenizing.ends) if tokenizing else []
        self.longest = int(llm.model_config.max_model_len)
        # As wide as a batch: kernels that are compiled for a first one must not count as the cost of answers.
        idle = Prompt("warm-up", "", (min(self.ends, default=0),))
        self._ask([idle] * (engine.batch if engine.gpus else 1), Sampling(max_tokens=2))
        self.loaded = _loaded(engine, llm)

    def prompts(self, problems: Sequence[Problem]) -> list[Prompt]:
        if not self.tokenizing:
            raise EngineError(f"{self.engine.model} has dummy weights and answers only prompts given as token ids")
        return self.tokenizing.prompts(problems)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Generation]:
        began = time.monotonic()
        answers = self._ask(prompts, sampling)
        texts = self._texts([answer.outputs[0].token_ids for answer in answers], sampling.stop)
        busy_s = (time.monotonic() - began) / len(prompts)
        return [_generation(*one, busy_s) for one in zip(prompts, answers, texts, strict=True)]

    def score(self, prompts: Sequence[Prompt]) -> list[Generation]:
        from vllm import SamplingParams

        assert self.tokenizing, "an engine with dummy weights does not say that it scores"
        began = time.monotonic()
        choices = [self.tokenizing.choices(prompt) for prompt in prompts]
        pairs = [(prompt, one) for prompt, several in zip(prompts, choices, strict=True) for one in several]
        for prompt, one in pairs:
            self._limit(replace(prompt, token_ids=(*prompt.token_ids, *one)), 1)
        # Nothing is to be written, but vLLM writes at least one token.
        parameters = SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0, detokenize=False)
        answers = self._run([(*prompt.token_ids, *one) for prompt, one in pairs], [parameters] * len(pairs))
        found = iter(answers)
        busy_s = (time.monotonic() - began) / len(prompts)
        return [
            _scored(prompt, several, list(islice(found, len(several))), busy_s)
            for prompt, several in zip(prompts, choices, strict=True)
        ]

    def _ask(self, prompts: Sequence[Prompt], sampling: Sampling) -> "list[RequestOutput]":
        parameters = [self._parameters(prompt, sampling) for prompt in prompts]
        return self._run([prompt.token_ids for prompt in prompts], parameters)

    def _run(self, texts: Sequence[Sequence[int]], parameters: "list[SamplingParams]") -> "list[RequestOutput]":
        from vllm import TokensPrompt

        asked = [TokensPrompt(prompt_token_ids=list(ids)) for ids in texts]
        try:
            answers: list[RequestOutput] = self.llm.generate(asked, parameters, use_tqdm=False)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"{self.engine.model} failed while answering: {short(error)}") from error
        return answers

    def _parameters(self, prompt: Prompt, sampling: Sampling) -> "SamplingParams":
        from vllm import SamplingParams

        return SamplingParams(
            max_tokens=self._limit(prompt, sampling.max_tokens),
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=_seed(sampling.seed or 0, prompt.sample) if sampling.temperature > 0 else None,
            stop=list(sampling.stop),
            stop_token_ids=self.ends,
            ignore_eos=not self.tokenizing,
            detokenize=bool(sampling.stop),
            logprobs=2,
        )

    def _limit(self, prompt: Prompt, max_tokens: int) -> int:
        room = self.longest - len(prompt.token_ids)
        if room < 1 or not prompt.token_ids:
            raise EngineError(
                f"{prompt.sample} has {len(prompt.token_ids)} tokens and the model takes 1 to {self.longest - 1}"
            )
        return min(max_tokens, room)

    def _texts(self, answers: Sequence[Sequence[int]], stops: Sequence[str]) -> list[str]:
        return self.tokenizing.texts(answers, stops) if self.tokenizing else ["" for _ in answers]


def _generation(prompt: Prompt, answer: "RequestOutput", text: str, busy_s: float) -> Generation:
    completion, times = answer.outputs[0], answer.metrics
    if completion.finish_reason not in ("stop", "length") or times is None:
        raise EngineError(f"{prompt.sample} was not answered: {completion.finish_reason}")
    chosen, margins = _logprobs(completion)
    return Generation(
        text=text,
        token_ids=tuple(completion.token_ids),
        logprobs=summarize(chosen, margins),
        input_tokens=len(prompt.token_ids),
        output_tokens=len(completion.token_ids),
        finish_reason=completion.finish_reason,
        # The monotonic clock of vLLM's scheduler alone: `arrival_time` is wall clock and must not meet it.
        first_token_s=times.first_token_ts - times.queued_ts,
        queue_s=times.scheduled_ts - times.queued_ts,
        prefill_s=times.first_token_ts - times.scheduled_ts,
        decode_s=times.last_token_ts - times.first_token_ts,
        latency_s=times.last_token_ts - times.queued_ts,
        busy_s=busy_s,
    )


def _scored(
    prompt: Prompt, choices: Sequence[Sequence[int]], answers: "Sequence[RequestOutput]", busy_s: float
) -> Generation:
    """One answer out of the requests that scored a prompt's choices. Its times go from the first to the last."""
    times = [answer.metrics for answer in answers if answer.metrics is not None]
    if len(times) < len(choices):
        raise EngineError(f"{prompt.sample} was not scored")
    queued = min(one.queued_ts for one in times)
    return scored(
        prompt,
        choices,
        [_prompt_logprobs(answer, len(prompt.token_ids)) for answer in answers],
        input_tokens=len(prompt.token_ids),
        latency_s=max(one.first_token_ts for one in times) - queued,
        queue_s=min(one.scheduled_ts for one in times) - queued,
        busy_s=busy_s,
    )


def _prompt_logprobs(answer: "RequestOutput", start: int) -> list[float]:
    """The natural-log probabilities of the tokens that were asked with, from `start` on."""
    steps = list(zip(answer.prompt_token_ids or (), answer.prompt_logprobs or (), strict=True))
    return [step[token].logprob for token, step in steps[start:] if step is not None]


def _logprobs(completion: "CompletionOutput") -> tuple[list[float], list[float]]:
    """The chosen tokens' natural-log probabilities, and the distance of each to the best other token."""
    steps = list(zip(completion.token_ids, completion.logprobs or (), strict=True))
    chosen = [step[token].logprob for token, step in steps]
    others = [max(one.logprob for other, one in step.items() if other != token) for token, step in steps]
    return chosen, [mine - other for mine, other in zip(chosen, others, strict=True)]


def _seed(seed: int, sample: str) -> int:
    """A seed of the sample's own, so that its draws do not depend on its batch."""
    return int.from_bytes(sha256(f"{seed}:{sample}".encode()).digest()[:7])


def _loaded(engine: VllmEngine, llm: "LLM") -> Loaded:
    counted = llm.collective_rpc("asd_weight_bytes")
    parameters = _parameters(engine.folder)
    return Loaded(
        gpus=engine.gpus,
        tensor_parallel=max(1, len(engine.gpus)),
        dtype=engine.used_dtype,
        parameters=parameters,
        memory_bytes=sum(counted) if all(counted) else parameters * BYTES[engine.used_dtype],
    )


def _parameters(folder: Path) -> int:
    """How many the model has, tied ones once; from its shape alone."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)  # type: ignore[no-untyped-call]
    return sum(tensor.numel() for tensor in model.parameters())
