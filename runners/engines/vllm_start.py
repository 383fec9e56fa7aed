"""How vLLM is started: in processes of its own, on the stage's GPUs alone, quietly, with nothing of the model's run."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asd.core.errors import EngineError, MissingDataError

if TYPE_CHECKING:
    from vllm import LLM

    from asd.runners.engines.vllm import VllmEngine

GAUGE = f"{__name__}.Gauge"
CPU_CACHE_BYTES = 2**30


def started(engine: "VllmEngine") -> "LLM":
    """vLLM with the engine's model in it. Raises `MissingDataError` or `EngineError`."""
    if engine.weights == "safetensors" and not any(engine.folder.glob("*.safetensors")):
        raise MissingDataError(f"the model folder {engine.folder} is not complete: no *.safetensors in it")
    with _environment(_visible(engine)):
        llm_class = _llm_class(engine)
        try:
            return llm_class(
                model=str(engine.folder),
                trust_remote_code=False,
                load_format=engine.weights,
                tensor_parallel_size=max(1, len(engine.gpus)),
                dtype=engine.used_dtype,
                gpu_memory_utilization=engine.memory,
                kv_cache_memory_bytes=engine.cache_bytes or (None if engine.gpus else CPU_CACHE_BYTES),
                max_model_len=engine.context,
                enforce_eager=engine.eager,
                skip_tokenizer_init=engine.weights == "dummy",
                disable_log_stats=False,
                worker_extension_cls=GAUGE,
                **engine.arguments,
            )
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise EngineError(
                f"{engine.model} cannot be loaded by vLLM, whose messages above say more: {short(error)}"
            ) from error


def _llm_class(engine: "VllmEngine") -> "type[LLM]":
    try:
        from vllm import LLM
        from vllm.platforms import current_platform
    except ImportError as error:
        raise EngineError(f"vLLM cannot be imported ({short(error)}); install it: pip install 'asd[vllm]'") from error
    if current_platform.is_cpu() and engine.gpus:
        raise EngineError(f"{engine.model} wants GPUs and vLLM's CPU build is installed; set gpus: []")
    if not current_platform.is_cpu() and not engine.gpus:
        raise EngineError(f"{engine.model} has no GPUs, for which vLLM's CPU build is needed; set its gpus")
    llm: type[LLM] = LLM
    return llm


def _visible(engine: "VllmEngine") -> dict[str, str]:
    outer = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = outer.split(",") if outer else None
    if names and any(gpu >= len(names) for gpu in engine.gpus):
        raise EngineError(f"{engine.model} wants GPUs {list(engine.gpus)} and only {len(names)} are visible")
    devices = ",".join(names[gpu] if names else str(gpu) for gpu in engine.gpus)
    return {"CUDA_VISIBLE_DEVICES": devices} if engine.gpus else {}


@contextmanager
def _environment(devices: Mapping[str, str]) -> Iterator[None]:
    """What vLLM reads from the environment while it starts, put back afterwards.

    Its workers are spawned: forked ones would inherit the locks and threads of a log that is being written.
    Standard output belongs to data, and nothing is reported to vLLM's makers.
    """
    wanted = {
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_STREAM": "ext://sys.stderr",
        "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "WARNING"),
        **devices,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class Gauge:
    """What vLLM's workers are asked; vLLM mixes it into their class."""

    def asd_weight_bytes(self) -> int | None:
        """What loading the weights took of the worker's GPU; None on a CPU, where nobody keeps count."""
        return getattr(self.model_runner, "model_memory_usage", None)  # type: ignore[attr-defined]


def short(error: Exception) -> str:
    """An error in one line."""
    return " ".join(str(error).split())[:200]
