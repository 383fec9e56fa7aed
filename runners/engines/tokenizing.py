"""A local model's tokenizer: prompts by its chat template, texts from its tokens, and the tokens that end an answer.

Shared by the engines that run a model from a folder, so that the same problem has the same token ids in each.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asd.core.errors import EngineError, MissingDataError
from asd.runners.engines.base import Prompt
from asd.runners.tasks.base import Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Tokenizing:
    """The tokenizer of a model folder. `chat` says whether the chat template is used (None: where there is one)."""

    def __init__(self, folder: Path, chat: bool | None) -> None:
        """Read the folder's tokenizer; no code of the model's runs. Raises `MissingDataError`."""
        self.tokenizer = _tokenizer(folder)
        self.chat = chat if chat is not None else self.tokenizer.chat_template is not None
        self.ends = _ends(folder, self.tokenizer)

    def prompts(self, problems: Sequence[Problem]) -> list[Prompt]:
        """The problems as the model will see them."""
        return [self._prompt(problem) for problem in problems]

    def choices(self, prompt: Prompt) -> list[tuple[int, ...]]:
        """The token ids of each choice where it follows the prompt, as lm-evaluation-harness counts them: what the
        whole text has beyond the prompt's tokens. Raises `EngineError` for a choice without any."""
        before = len(self._ids(prompt.text))
        found = [self._ids(prompt.text + choice)[before:] for choice in prompt.choices]
        if not all(found):
            raise EngineError(f"{prompt.sample} has a choice without tokens of its own; leave the sample out")
        return found

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def texts(self, answers: Sequence[Sequence[int]], stops: Sequence[str]) -> list[str]:
        """The answers' texts without special tokens, each cut before the first of `stops`."""
        texts: list[str] = self.tokenizer.batch_decode([list(ids) for ids in answers], skip_special_tokens=True)
        return [_cut(text, stops) for text in texts]

    def stopped(self, token_ids: Sequence[int], stops: Sequence[str]) -> bool:
        """Whether an answer that grew by one token now ends in one of `stops`."""
        # A character takes at most four byte tokens, so a stop string lies within so many of the last tokens.
        tail = list(token_ids[-4 * max(map(len, stops)) - 4 :])
        text = str(self.tokenizer.decode(tail, skip_special_tokens=True))
        return any(stop in text for stop in stops)

    def _prompt(self, problem: Problem) -> Prompt:
        if not (self.chat and problem.turns):
            return Prompt(problem.sample, problem.text, tuple(self.tokenizer(problem.text)["input_ids"]))
        turns = [{"role": turn.speaker, "content": turn.content} for turn in problem.turns]
        text = str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        return Prompt(problem.sample, text, tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"]))


def _cut(text: str, stops: Sequence[str]) -> str:
    ends = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        return tokenizer
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise MissingDataError(f"the model folder {folder} is not complete: {reason}") from error


def _ends(folder: Path, tokenizer: "PreTrainedTokenizerBase") -> frozenset[int]:
    configured = _configured_end(folder)
    several = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in [*several, tokenizer.eos_token_id] if isinstance(token, int))


def _configured_end(folder: Path) -> object:
    from transformers import AutoConfig, GenerationConfig

    try:
        return GenerationConfig.from_pretrained(folder, local_files_only=True).eos_token_id
    except OSError:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        return getattr(config, "eos_token_id", None)
