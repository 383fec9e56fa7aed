"""Answers of a local model through vLLM's offline `LLM`: batched by its own scheduler, on one or more GPUs."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from asd.runners.engines.base import Engine
from asd.runners.model_folders import model_folder

Dtype = Literal["float32", "bfloat16", "float16"]


class VllmBase(Engine):
    """A model from a folder, or a hub's model that was downloaded before, on a set of GPUs of its own.

    Only safetensors are read and no code of the model's runs. `gpus` are the stage's GPUs, counted among those that
    are visible; the model is split over all of them (tensor parallel), and with none vLLM's CPU build is meant.
    """

    engine: Literal["vllm"] = "vllm"
    path: str
    name: str | None = None
    gpus: tuple[int, ...] = (0,)
    dtype: Dtype = "bfloat16"
    chat: bool | None = None
    batch: int = Field(default=64, ge=1)

    @property
    def model(self) -> str:
        return self.name or Path(self.path).name

    @property
    def folder(self) -> Path:
        return model_folder(self.path)

    def identity(self) -> dict[str, object]:
        return {"engine": self.engine, "dtype": self.dtype, "chat": self.chat}
