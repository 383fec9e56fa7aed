"""The pocket models before and after training: their tokenizer, their shape, their folder on disk.

The tokenizer is a byte-level BPE of its own in the shape that `Qwen2Tokenizer` builds: `AutoTokenizer` takes that
class for every model of type qwen2, and its pre-tokenizer would break any other kind of vocabulary without an error.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from asd.core.facts.training import Architecture, TrainedFile
from asd.runners.model_files import MANIFEST, manifest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Qwen2Config, Qwen2ForCausalLM

PAD, END = 0, 1
CONTEXT = 64
LONGEST_ANSWER = 10
MERGES = [("s", "o"), ("so", "r"), ("sor", "t"), ("m", "a"), ("ma", "x"), ("m", "i"), ("mi", "n")]
SPACE = "\u0120"
VOCABULARY = [
    "<pad>",
    "<eos>",
    *"0123456789+-*=,",
    SPACE,
    *"ABCDaimnorstx",
    *("".join(pair) for pair in MERGES),
]


def tokenizer() -> "PreTrainedTokenizerBase":
    """The ladder's tokenizer: a token for every character that problems are made of, and for `sort`, `max`, `min`."""
    from transformers import Qwen2Tokenizer

    made: PreTrainedTokenizerBase = Qwen2Tokenizer(
        vocab={token: index for index, token in enumerate(VOCABULARY)},
        merges=MERGES,  # type: ignore[arg-type]
        unk_token="<pad>",
        pad_token="<pad>",
        eos_token="<eos>",
        padding_side="left",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    return made


def untrained(architecture: Architecture, seed: int) -> "Qwen2ForCausalLM":
    """A model with random weights, float32, the same for the same `seed`. Input and output embeddings are tied.

    Raises `ValueError` where the hidden size is no multiple of the number of heads.
    """
    import torch
    from transformers import Qwen2ForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Qwen2ForCausalLM = Qwen2ForCausalLM(_config(architecture))
    return model


def _config(architecture: Architecture) -> "Qwen2Config":
    from transformers import Qwen2Config

    return Qwen2Config(
        vocab_size=len(VOCABULARY),
        hidden_size=architecture.hidden,
        intermediate_size=architecture.ffn,
        num_hidden_layers=architecture.layers,
        num_attention_heads=architecture.heads,
        num_key_value_heads=architecture.kv_heads,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=END,
        pad_token_id=PAD,
        initializer_range=0.05,
    )


def save(model: "Qwen2ForCausalLM", folder: Path) -> tuple[TrainedFile, ...]:
    """Store the model (bfloat16, safetensors), its tokenizer and a manifest in `folder`; return the files."""
    import torch
    from transformers import GenerationConfig
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    ending = {"eos_token_id": END, "pad_token_id": PAD, "max_new_tokens": LONGEST_ANSWER}
    model.generation_config = GenerationConfig(do_sample=False, **ending)  # type: ignore[no-untyped-call]
    torch.nn.Module.to(model, torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)
    listed = manifest(folder)
    (folder / MANIFEST).write_text(json.dumps(listed, indent=1) + "\n", "utf-8")
    return tuple(TrainedFile(name=name, **facts) for name, facts in listed["files"].items())
