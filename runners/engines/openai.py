"""Answers of any OpenAI-compatible server: `vllm serve`, llama.cpp, a hosted API.

Every answer is streamed, so that the time to its first token is known. A sample's time counts from its submission: what
it waited for a free place and for repeated attempts is its queue.
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from asd.core.errors import EngineError
from asd.core.event import JsonObject
from asd.runners.engines.base import Engine, Generation, Loaded, Prompt, Sampling
from asd.runners.engines.http_stream import RefusedError, UnreachableError, stream
from asd.runners.engines.logprobs import summarize
from asd.runners.engines.scoring import scored
from asd.runners.secrets import mask
from asd.runners.tasks.base import Problem, Turn

_LONGEST_PAUSE_S = 60.0


class OpenAiEngine(Engine):
    """A model that a server offers under the name `served`.

    `url` is the server's address up to `/v1`. The key is read from the environment variable `key_variable` and from
    nowhere else; a server without keys needs none. With `chat`, turns go to `chat/completions`, else texts go to
    `completions`. With `echo`, the server's completions can repeat a prompt with the log-probabilities of its tokens
    (those of `vllm serve` can, most hosted ones cannot), and given choices are scored so. At most `concurrency`
    requests are under way at once; one that the server is too busy for, or that fails on the way, is sent again up to
    `retries` times, after `pause_s`, then twice that, and so on.
    """

    engine: Literal["openai"] = "openai"
    url: str
    served: str
    name: str | None = None
    key_variable: str = "OPENAI_API_KEY"
    chat: bool = True
    logprobs: bool = True
    echo: bool = False
    concurrency: int = Field(default=8, ge=1)
    retries: int = Field(default=5, ge=0)
    pause_s: float = Field(default=1.0, gt=0)
    timeout_s: float = Field(default=600.0, gt=0)
    batch: int = Field(default=64, ge=1)

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("needs an address such as http://localhost:8000/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold no user, password or key; set the key in the environment")
        return url.rstrip("/")

    @property
    def model(self) -> str:
        return self.name or self.served

    @property
    def scores(self) -> bool:
        return self.echo

    def identity(self) -> dict[str, object]:
        fixed = {"engine": self.engine, "url": self.url, "served": self.served}
        return {**fixed, "chat": self.chat, "logprobs": self.logprobs}

    @contextmanager
    def load(self) -> Iterator["OpenAiSession"]:
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="asd-request") as pool:
            yield OpenAiSession(self, pool)


@dataclass(slots=True)
class Answering:
    """One answer as it comes in. Seconds are on the monotonic clock."""

    text: str = ""
    finish: str = ""
    chosen: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    usage: JsonObject = field(default_factory=dict)
    sent_at: float = 0.0
    first_at: float | None = None
    last_at: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether every token but the text's first has its log-probability."""
        counted = (self.usage.get(f"{part}_tokens") or 0 for part in ("prompt", "completion"))
        return len(self.chosen) == sum(counted) - 1


