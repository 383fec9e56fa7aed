"""The vllm engine, on vLLM's CPU build and the pocket ladder; `make test-vllm` has an environment for it.

What needs vLLM is skipped where vLLM is not installed.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from pydantic import ValidationError

from asd.core.errors import EngineError, MissingDataError
from asd.core.facts.run import Nature
from asd.runners.engines.base import Generation, Prompt, Sampling
from asd.runners.engines.transformers import TransformersEngine, TransformersSession
from asd.runners.engines.vllm import VllmEngine, VllmSession
from asd.runners.tasks.base import Problem
from asd.runners.tasks.pocket import Pocket

PROBLEMS = [one for data in Pocket(fit_per_cell=1, evaluate_per_cell=3).datasets() for one in data.problems]
SMALL_MARGIN = 1e-3
"""In natural logarithms; float32 arithmetic in another order moves a log-probability by about 1e-5."""


def engine(stage: str, **fields: object) -> VllmEngine:
    """A stage of the pocket ladder, small and quick to start."""
    told = {"path": f"asd:pocket/{stage}", "gpus": (), "eager": True, "cache_bytes": 2**24, **fields}
    return VllmEngine.model_validate(told)


def processes() -> set[int]:
    """The processes that this one started and that still run, but for Python's own tracker of shared memory."""
    found = set()
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if one.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(one.cmdline()):
                found.add(one.pid)
    return found


@pytest.fixture(scope="module", params=["pocket-s0", "pocket-s1", "pocket-s2", "pocket-s3"])
def session(request: pytest.FixtureRequest) -> Iterator[VllmSession]:
    """Each stage in turn, loaded and freed; nothing of a stage may be left when the next one is loaded."""
    pytest.importorskip("vllm", reason="vLLM is not installed; make test-vllm tests it in an environment of its own")
    before = processes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHDYNAMO_DISABLE", "1")  # compiling the sampler takes longer than all of these tests
        with engine(request.param).load() as loaded:
            yield loaded
    assert processes() <= before


@pytest.fixture(scope="module")
def judge(session: VllmSession) -> Iterator[TransformersSession]:
    """The same stage in the other engine."""
    with TransformersEngine(path=session.engine.path, threads=2).load() as loaded:
        yield loaded


def answers(session: VllmSession, problems: Sequence[Problem], sampling: Sampling) -> list[Generation]:
    return session.generate(session.prompts(problems), sampling)


def margin(judge: TransformersSession, prompt: Prompt, mine: Sequence[int], other: Sequence[int]) -> float:
    """How much likelier the judge finds its own token than the other engine's, where the two answers part."""
    import torch

    place = next(i for i in range(len(mine)) if mine[i] != other[i])
    with torch.inference_mode():
        logits = judge.model(torch.tensor([[*prompt.token_ids, *mine[:place]]])).logits[0, -1]
    scores = logits.float().log_softmax(-1)
    return float(scores[mine[place]] - scores[other[place]])


def test_a_problem_has_the_same_tokens_in_both_engines(session: VllmSession, judge: TransformersSession) -> None:
    assert session.prompts(PROBLEMS) == judge.prompts(PROBLEMS)


def test_greedy_answers_are_equal_or_part_at_a_tie(session: VllmSession, judge: TransformersSession) -> None:
    prompts, sampling = session.prompts(PROBLEMS), Sampling(max_tokens=24)
    ours, theirs = session.generate(prompts, sampling), judge.generate(prompts, sampling)
    parted = {
        one.sample: margin(judge, one, b.token_ids, a.token_ids)
        for one, a, b in zip(prompts, ours, theirs, strict=True)
        if a.token_ids != b.token_ids
    }
    assert all(abs(value) < SMALL_MARGIN for value in parted.values()), parted
    same = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.token_ids == b.token_ids]
    assert [(a.text, a.finish_reason) for a, _ in same] == [(b.text, b.finish_reason) for _, b in same]
    for a, b in same:
        assert a.logprobs is not None
        assert b.logprobs is not None
        assert a.logprobs.quantiles == pytest.approx(b.logprobs.quantiles, abs=SMALL_MARGIN)
        assert a.logprobs.margin_mean == pytest.approx(b.logprobs.margin_mean, abs=SMALL_MARGIN)


