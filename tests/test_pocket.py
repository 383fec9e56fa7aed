"""The pocket ladder: its problems, its training, and the models that are shipped."""

import random
import re
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from itertools import islice
from pathlib import Path

import orjson
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from asd.core.errors import UsageError
from asd.core.event import Event, decode
from asd.core.facts.training import Architecture, ModelTrained, TrainingProgressed, TrainingStarted
from asd.runners import model_files, pocket_models
from asd.runners.base import flat
from asd.runners.config import load_runner
from asd.runners.engines.base import Sampling
from asd.runners.engines.transformers import TransformersEngine
from asd.runners.pocket_fitting import IGNORED, LOWEST, Lesson, batches, rate
from asd.runners.pocket_train import PocketTraining, Pupil
from asd.runners.tasks import pocket_problems
from asd.runners.tasks.base import Problem as Question
from asd.runners.tasks.pocket_problems import (
    FAMILIES,
    LEVELS,
    MOST_PER_CELL,
    SPLITS,
    Family,
    problems,
    split_of,
    stream,
)

SHIPPED = Path(str(files("asd.runners"))) / "pocket"
STAGES = ("pocket-s0", "pocket-s1", "pocket-s2", "pocket-s3")
EVENLY: dict[Family, float] = dict.fromkeys(FAMILIES, 1.0)
TINY = Architecture(hidden=32, layers=1, heads=1, kv_heads=1, ffn=32)
SHORT = Lesson(families=EVENLY, steps=30, batch=16, warm_up=3, cool_down=10)


# The problems


@given(seeds=st.tuples(*(st.integers(0, 10**9) for _ in SPLITS)))
@settings(max_examples=20, deadline=None)
def test_splits_have_no_prompt_in_common_whatever_their_seeds(seeds: tuple[int, ...]) -> None:
    drawn = [{one.prompt for one in problems(split, 5, seed)} for split, seed in zip(SPLITS, seeds, strict=True)]
    assert sum(map(len, drawn)) == len(set[str]().union(*drawn))


@given(seed=st.integers(0, 10**9))
@settings(max_examples=20, deadline=None)
def test_training_draws_no_prompt_of_another_split(seed: int) -> None:
    assert {split_of(prompt) for prompt, _ in islice(stream("train", seed, EVENLY), 300)} == {"train"}


def test_every_family_and_level_gives_as_many_problems_as_may_be_asked_for() -> None:
    asked = problems("fit", MOST_PER_CELL, 3)
    assert len({one.prompt for one in asked}) == len(asked) == MOST_PER_CELL * len(FAMILIES) * len(LEVELS)


def test_more_problems_than_there_are_is_refused() -> None:
    with pytest.raises(UsageError, match=f"at most {MOST_PER_CELL}"):
        problems("test", MOST_PER_CELL + 1, 3)


def test_a_larger_set_of_problems_keeps_those_of_a_smaller_one() -> None:
    assert set(problems("test", 3, 11)) < set(problems("test", 7, 11))


