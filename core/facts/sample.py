"""One sample: what was asked, the answer of each stage, and the grade that it got."""

from asd.core.event import Event, Fact, event_id
from asd.core.facts.run import Nature


def answer_name(sample: str, stage: int, sampling_seed: int | None) -> str:
    """How an answer is named: `sample@stage`, and `/draw-SEED` where it was sampled and not greedy."""
    return f"{sample}@{stage}" + ("" if sampling_seed is None else f"/draw-{sampling_seed}")


class Logprobs(Fact):
    """Natural-log probabilities of the chosen tokens, summed up. `quantiles` are the 0, 10, 25, 50, 75, 90, 100 %
    points; `margin_mean` is the mean distance from the chosen token to the best other one, or where given choices were
    scored, the distance from the likeliest choice's sum to the next one's."""

    mean: float
    first: float
    last: float
    quantiles: tuple[float, ...]
    margin_mean: float | None = None


class SamplePlanned(Event, kind="sample.planned", v=1, once=True):
    """A sample that every stage is going to answer: `prompt` is the question before any chat template, `reference`
    the right answer as the grader reads it, `cluster` the group of samples that are not independent of it."""

    sample: str
    task: str
    role: str
    prompt: str
    reference: str
    cluster: str | None = None

    @property
    def subject(self) -> str:
        return self.sample


class SampleGenerated(Event, kind="sample.generated", v=1, once=True):
    """A stage answered a sample.

    `work` names the work by content: weights, engine arguments, chat template, prompt token ids, sampling
    parameters, seed. `latency_s` is what the sample waited from submission to its last token; `busy_s` is its
    share of the engine's time (a batch's time divided among its samples), which is what costs are made of.
    `reused_from` names the run that did the work where this one took its answer and times over.
    `queue_s`, `prefill_s` and `decode_s` part `latency_s` where the engine can tell. Recorded answers have no times.
    Where given choices were scored and nothing was written, `choice_logprobs` holds each choice's natural-log
    probability (the sum over its tokens) in the order of the question's choices, `text` is the likeliest choice,
    `output_tokens` counts the tokens of all choices, and the finish reason is "scored".
    """

    sample: str
    task: str
    stage: int
    model: str
    sampling_seed: int | None
    work: str
    prompt_sha256: str
    text: str
    token_ids: tuple[int, ...]
    logprobs: Logprobs | None
    input_tokens: int
    output_tokens: int
    finish_reason: str
    first_token_s: float | None
    queue_s: float | None
    prefill_s: float | None
    decode_s: float | None
    latency_s: float | None
    busy_s: float | None
    batch: int
    nature: Nature
    reused_from: str | None = None
    choice_logprobs: tuple[float, ...] = ()

    @property
    def subject(self) -> str:
        return answer_name(self.sample, self.stage, self.sampling_seed)


class SampleGraded(Event, kind="sample.graded", v=1, once=True):
    """An answer was judged. `extracted` is what was read out of the text, None where nothing could be.

    Where a benchmark's own measure is a share and not right or wrong, `score` is that share, from 0 to 1, and
    `correct` is whether it is above ½.
    """

    sample: str
    task: str
    stage: int
    sampling_seed: int | None
    correct: bool
    extracted: str | None
    grader: str
    score: float | None = None

    @property
    def subject(self) -> str:
        return answer_name(self.sample, self.stage, self.sampling_seed)

    @property
    def cause(self) -> str:
        return event_id(SampleGenerated.kind, self.subject)


class SampleFailed(Event, kind="sample.failed", v=1):
    """A stage could not answer a sample, and why; it counts as a failed unit, never as a wrong answer."""

    sample: str
    task: str
    stage: int
    error: str
    message: str

    @property
    def subject(self) -> str:
        return f"{self.sample}@{self.stage}"