def test_the_times_of_a_sample_are_in_order_and_part_its_latency(session: VllmSession) -> None:
    several = answers(session, PROBLEMS, Sampling(max_tokens=8))
    for one in several:
        times = (one.queue_s, one.prefill_s, one.decode_s, one.first_token_s, one.latency_s, one.busy_s)
        queue, prefill, decode, first, latency, busy = (-1.0 if time is None else time for time in times)
        assert min(queue, decode) >= 0
        assert prefill > 0
        assert first == pytest.approx(queue + prefill)
        assert latency == pytest.approx(first + decode)
        assert latency <= busy * len(several)


def test_a_seed_draws_the_same_again_and_another_draws_otherwise(session: VllmSession) -> None:
    drawn = [
        [one.token_ids for one in answers(session, PROBLEMS, Sampling(max_tokens=8, temperature=1.5, seed=seed))]
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_answer_that_reaches_the_limit_says_so(session: VllmSession) -> None:
    (one,) = answers(session, PROBLEMS[:1], Sampling(max_tokens=1))
    assert (one.finish_reason, one.output_tokens, len(one.token_ids)) == ("length", 1, 1)


def test_a_stop_string_ends_an_answer_and_is_cut_off(session: VllmSession, judge: TransformersSession) -> None:
    whole = next(one for one in answers(session, PROBLEMS, Sampling(max_tokens=24)) if len(one.text) > 2)
    sampling = Sampling(max_tokens=24, stop=(whole.text[1:2],))
    ours = answers(session, PROBLEMS, sampling)
    theirs = judge.generate(judge.prompts(PROBLEMS), sampling)
    assert [(one.text, one.token_ids) for one in ours] == [(one.text, one.token_ids) for one in theirs]
    assert whole.text[:1] in {one.text for one in ours}


def test_choices_are_as_likely_in_both_engines(session: VllmSession, judge: TransformersSession) -> None:
    prompts = [replace(prompt, choices=("12", "7", "0123")) for prompt in session.prompts(PROBLEMS)]
    for ours, theirs in zip(session.score(prompts), judge.score(prompts), strict=True):
        assert ours.choice_logprobs == pytest.approx(theirs.choice_logprobs, abs=SMALL_MARGIN)
        assert (ours.output_tokens, ours.finish_reason) == (theirs.output_tokens, "scored") == (7, "scored")
        assert (ours.queue_s or 0.0) + (ours.prefill_s or 0.0) == pytest.approx(ours.latency_s)


def test_a_prompt_longer_than_the_model_takes_is_named(session: VllmSession) -> None:
    with pytest.raises(EngineError, match="pocket/9 has 90 tokens"):
        answers(session, [Problem("pocket/9", "1" * 90, "")], Sampling())


def test_what_was_loaded_is_said(session: VllmSession, judge: TransformersSession) -> None:
    ours, theirs = session.loaded, judge.loaded
    assert (ours.gpus, ours.tensor_parallel, ours.dtype) == ((), 1, "float32")
    assert (ours.parameters, ours.dtype) == (theirs.parameters, theirs.dtype)
    assert ours.memory_bytes == 4 * (ours.parameters or 0)


def test_gpus_are_refused_where_vllm_has_none() -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed; make test-vllm tests it in an environment of its own")
    platforms = pytest.importorskip("vllm.platforms")
    if not platforms.current_platform.is_cpu():
        pytest.skip("this vLLM was built for GPUs")
    with pytest.raises(EngineError, match=r"gpus: \[\]"), engine("pocket-s0", gpus=(0,)).load():
        pass


def test_a_stage_on_gpus_that_are_not_visible_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    with pytest.raises(EngineError, match="only 2 are visible"), engine("pocket-s0", gpus=(2, 3)).load():
        pass


def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    for file in engine("pocket-s0").folder.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(MissingDataError, match=r"no \*\.safetensors"), engine("x", path=str(tmp_path)).load():
        pass


def test_the_models_own_code_cannot_be_let_in_by_an_argument() -> None:
    with pytest.raises(ValidationError, match="trust_remote_code"):
        engine("pocket-s0", arguments={"trust_remote_code": True})


def test_devices_and_batches_are_no_part_of_the_identity_but_how_a_model_is_split_is() -> None:
    one = engine("pocket-s0", gpus=(0,))
    assert one.identity() == engine("pocket-s0", gpus=(3,), batch=7, memory=0.5).identity()
    assert one.identity() != engine("pocket-s0", gpus=(0, 1)).identity()
    assert one.identity() != engine("pocket-s0", gpus=(0,), arguments={"quantization": "fp8"}).identity()


def test_dummy_weights_are_marked_as_simulated() -> None:
    assert engine("pocket-s0").nature is Nature.MEASURED
    assert engine("pocket-s0", weights="dummy").nature is Nature.SIMULATED
