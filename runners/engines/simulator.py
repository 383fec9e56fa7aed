"""Made-up answers to real questions: a whole experiment rehearsed without a model, and marked so in every event.

A sample is hard or easy for all stages alike, and each stage adds luck of its own: the answer at stage i is right where
z_i = √ρ·h + √(1-ρ)·e_i lies below the standard normal quantile of the stage's accuracy, with h and e_i standard
normal (a Gaussian copula; Li 2000). So accuracies come out as set, stages agree as much as ρ says, and the
log-probabilities tell right from wrong about as well as real ones do. Everything is drawn from the seed and the
sample's name; times are drawn too, and nobody waits for them.
"""

import math
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal

from pydantic import Field

from asd.core.errors import EngineError
from asd.core.facts.run import Nature
from asd.core.facts.sample import Logprobs
from asd.runners.engines.base import Engine, Generation, Loaded, Prompt, Sampling
from asd.runners.engines.logprobs import LEVELS
from asd.runners.engines.scoring import scored
from asd.runners.tasks.base import Problem
from asd.runners.tasks.choices import LETTERS

_NORMAL = NormalDist()
_NUMBER = re.compile(r"\d+(?!.*\d)", re.DOTALL)
_OFFSETS = (1, 2, 10, 1, 5, 1)


class SimulatorEngine(Engine):
    """A stage that answers right as often as `accuracy` says, per task or for all others by "*".

    `first_token_s` and `token_s` are the mean times to the first token and for each further one, `words` how many
    tokens an answer has besides what the right one needs, `difficulty_share` is ρ above. Stages of one ladder share
    `seed`, else they would not agree on what is hard.
    """

    engine: Literal["simulator"] = "simulator"
    name: str
    accuracy: dict[str, float]
    seed: int = 0
    difficulty_share: float = Field(default=0.7, ge=0, le=1)
    first_token_s: float = Field(default=0.05, gt=0)
    token_s: float = Field(default=0.01, gt=0)
    words: int = Field(default=100, ge=0)
    parameters: int | None = None
    batch: int = Field(default=64, ge=1)

    @property
    def nature(self) -> Nature:
        return Nature.SIMULATED

    @property
    def scores(self) -> bool:
        return True

    @property
    def model(self) -> str:
        return self.name

    def identity(self) -> dict[str, object]:
        return self.model_dump(mode="json", exclude={"batch"})

    @contextmanager
    def load(self) -> Iterator["SimulatorSession"]:
        yield SimulatorSession(self, Loaded(dtype=None, parameters=self.parameters))


