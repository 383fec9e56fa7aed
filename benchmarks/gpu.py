"""What stages cost on a real GPU, measured with the product's own engines: a table, and every figure as JSON.

Two ladders. The pocket ladder, on vLLM and on transformers, answers the pocket problems greedily; the table says how
many answers of the two engines are equal. The Qwen2.5 shapes run on vLLM with dummy weights and random prompts: they
cost what the real models cost and answer nothing. The cost of a sample is `busy_s`: its batch's wall time divided
among the batch. Every round asks other prompts, so that none is found in vLLM's prefix cache.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import orjson
from gpu_table import SHAPES, Row, Shape, table
from gpu_watch import memory_used_bytes, watched
from rich.console import Console

from asd.core.errors import AsdError
from asd.runners.engines.base import Engine, Generation, Prompt, Sampling, Session
from asd.runners.engines.transformers import TransformersEngine, TransformersSession
from asd.runners.engines.vllm import VllmEngine
from asd.runners.gpus import driver
from asd.runners.tasks.pocket import Pocket

POCKET = tuple(f"pocket-s{stage}" for stage in range(4))
WIDTH = 200
POCKET_CACHE_BYTES = 2**28
VOCABULARY = 152_064


@dataclass(frozen=True)
class Workload:
    """What is asked of a shape: `rounds` batches after a first one that only warms up."""

    batch: int
    input_tokens: int
    output_tokens: int
    rounds: int


def main() -> int:
    """Measure what was asked for, row by row; a row that fails says why and the others go on."""
    options = _options()
    if options.show:
        Console(width=WIDTH).print(table(orjson.loads(options.show.read_bytes())["rows"]))
        return 0
    rows: list[Row] = []
    options.json.parent.mkdir(parents=True, exist_ok=True)
    for row in measured(options):
        rows.append(row)
        options.json.write_bytes(orjson.dumps(_record(options, rows), option=orjson.OPT_INDENT_2))
        Console(stderr=True).print(f"{row['ladder']} {row['model']} on {row['engine']}: {row.get('error', 'done')}")
    Console(width=WIDTH).print(table(rows))
    return int(any("error" in row for row in rows))


def measured(options: argparse.Namespace) -> Iterator[Row]:
    """One row a stage, engine and batch size; stages are loaded and freed one after the other."""
    if "pocket" in options.ladders:
        yield from _pocket(options)
    if "shapes" in options.ladders:
        work = [Workload(batch, options.input, options.output, options.rounds) for batch in options.batches]
        for name in options.shapes:
            yield from _shape(name, work, options)


def _pocket(options: argparse.Namespace) -> Iterator[Row]:
    for name in options.stages:
        path = f"{options.pocket}/{name}"
        kept: dict[str, list[Generation]] = {}
        engines: list[Engine] = [
            _vllm(options, path=path, batch=options.pocket_batch, cache_bytes=POCKET_CACHE_BYTES),
            TransformersEngine(path=path, device=f"cuda:{options.gpus[0]}", batch=options.pocket_batch),
        ]
        for engine in engines:
            row: Row = {"ladder": "pocket", "model": name, "engine": engine.engine, "batch": engine.batch}
            yield from _guarded(row, _pocket_row(engine, options, kept))
        if len(kept) == len(engines):
            yield {"ladder": "pocket", "model": name, "engine": "both", **_compared(engines[1], *kept.values())}


def _pocket_row(engine: Engine, options: argparse.Namespace, kept: dict[str, list[Generation]]) -> Iterator[Row]:
    task = Pocket()
    problems = next(one.problems for one in task.datasets() if one.role == "evaluate")
    sampling = Sampling(max_tokens=task.max_tokens)
    began = time.monotonic()
    with engine.load() as session:
        load_s = time.monotonic() - began
        prompts = session.prompts(problems)
        batches = [prompts[at : at + engine.batch] for at in range(0, len(prompts), engine.batch)]
        session.generate(batches[-1], sampling)
        with watched(options.gpus) as readings:
            answers = [answer for batch in batches for answer in session.generate(batch, sampling)]
        kept[engine.engine] = answers
        right = [task.grade(*one).correct for one in zip(problems, (a.text for a in answers), strict=True)]
        told = {"load_s": load_s, "correct": sum(right), **_loaded(session), "nvml": readings.summary()}
        yield {**told, **_figures(answers)}


def _compared(judge: Engine, ours: Sequence[Generation], theirs: Sequence[Generation]) -> Row:
    """How many answers have the same tokens, and for the others how much likelier, as a natural logarithm, the
    judge's model finds its own token than the other engine's where they part."""
    problems = next(one.problems for one in Pocket().datasets() if one.role == "evaluate")
    with judge.load() as session:
        assert isinstance(session, TransformersSession)
        pairs = zip(session.prompts(problems), ours, theirs, strict=True)
        margins = [_parting(session, *pair) for pair in pairs if pair[1].token_ids != pair[2].token_ids]
    return {"samples": len(ours), "equal": len(ours) - len(margins), "margins": sorted(margins)}


def _parting(session: TransformersSession, prompt: Prompt, ours: Generation, theirs: Generation) -> float:
    import torch

    mine, other = theirs.token_ids, ours.token_ids
    place = next((i for i, both in enumerate(zip(mine, other, strict=False)) if both[0] != both[1]), None)
    if place is None:
        return float("nan")
    text = torch.tensor([[*prompt.token_ids, *mine[:place]]], device=session.model.device)
    with torch.inference_mode():
        scores = session.model(text).logits[0, -1].float().log_softmax(-1)
    return float(scores[mine[place]] - scores[other[place]])


def _vllm(options: argparse.Namespace, **fields: object) -> VllmEngine:
    told = {"gpus": options.gpus, "eager": options.eager, "arguments": options.vllm, **fields}
    return VllmEngine.model_validate(told)


def _shape(name: str, work: Sequence[Workload], options: argparse.Namespace) -> Iterator[Row]:
    size, _, layers = name.partition("/")
    shape = replace(SHAPES[size], num_hidden_layers=int(layers)) if layers else SHAPES[size]
    row: Row = {"ladder": "shapes", "model": f"Qwen2.5-{name}", "engine": "vllm", "layers": shape.num_hidden_layers}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_bytes(orjson.dumps(_config(shape)))
        context = max(one.input_tokens + one.output_tokens for one in work)
        engine = _vllm(options, path=folder, name=name, weights="dummy", context=context)
        yield from _guarded(row, _shape_rows(engine, work, options.gpus))


def _shape_rows(engine: VllmEngine, work: Sequence[Workload], gpus: Sequence[int]) -> Iterator[Row]:
    before, began = memory_used_bytes(gpus[0]), time.monotonic()
    with engine.load() as session:
        told: Row = {"load_s": time.monotonic() - began, "memory_before_bytes": before, **_loaded(session)}
        for one in work:
            sampling = Sampling(max_tokens=one.output_tokens)
            rounds = [_prompts(one, number) for number in range(one.rounds + 1)]
            session.generate(rounds[0], sampling)
            with watched(gpus) as readings:
                answers = [answer for prompts in rounds[1:] for answer in session.generate(prompts, sampling)]
            yield {**told, **asdict(one), **_figures(answers), "nvml": readings.summary()}


def _guarded(row: Row, figures: Iterator[Row]) -> Iterator[Row]:
    try:
        for told in figures:
            yield {**row, **told}
    except AsdError as error:
        yield {**row, "error": str(error)}


def _prompts(work: Workload, number: int) -> list[Prompt]:
    drawn = random.Random(number)
    return [
        Prompt(f"random/{number}/{place}", "", tuple(drawn.choices(range(1000, VOCABULARY), k=work.input_tokens)))
        for place in range(work.batch)
    ]


def _config(shape: Shape) -> Row:
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": VOCABULARY,
        "tie_word_embeddings": False,
        "max_position_embeddings": 32768,
        "rope_theta": 1e6,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "torch_dtype": "bfloat16",
        **asdict(shape),
    }


def _loaded(session: Session) -> Row:
    return {**asdict(session.loaded)}


def _figures(answers: Sequence[Generation]) -> Row:
    """Medians over samples in seconds, and the tokens that the samples have in the mean."""
    names = ("busy_s", "first_token_s", "queue_s", "prefill_s", "decode_s", "latency_s")
    times = {name: [value for one in answers if (value := getattr(one, name)) is not None] for name in names}
    tokens = {name: sum(getattr(one, name) for one in answers) for name in ("input_tokens", "output_tokens")}
    spread = sorted(set(times["busy_s"]))
    return {
        "samples": len(answers),
        **{name: median(values) if values else None for name, values in times.items()},
        "busy_s_least": spread[0],
        "busy_s_most": spread[-1],
        **{f"{name}_mean": count / len(answers) for name, count in tokens.items()},
        "output_tokens_per_s": tokens["output_tokens"] / sum(times["busy_s"]),
    }


def _record(options: argparse.Namespace, rows: Sequence[Row]) -> Row:
    with driver() as nvml:
        gpus = [one.model_dump() for one in nvml.gpus()]
        machine = {"gpus": gpus, "driver": nvml.version(), "cuda": nvml.cuda(), "python": sys.version.split()[0]}
    packages = {name: _version(name) for name in ("asd", "vllm", "torch", "transformers", "triton")}
    asked = {name: str(value) for name, value in vars(options).items()}
    return {"at": datetime.now(UTC).isoformat(), "machine": machine, "packages": packages, "asked": asked, "rows": rows}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path("build/gpu.json"), help="where every figure goes")
    parser.add_argument("--show", type=Path, help="print the table of such a file and measure nothing")
    parser.add_argument("--ladders", nargs="+", default=["pocket", "shapes"], choices=["pocket", "shapes"])
    parser.add_argument("--pocket", default="asd:pocket", help="the folder with pocket-s0 to pocket-s3")
    parser.add_argument("--pocket-batch", type=int, default=64)
    parser.add_argument(
        "--shapes", nargs="+", default=["7B", "14B", "32B", "72B/20", "72B/40"], help="72B/40: 40 layers of it"
    )
    parser.add_argument("--gpus", nargs="+", type=int, default=[0], help="all of them for every stage")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--input", type=int, default=512, help="tokens of a prompt")
    parser.add_argument("--output", type=int, default=128, help="tokens of an answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--eager", action="store_true", help="no compilation and no CUDA graphs in vLLM")
    parser.add_argument("--vllm", type=json.loads, default={}, metavar="JSON", help="further arguments of vllm.LLM")
    parser.add_argument("--stages", nargs="+", default=list(POCKET), help="of the pocket ladder")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