class OpenAiSession:
    """A server that answers. What it is made of cannot be told."""

    loaded = Loaded()

    def __init__(self, engine: OpenAiEngine, pool: ThreadPoolExecutor) -> None:
        """`pool` has as many threads as there may be requests under way."""
        self.engine, self.pool = engine, pool
        self.turns: dict[str, tuple[Turn, ...]] = {}

    def prompts(self, problems: Sequence[Problem]) -> list[Prompt]:
        return [self._prompt(problem) for problem in problems]

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Generation]:
        began = time.monotonic()
        answers = self._together([(prompt, self._body(prompt, sampling)) for prompt in prompts])
        busy_s = (time.monotonic() - began) / len(prompts)
        return [_generation(answer, began, busy_s) for answer in answers]

    def score(self, prompts: Sequence[Prompt]) -> list[Generation]:
        began = time.monotonic()
        # The prompt alone too: the server's count of its tokens says where those of a choice begin.
        texts = [(prompt, prompt.text + choice) for prompt in prompts for choice in ("", *prompt.choices)]
        answers = iter(self._together([(prompt, self._echo(text)) for prompt, text in texts]))
        busy_s = (time.monotonic() - began) / len(prompts)
        return [_choices(prompt, list(islice(answers, 1 + len(prompt.choices))), began, busy_s) for prompt in prompts]

    def _together(self, asked: Sequence[tuple[Prompt, JsonObject]]) -> list[Answering]:
        """Send all requests, as many at once as may be; where one fails, those that have not been sent never are."""
        waiting = [self.pool.submit(self._answer, prompt, body) for prompt, body in asked]
        try:
            return [one.result() for one in waiting]
        except BaseException:
            for one in waiting:
                one.cancel()
            raise

    def _prompt(self, problem: Problem) -> Prompt:
        if problem.choices or not self.engine.chat:
            return Prompt(problem.sample, problem.text, ())
        turns = problem.turns or (Turn("user", problem.text),)
        self.turns[problem.sample] = turns
        return Prompt(problem.sample, "\n".join(f"<{turn.speaker}> {turn.content}" for turn in turns), ())

    def _answer(self, prompt: Prompt, body: JsonObject) -> Answering:
        """One answer, with repeated attempts. Raises `EngineError` where the server refuses or stays away."""
        for attempt in range(self.engine.retries + 1):
            try:
                return self._attempt(body)
            except RefusedError as error:
                if not error.busy or attempt == self.engine.retries:
                    raise EngineError(f"{self._who(prompt)} was refused: {mask(str(error))}") from error
                pause_s = error.retry_after_s
            except UnreachableError as error:
                if attempt == self.engine.retries:
                    raise EngineError(f"{self._who(prompt)} could not be asked: {mask(str(error))}") from error
                pause_s = None
            time.sleep(min(_LONGEST_PAUSE_S, pause_s or self.engine.pause_s * 2**attempt))
        raise AssertionError("the last attempt returns or raises")

    def _who(self, prompt: Prompt) -> str:
        return f"{prompt.sample} at {self.engine.model}, {self.engine.url},"

    def _attempt(self, body: JsonObject) -> Answering:
        place = "chat/completions" if "messages" in body else "completions"
        answer = Answering(sent_at=time.monotonic())
        key = os.environ.get(self.engine.key_variable)
        for part in stream(f"{self.engine.url}/{place}", body, key, self.engine.timeout_s):
            _take(answer, part, time.monotonic())
        if not answer.finish:
            raise UnreachableError("the answer broke off")
        return answer

    def _body(self, prompt: Prompt, sampling: Sampling, *, chat: bool | None = None) -> JsonObject:
        body: JsonObject = {
            "model": self.engine.served,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if self.engine.chat if chat is None else chat:
            turns = [{"role": turn.speaker, "content": turn.content} for turn in self.turns[prompt.sample]]
            return body | {"messages": turns} | ({"logprobs": True, "top_logprobs": 2} if self.engine.logprobs else {})
        return body | {"prompt": prompt.text} | ({"logprobs": 2} if self.engine.logprobs else {})

    def _echo(self, text: str) -> JsonObject:
        body = self._body(Prompt("", text, ()), Sampling(max_tokens=1), chat=False)
        return body | {"echo": True, "logprobs": 1}


def _choices(prompt: Prompt, answers: Sequence[Answering], submitted: float, busy_s: float) -> Generation:
    """One answer out of the echoes of a prompt alone and with each choice. Raises `EngineError` where they are none."""
    alone, *echoes = answers
    start = int(alone.usage.get("prompt_tokens") or 0)
    # The first token of a text has no probability, so the echo has one value less than the text has tokens.
    found = [echo.chosen[start - 1 : int(echo.usage.get("prompt_tokens") or 0) - 1] for echo in echoes]
    if start < 1 or not all(found) or not all(echo.whole for echo in answers):
        raise EngineError(f"{prompt.sample}: the server does not echo prompts with log-probabilities; set echo: false")
    queue_s = min(one.sent_at for one in answers) - submitted
    latency_s = max(one.last_at for one in answers) - submitted
    tokens = [()] * len(found)
    return scored(prompt, tokens, found, input_tokens=start, latency_s=latency_s, queue_s=queue_s, busy_s=busy_s)


def _generation(answer: Answering, submitted: float, busy_s: float) -> Generation:
    first_at, sent = answer.first_at or answer.last_at, answer.sent_at
    return Generation(
        text=answer.text,
        token_ids=(),
        logprobs=summarize(answer.chosen, answer.margins),
        input_tokens=int(answer.usage.get("prompt_tokens") or 0),
        output_tokens=int(answer.usage.get("completion_tokens") or len(answer.chosen)),
        finish_reason=answer.finish,
        first_token_s=first_at - submitted,
        queue_s=sent - submitted,
        prefill_s=first_at - sent,
        decode_s=answer.last_at - first_at,
        latency_s=answer.last_at - submitted,
        busy_s=busy_s,
    )


def _take(answer: Answering, part: JsonObject, now: float) -> None:
    """Add one piece of the stream to the answer."""
    answer.usage = part.get("usage") or answer.usage
    for choice in part.get("choices") or ():
        piece = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
        if piece and answer.first_at is None:
            answer.first_at = now
        answer.last_at = now
        answer.text += piece
        answer.finish = choice.get("finish_reason") or answer.finish
        for chosen, others in _scored(choice.get("logprobs") or {}):
            answer.chosen.append(chosen)
            answer.margins += [chosen - max(others)] if others else []


def _scored(logprobs: JsonObject) -> Iterator[tuple[float, list[float]]]:
    """Each token's log-probability and those of the other tokens that the server names, from either kind of answer."""
    for one in logprobs.get("content") or ():
        yield one["logprob"], [o["logprob"] for o in one.get("top_logprobs") or () if o["token"] != one["token"]]
    named = logprobs.get("top_logprobs") or ()
    for place, chosen in enumerate(logprobs.get("token_logprobs") or ()):
        if chosen is not None:
            top = named[place] if place < len(named) else {}
            token = logprobs["tokens"][place]
            yield chosen, [value for other, value in (top or {}).items() if other != token]