@dataclass
class SimulatorSession:
    """The questions that were asked so far, by sample, since an answer is made from the right one."""

    engine: SimulatorEngine
    loaded: Loaded
    problems: dict[str, Problem] = field(default_factory=dict)

    def prompts(self, problems: Sequence[Problem]) -> list[Prompt]:
        self.problems.update({problem.sample: problem for problem in problems})
        return [Prompt(problem.sample, problem.text, ()) for problem in problems]

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Generation]:
        return [self._generation(prompt, sampling) for prompt in prompts]

    def score(self, prompts: Sequence[Prompt]) -> list[Generation]:
        return [self._scored(prompt) for prompt in prompts]

    def _scored(self, prompt: Prompt) -> Generation:
        """The likeliest true choice leads the likeliest false one by as much as the stage is surer than it must be."""
        lead, luck = self._lead(prompt.sample, None)
        true = self.problems[prompt.sample].solution
        sums = [luck.gauss(-20, 4) for _ in prompt.choices]
        right = [value for letter, value in zip(LETTERS, sums, strict=False) if letter in true]
        others = [value for letter, value in zip(LETTERS, sums, strict=False) if letter not in true]
        shift = max(others, default=0.0) + lead - max(right, default=0.0)
        sums = [value + shift * (letter in true) for letter, value in zip(LETTERS, sums, strict=False)]
        counts = [_tokens(choice) for choice in prompt.choices]
        seconds = self.engine.first_token_s * luck.lognormvariate(-0.02, 0.2)
        return scored(
            prompt,
            [()] * len(sums),
            [[value / count] * count for value, count in zip(sums, counts, strict=True)],
            input_tokens=_tokens(prompt.text),
            latency_s=seconds,
            busy_s=seconds,
        )

    def _lead(self, sample: str, seed: int | None) -> tuple[float, random.Random]:
        """By how many standard deviations the stage is surer than it must be to be right, and its further luck."""
        engine = self.engine
        hardness = random.Random(f"{engine.seed}:{sample}").gauss()
        luck = random.Random(f"{engine.seed}:{sample}:{engine.name}:{seed}")
        z = math.sqrt(engine.difficulty_share) * hardness + math.sqrt(1 - engine.difficulty_share) * luck.gauss()
        return _NORMAL.inv_cdf(self._accuracy(sample)) - z, luck

    def _generation(self, prompt: Prompt, sampling: Sampling) -> Generation:
        engine, problem = self.engine, self.problems[prompt.sample]
        lead, luck = self._lead(prompt.sample, sampling.seed)
        taste = random.Random(f"{engine.seed}:{prompt.sample}:wrong")
        solution = _ending(problem.solution)
        text = solution if lead > 0 else wrong(solution, luck, taste)
        tokens = min(sampling.max_tokens, _tokens(text) + int(engine.words * luck.lognormvariate(-0.125, 0.5)) + 1)
        first_s = engine.first_token_s * luck.lognormvariate(-0.02, 0.2)
        decode_s = engine.token_s * (tokens - 1) * luck.lognormvariate(-0.005, 0.1)
        return Generation(
            text=text,
            token_ids=(),
            logprobs=logprobs(lead, tokens, luck),
            input_tokens=_tokens(prompt.text),
            output_tokens=tokens,
            finish_reason="length" if tokens == sampling.max_tokens else "stop",
            first_token_s=first_s,
            queue_s=0.0,
            prefill_s=first_s,
            decode_s=decode_s,
            latency_s=first_s + decode_s,
            busy_s=first_s + decode_s,
        )

    def _accuracy(self, sample: str) -> float:
        table = self.engine.accuracy
        found = table.get(sample.partition("/")[0], table.get("*"))
        if found is None or not 0 < found < 1:
            raise EngineError(f"{self.engine.name}: accuracy needs a value between 0 and 1 for {sample}, or for '*'")
        return found


def _tokens(text: str) -> int:
    """About as many tokens as English text has: one for four characters."""
    return len(text) // 4 + 1


def _ending(solution: str) -> str:
    """A worked solution's last line alone, else the solution: before another last number, its steps would tell that
    the answer is wrong, and a real model's wrong steps fit its answer."""
    steps, mark, number = solution.rpartition("####")
    return mark + number if steps else solution


def wrong(solution: str, luck: random.Random, taste: random.Random) -> str:
    """A wrong answer of the right one's kind: another letter, another last number, or code that does nothing.

    Each question has, by its `taste`, a wrong answer that is likelier than the others, as with real models: stages
    often agree on it, and nothing but the question tells which it is.
    """
    source = taste if luck.random() < 0.7 else luck
    if re.fullmatch(r"[A-Z](, [A-Z])*", solution):
        return source.choice([letter for letter in "ABCD" if letter not in solution] or ["E"])
    if _NUMBER.search(solution):
        offset = source.choice(_OFFSETS)
        return _NUMBER.sub(lambda match: str(int(match[0][-15:]) + offset), solution)
    return "    pass\n"


def logprobs(lead: float, tokens: int, luck: random.Random) -> Logprobs:
    """Log-probabilities as a model's that is `lead` (in standard deviations) surer than it needs to be to be right."""
    surprise = 0.05 + 0.35 / (1 + math.exp(math.tanh(lead) + luck.gauss(0, 0.8)))
    lowest = surprise * (1.5 + math.log1p(tokens)) * luck.lognormvariate(0, 0.2)
    points = tuple(-round(lowest * (1 - level) ** 2.5, 6) for level in LEVELS)
    first, last = (round(-luck.expovariate(1 / surprise), 6) for _ in range(2))
    mean = -round(min(surprise, lowest) * 0.8, 6)
    return Logprobs(mean=mean, first=first, last=last, quantiles=points, margin_mean=round(3 - 4 * surprise, 6))