def test_names_of_problems_are_unique_over_splits_and_seeds() -> None:
    names = [one.id for split in SPLITS for seed in (1, 2) for one in problems(split, 4, seed)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("family", FAMILIES)
@given(level=st.sampled_from(LEVELS), seed=st.integers(0, 10**9))
@settings(max_examples=100, deadline=None)
def test_an_answer_is_the_one_that_its_prompt_asks_for(family: Family, level: int, seed: int) -> None:
    prompt, answer = pocket_problems.draw(family, level, random.Random(seed))
    assert answer == solved(prompt)


def solved(prompt: str) -> str:
    """A prompt's answer by another way than the one that made it."""
    text = prompt.removesuffix("=")
    if text.startswith("sort "):
        return "".join(digit * text.count(digit) for digit in "0123456789")
    if text[:4] in ("max ", "min "):
        values = {option[0]: valued(option[1:]) for option in text[4:].split(",")}
        return (max if text.startswith("max") else min)(values, key=lambda letter: values[letter])
    return f"{valued(text):0{4 if len(text) == 9 and text[4] in '+-' else 2}d}"


def valued(text: str) -> int:
    """The value of a sum, difference or product of whole numbers."""
    if "*" in text:
        left, right = text.split("*")
        return int(left) * int(right)
    return sum(int(term) for term in re.findall(r"[+-]?\d+", text))


# Training


@given(
    steps=st.integers(1, 2_000),
    warm_up=st.integers(0, 300),
    cool_down=st.integers(0, 600),
    share=st.floats(0, 1),
)
def test_the_learning_rate_stays_within_its_bounds(steps: int, warm_up: int, cool_down: int, share: float) -> None:
    lesson = Lesson(families=EVENLY, steps=steps, warm_up=warm_up, cool_down=cool_down)
    assert LOWEST <= rate(min(steps - 1, int(share * steps)), lesson) <= 1.0


def test_only_answers_and_their_ends_are_learned() -> None:
    tokenizer = pocket_models.tokenizer()
    inputs, targets = next(batches(tokenizer, SHORT, 5))
    for row, wanted in zip(inputs.tolist(), targets.tolist(), strict=True):
        text = tokenizer.decode([token for token in row if token not in (pocket_models.PAD, pocket_models.END)])
        prompt, answer = text[: text.index("=") + 1], text[text.index("=") + 1 :]
        assert split_of(prompt) == "train"
        learned = [token for token in wanted if token != IGNORED]
        assert (tokenizer.decode(learned[:-1]), learned[-1]) == (answer, pocket_models.END)


@pytest.fixture
def runner(tmp_path: Path) -> PocketTraining:
    stages = tuple(Pupil(model=name, shape=TINY, lesson=SHORT) for name in ("tiny-a", "tiny-b"))
    return PocketTraining(stages=stages, report_every=10, check_per_cell=2).at(tmp_path)


def weights(events: list[Event]) -> list[str]:
    found = [one for event in events if isinstance(event, ModelTrained) for one in event.files]
    return [one.sha256 for one in found if one.name == "model.safetensors"]


def test_a_training_run_tells_its_start_its_progress_and_its_end(runner: PocketTraining) -> None:
    kinds = [event.kind for event in flat(runner.run(()))]
    stage = ["training.started", *["training.progressed"] * 3, "model.trained"]
    assert kinds == ["environment.captured", *stage, *stage]


def test_training_lowers_the_loss(runner: PocketTraining) -> None:
    told = [event for event in flat(runner.run(())) if isinstance(event, TrainingProgressed)]
    assert told[2].loss < told[0].loss


def test_the_same_seed_trains_the_same_weights_and_stages_have_seeds_of_their_own(
    runner: PocketTraining,
) -> None:
    first, second = (weights(list(flat(runner.run(())))) for _ in range(2))
    assert first == second
    assert first[0] != first[1]


def test_an_interrupted_training_goes_on_with_the_missing_stage_to_the_same_weights(
    runner: PocketTraining,
) -> None:
    whole = list(flat(runner.run(())))
    cut = next(n for n, event in enumerate(whole) if isinstance(event, TrainingProgressed) and event.stage == 1)
    rest = list(flat(runner.run(whole[:cut])))
    assert [event.stage for event in rest if isinstance(event, TrainingStarted)] == [1]
    assert weights(whole[:cut]) + weights(rest) == weights(whole)


def test_a_finished_training_does_nothing(runner: PocketTraining) -> None:
    whole = list(flat(runner.run(())))
    assert list(runner.run(whole)) == []


def test_what_training_stores_is_what_its_event_names(runner: PocketTraining) -> None:
    for event in flat(runner.run(())):
        if isinstance(event, ModelTrained):
            checked = model_files.check(event.stage, event.model, runner.files / event.folder)
            assert {file.name: file.sha256 for file in checked.files} == {one.name: one.sha256 for one in event.files}


# The shipped ladder


@pytest.fixture(scope="module", params=range(len(STAGES)), ids=STAGES)
def stage(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


def test_shipped_files_are_those_of_their_manifests(stage: int) -> None:
    checked = model_files.check(stage, STAGES[stage], SHIPPED / STAGES[stage])
    assert (checked.against, checked.files_ok) == ("manifest", checked.files_total)


def test_the_ladder_is_at_most_six_megabytes() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) <= 6_000_000


def test_the_shipped_shapes_are_those_of_the_shipped_configuration(stage: int) -> None:
    runner = load_runner("pocket-train")
    assert isinstance(runner, PocketTraining)
    pupil = runner.stages[stage]
    model = AutoModelForCausalLM.from_pretrained(SHIPPED / pupil.model)
    same = pocket_models.untrained(pupil.shape, 0)
    assert {n: p.shape for n, p in model.named_parameters()} == {n: p.shape for n, p in same.named_parameters()}


def test_a_reloaded_tokenizer_gives_the_ids_that_training_used(stage: int) -> None:
    reloaded, own = AutoTokenizer.from_pretrained(SHIPPED / STAGES[stage]), pocket_models.tokenizer()
    texts = [text for one in problems("test", 20, 4) for text in (one.prompt, one.answer)]
    ids = reloaded(texts)["input_ids"]
    assert ids == own(texts)["input_ids"]
    assert reloaded.batch_decode(ids) == texts
    assert (reloaded.padding_side, reloaded.pad_token_id, reloaded.eos_token_id) == ("left", 0, 1)


def test_words_and_characters_are_single_tokens() -> None:
    tokens = pocket_models.tokenizer().tokenize("sort 10=")
    assert tokens == ["sort", pocket_models.SPACE, "1", "0", "="]


@pytest.fixture(scope="module")
def accuracies() -> list[float]:
    """The shipped stages' accuracies on 400 problems that neither training nor choices about it have seen."""
    return [sum(answered(name)) / 400 for name in STAGES]


def answered(name: str) -> Iterator[bool]:
    asked = problems("test", 20, 31)
    with TransformersEngine(path=str(SHIPPED / name), threads=1).load() as session:
        prompts = session.prompts([Question(one.id, one.prompt, one.answer) for one in asked])
        answers = session.generate(prompts, Sampling(max_tokens=24))
    yield from (answer.text == one.answer for answer, one in zip(answers, asked, strict=True))


def test_every_stage_is_better_than_the_one_before_it(accuracies: list[float]) -> None:
    assert accuracies == sorted(set(accuracies))


def test_the_last_stage_is_almost_always_right(accuracies: list[float]) -> None:
    assert accuracies[-1] > 0.93


def test_transformers_own_generate_answers_alike_one_by_one_and_padded() -> None:
    folder = SHIPPED / STAGES[0]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompts = [one.prompt for one in problems("test", 1, 8)]
    together = model.generate(**tokenizer(prompts, return_tensors="pt", padding=True))
    for prompt, answer in zip(prompts, tokenizer.batch_decode(together, skip_special_tokens=True), strict=True):
        alone = model.generate(**tokenizer(prompt, return_tensors="pt"))[0]
        assert tokenizer.decode(alone, skip_special_tokens=True) == answer


def test_the_record_of_the_training_names_the_weights_that_ship() -> None:
    folder = files("asd.runners").joinpath("pocket")
    lines = [orjson.loads(line) for line in folder.joinpath("training.jsonl").read_text("utf-8").splitlines()]
    events = [decode(line["kind"], line["v"], line["data"]) for line in lines]
    trained = {
        one.model: {file.name: file.sha256 for file in one.files} for one in events if isinstance(one, ModelTrained)
    }
    for model in ("pocket-s0", "pocket-s1", "pocket-s2", "pocket-s3"):
        weights = folder.joinpath(model, "model.safetensors").read_bytes()
        assert trained[model]["model.safetensors"] == sha256(weights).hexdigest()
