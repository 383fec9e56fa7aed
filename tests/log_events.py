"""Events for tests of the log."""

from asd.core.facts.run import Nature, PhaseFinished, PhaseStarted
from asd.core.facts.sample import Logprobs, SampleFailed, SampleGenerated, SampleGraded

ODD_TEXTS = ("", "plain", 'quotes " and \\ backslash', "two\nlines\t\x1b[31m", "日本語 🤖 \u202e", "\x00 and \x7f")


def graded(number: int, *, correct: bool = True, extracted: str | None = "7") -> SampleGraded:
    """A fact that is stated once, about sample `number`."""
    return SampleGraded(
        sample=f"gsm8k/test/{number}",
        task="gsm8k",
        stage=number % 4,
        sampling_seed=None,
        correct=correct,
        extracted=extracted,
        grader="test",
    )


def started(phase: str = "generation") -> PhaseStarted:
    """A fact that may be stated any number of times."""
    return PhaseStarted(phase=phase)


def finished(phase: str = "generation") -> PhaseFinished:
    """Another of the same sort."""
    return PhaseFinished(phase=phase, duration_s=0.25)


def failed(number: int, message: str) -> SampleFailed:
    """A fact with a free text."""
    return SampleFailed(sample=f"s/{number}", task="t", stage=0, error="ValueError", message=message)


def generated(number: int, text: str = "She makes 9 * 2 = $18 every day. " * 12) -> SampleGenerated:
    """An event of the usual size: about 1.5 KB as a line."""
    return SampleGenerated(
        sample=f"gsm8k/test/{number}",
        task="gsm8k",
        stage=number % 4,
        model="qwen2.5-7b",
        sampling_seed=None,
        work=f"{number:064x}",
        prompt_sha256=f"{number * 7:064x}",
        text=text,
        token_ids=tuple((number * 31 + 977 * place) % 50_000 for place in range(60)),
        logprobs=Logprobs(mean=-0.31, first=-0.1, last=-0.02, quantiles=(-4.5, -1.1, -0.4, -0.1, -0.02, -0.0, -0.0)),
        input_tokens=180,
        output_tokens=60,
        finish_reason="stop",
        first_token_s=0.021 + number * 1e-6,
        queue_s=0.0,
        prefill_s=0.02,
        decode_s=0.3,
        latency_s=0.32 + number * 1e-6,
        busy_s=0.04,
        batch=8,
        nature=Nature.MEASURED,
    )
