"""The transformers engine, on tiny models with random weights."""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from asd.core.errors import EngineError, MissingDataError
from asd.runners.engines.base import Generation, Sampling
from asd.runners.engines.transformers import TransformersEngine, TransformersSession
from asd.runners.tasks.base import Problem, Turn

LETTERS = "abcdefghijklmnopqrstuvwxyz +="
PROBLEMS = [Problem(f"toy/test/{n}", text, "") for n, text in enumerate(["a+b=", "hello you=", "z=", "abc+abc+abc="])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 2 layers with random weights, and a tokenizer of letters."""
    path = tmp_path_factory.mktemp("model")
    tokenizer = Tokenizer(models.WordLevel({"<eos>": 0, **{c: i + 1 for i, c in enumerate(LETTERS)}}, "<eos>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>").save_pretrained(path)
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(LETTERS) + 1, max_position_embeddings=40, eos_token_id=0, **sizes)
    LlamaForCausalLM(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def session(folder: Path) -> Iterator[TransformersSession]:
    with TransformersEngine(path=str(folder), threads=1).load() as loaded:
        yield loaded


def answers(session: TransformersSession, problems: list[Problem], sampling: Sampling) -> list[Generation]:
    return session.generate(session.prompts(problems), sampling)


def test_greedy_answers_are_those_of_transformers_own_generate(session: TransformersSession) -> None:
    for problem, answer in zip(PROBLEMS, answers(session, PROBLEMS, Sampling(max_tokens=12)), strict=True):
        ids = session.tokenizing.tokenizer(problem.prompt, return_tensors="pt").input_ids
        theirs = session.model.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=0)
        assert answer.token_ids == tuple(theirs[0, ids.shape[1] :].tolist())


def test_an_answer_does_not_depend_on_what_it_is_batched_with(session: TransformersSession) -> None:
    together = answers(session, PROBLEMS, Sampling(max_tokens=10))
    alone = [answers(session, [problem], Sampling(max_tokens=10))[0] for problem in PROBLEMS]
    assert [one.token_ids for one in together] == [one.token_ids for one in alone]


def test_a_sample_draws_the_same_tokens_in_any_batch(session: TransformersSession) -> None:
    sampling = Sampling(max_tokens=10, temperature=1.0, top_p=0.9, seed=3)
    together = answers(session, PROBLEMS, sampling)
    alone = [answers(session, [problem], sampling)[0] for problem in PROBLEMS]
    assert [one.token_ids for one in together] == [one.token_ids for one in alone]


def test_another_seed_draws_other_tokens(session: TransformersSession) -> None:
    drawn = [answers(session, PROBLEMS, Sampling(max_tokens=10, temperature=1.0, seed=seed)) for seed in (1, 2)]
    assert [one.token_ids for one in drawn[0]] != [one.token_ids for one in drawn[1]]


def test_a_vanishing_nucleus_draws_what_greedy_takes(session: TransformersSession) -> None:
    drawn = answers(session, PROBLEMS, Sampling(max_tokens=8, temperature=1.0, top_p=1e-9, seed=1))
    best = answers(session, PROBLEMS, Sampling(max_tokens=8))
    assert [one.token_ids for one in drawn] == [one.token_ids for one in best]


def test_log_probabilities_are_those_of_a_forward_pass_over_the_whole_text(session: TransformersSession) -> None:
    (prompt,) = session.prompts(PROBLEMS[1:2])
    (answer,) = session.generate([prompt], Sampling(max_tokens=6))
    with torch.inference_mode():
        logits = session.model(torch.tensor([[*prompt.token_ids, *answer.token_ids]])).logits[0]
    scores = logits.log_softmax(-1)[len(prompt.token_ids) - 1 : -1]
    chosen = scores.gather(1, torch.tensor(answer.token_ids)[:, None])[:, 0]
    others = scores.topk(2).values
    assert answer.logprobs is not None
    assert answer.logprobs.mean == pytest.approx(chosen.mean().item(), abs=1e-5)
    assert answer.logprobs.first == pytest.approx(chosen[0].item(), abs=1e-5)
    assert answer.logprobs.quantiles[0] == pytest.approx(chosen.min().item(), abs=1e-5)
    assert answer.logprobs.margin_mean == pytest.approx((others[:, 0] - others[:, 1]).mean().item(), abs=1e-5)


def test_the_times_of_a_sample_part_its_latency_and_its_batch(session: TransformersSession) -> None:
    for one in answers(session, PROBLEMS, Sampling(max_tokens=6)):
        assert one.first_token_s is not None
        assert one.prefill_s is not None
        assert one.decode_s is not None
        assert one.latency_s is not None
        assert one.busy_s is not None
        assert one.prefill_s + one.decode_s == pytest.approx(one.latency_s)
        assert 0 < one.first_token_s <= one.latency_s <= one.busy_s * len(PROBLEMS)


def test_a_stop_string_ends_an_answer_and_is_cut_off(session: TransformersSession) -> None:
    (whole,) = answers(session, PROBLEMS[:1], Sampling(max_tokens=12))
    stop = whole.text[3:5]
    (cut,) = answers(session, PROBLEMS[:1], Sampling(max_tokens=12, stop=(stop,)))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert (cut.finish_reason, cut.output_tokens) == ("stop", whole.text.index(stop) + len(stop))


def test_an_answer_that_reaches_the_limit_says_so(session: TransformersSession) -> None:
    (one,) = answers(session, PROBLEMS[:1], Sampling(max_tokens=3))
    assert (one.finish_reason, one.output_tokens) == ("length", 3)


def test_a_prompt_longer_than_the_model_takes_is_named(session: TransformersSession) -> None:
    with pytest.raises(EngineError, match="toy/test/9 has 50 tokens"):
        answers(session, [Problem("toy/test/9", "a" * 50, "")], Sampling())


def test_turns_go_through_the_chat_template_where_there_is_one(
    session: TransformersSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = "{% for m in messages %}{{ m.role[0] }} {{ m.content }}{% endfor %}="
    monkeypatch.setattr(session.tokenizing.tokenizer, "chat_template", template)
    monkeypatch.setattr(session.tokenizing, "chat", True)
    told = replace(PROBLEMS[0], turns=(Turn("user", "abc"),))
    assert [one.text for one in session.prompts([told, PROBLEMS[1]])] == ["u abc=", "hello you="]


def test_without_a_chat_template_the_context_is_read_before_the_prompt(session: TransformersSession) -> None:
    (prompt,) = session.prompts([replace(PROBLEMS[0], context="one ", turns=(Turn("user", "abc"),))])
    assert prompt.text == "one a+b="


CHOICES = (" abc", " z", "a", "hello you")


def scored(session: TransformersSession, problems: list[Problem]) -> list[Generation]:
    prompts = [replace(prompt, choices=CHOICES) for prompt in session.prompts(problems)]
    return session.score(prompts)


def test_a_choice_is_as_likely_as_its_tokens_one_after_the_other(session: TransformersSession) -> None:
    for problem, one in zip(PROBLEMS, scored(session, PROBLEMS), strict=True):
        for choice, found in zip(CHOICES, one.choice_logprobs, strict=True):
            ids = session.tokenizing.tokenizer(problem.prompt + choice, return_tensors="pt").input_ids
            after = len(problem.prompt)
            scores = session.model(ids).logits[0].log_softmax(-1).detach()
            expected = sum(float(scores[place - 1, ids[0, place]]) for place in range(after, ids.shape[1]))
            assert found == pytest.approx(expected, abs=1e-4)


def test_the_answer_of_scored_choices_is_the_likeliest_one(session: TransformersSession) -> None:
    (one,) = scored(session, PROBLEMS[:1])
    best = max(range(len(CHOICES)), key=lambda place: one.choice_logprobs[place])
    second = sorted(one.choice_logprobs)[-2]
    assert (one.text, one.finish_reason) == (CHOICES[best].strip(), "scored")
    assert (one.input_tokens, one.output_tokens) == (4, sum(map(len, CHOICES)))
    assert one.logprobs is not None
    assert one.logprobs.margin_mean == pytest.approx(one.choice_logprobs[best] - second)


def test_scores_do_not_depend_on_what_they_are_batched_with(session: TransformersSession) -> None:
    together = scored(session, PROBLEMS)
    for problem, one in zip(PROBLEMS, together, strict=True):
        assert scored(session, [problem])[0].choice_logprobs == pytest.approx(one.choice_logprobs, abs=1e-4)


def test_a_choice_too_long_for_the_model_is_named(session: TransformersSession) -> None:
    (prompt,) = session.prompts(PROBLEMS[:1])
    with pytest.raises(EngineError, match="toy/test/0 has 44 tokens"):
        session.score([replace(prompt, choices=("a" * 40,))])


def test_a_choice_without_tokens_is_named(session: TransformersSession) -> None:
    (prompt,) = session.prompts(PROBLEMS[:1])
    with pytest.raises(EngineError, match="without tokens"):
        session.score([replace(prompt, choices=("a", ""))])


def test_what_was_loaded_is_said(session: TransformersSession) -> None:
    parameters = sum(tensor.numel() for tensor in session.model.parameters())
    assert (session.loaded.parameters, session.loaded.dtype, session.loaded.gpus) == (parameters, "float32", ())
    assert session.loaded.memory_bytes is not None
    assert session.loaded.memory_bytes >= 4 * parameters


def test_leaving_a_session_frees_its_model_even_where_the_session_is_still_held(folder: Path) -> None:
    with TransformersEngine(path=str(folder)).load() as held:
        model = weakref.ref(held.model)
    assert held is not None
    assert model() is None


def test_a_missing_model_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="gone"), TransformersEngine(path=str(tmp_path / "gone")).load():
        pass


def test_weights_that_are_no_safetensors_are_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.suffix == ".json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save(LlamaForCausalLM.from_pretrained(folder).state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(MissingDataError, match="not complete"), TransformersEngine(path=str(tmp_path)).load():
        pass


def test_devices_and_batches_are_no_part_of_the_identity_but_the_number_format_is(folder: Path) -> None:
    engine = TransformersEngine(path=str(folder))
    assert engine.identity() == TransformersEngine(path=str(folder), batch=3, threads=1).identity()
    assert engine.identity() != TransformersEngine(path=str(folder), dtype="bfloat16").identity()
