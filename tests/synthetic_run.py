"""A made-up run of any size, and a process that writes it at a chosen rate. Every figure in it is simulated.

As a program: `python tests/synthetic_run.py STORE/RUN --rate 200 --samples 400`; Ctrl-C leaves the run unfinished.
"""

import argparse
import random
import time
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

from asd.core.event import Event
from asd.core.facts.analysis import LambdaChosen
from asd.core.facts.data import DatasetLoaded, SplitAssigned
from asd.core.facts.decision import SampleAnswered, StageEscalated
from asd.core.facts.environment import Cpu, EnvironmentCaptured, Gpu
from asd.core.facts.model import StageLoaded
from asd.core.facts.predictor import QualityPredicted
from asd.core.facts.run import Nature, PhaseFinished, PhaseStarted, RunFinished, RunPlanned, RunStarted
from asd.core.facts.sample import Logprobs, SampleFailed, SampleGenerated, SampleGraded, SamplePlanned
from asd.core.facts.telemetry import DeviceSampled

STAGES = ("toy-7b", "toy-14b", "toy-32b", "toy-72b")
LAMBDAS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
SEEDS = (42, 123, 456, 789, 999)
TASKS = ("gsm8k", "mmlu", "humaneval", "truthfulqa")
HOSTILE = "So [bold]x[/] = 3 [/] [@click=app.quit]here[/] \x1b[31mred\x1b[0m \u202egnirts\u202c \x07 {0} 答え"
HASH = "0" * 64


class Made:
    """The events of a made-up run: `samples` a task, always the same for the same `seed`."""

    def __init__(self, samples: int = 40, tasks: int = 2, lambdas: int = 3, seeds: int = 2, seed: int = 7) -> None:
        self.samples, self.seed = samples, seed
        self.tasks, self.lambdas, self.seeds = TASKS[:tasks], LAMBDAS[:lambdas], SEEDS[:seeds]

    def events(self) -> Iterator[Event]:
        """The run from start to end."""
        yield self.started()
        yield from _phase("data preparation", self._prepared())
        for stage, model in enumerate(STAGES):
            yield from _phase("stage loading", [_loaded(stage, model)])
            for task in self.tasks:
                yield from _phase(task, self._generated(stage, task))
        for seed in self.seeds:
            yield from _phase("predictor", self._predicted(seed))
        yield LambdaChosen(lam=self.lambdas[-1], rule="made up", retention=0.99, speedup=1.9, samples=10)
        for seed in self.seeds:
            yield from _phase("replay", self._decided(seed))
        yield RunFinished(duration_s=1.0)

    def started(self) -> RunStarted:
        """The first event."""
        return RunStarted(
            runner="cascade",
            name="made-up",
            config={"lambdas": list(self.lambdas), "seeds": list(self.seeds)},
            config_sha256=HASH,
            command=("asd-runner", "start", "made-up"),
            asd_version="0.1.0",
            durability="group",
            nature=Nature.SIMULATED,
        )

    def names(self, task: str) -> list[str]:
        """The samples of a task."""
        return [f"{task}/test/{i}" for i in range(self.samples)]

    def judged(self, task: str) -> list[str]:
        """Those that decisions are made on."""
        return self.names(task)[self.samples // 2 :]

    def _prepared(self) -> Iterator[Event]:
        yield _environment()
        for task in self.tasks:
            yield _dataset(task, self.samples)
            for name in self.names(task):
                question = f"How many {name.split('/')[-1]} apples? {HOSTILE}"
                yield SamplePlanned(sample=name, task=task, role="any", prompt=question, reference="3")
        for seed in self.seeds:
            judged = tuple(name for task in self.tasks for name in self.judged(task))
            yield SplitAssigned(seed=seed, role="evaluate", part=0, samples=judged)
        answers = self.samples * len(self.tasks) * len(STAGES)
        decisions = sum(len(self.judged(task)) for task in self.tasks) * len(self.seeds) * len(self.lambdas)
        yield RunPlanned(
            units={"generated": answers, "graded": answers, "answered": decisions},
            lambdas=self.lambdas,
            seeds=self.seeds,
            stages=STAGES,
            tasks=self.tasks,
            alpha=0.01,
            confidence=0.95,
            retention_margin=0.98,
            hypotheses=(),
        )

    def _right(self, name: str, stage: int) -> bool:
        return self._chance(name, "difficulty") < 0.55 + 0.12 * stage

    def _chance(self, *what: object) -> float:
        return random.Random(f"{self.seed} {what}").random()

    def _generated(self, stage: int, task: str) -> Iterator[Event]:
        for i, name in enumerate(self.names(task)):
            if i % 10 == 0:
                yield from _readings(stage, self._chance(stage, task, i))
            if stage == 1 and i == 5:
                yield SampleFailed(sample=name, task=task, stage=stage, error="EngineError", message="made up [/]")
                continue
            yield self._answer(name, task, stage)
            right = self._right(name, stage)
            yield SampleGraded(
                sample=name,
                task=task,
                stage=stage,
                sampling_seed=None,
                correct=right,
                extracted="3" if right else None,
                grader="exact/1",
            )

    def _answer(self, name: str, task: str, stage: int) -> SampleGenerated:
        busy = (1.5, 2.9, 6.2, 12.5)[stage] * (0.5 + self._chance(name, stage))
        return SampleGenerated(
            sample=name,
            task=task,
            stage=stage,
            model=STAGES[stage],
            sampling_seed=None,
            work=sha256(f"{name}@{stage}".encode()).hexdigest(),
            prompt_sha256=HASH,
            text=f"Stage {stage} thinks about {name}.\n{HOSTILE}\n#### 3" + " and so on" * 40,
            token_ids=tuple(range(60)),
            logprobs=Logprobs(mean=-0.3, first=-0.1, last=-0.2, quantiles=(-3.0, -1.0, -0.5, -0.1, 0.0, 0.0, 0.0)),
            input_tokens=80,
            output_tokens=60 + int(60 * self._chance(name, "length")),
            finish_reason="stop",
            first_token_s=busy * 0.1,
            queue_s=None,
            prefill_s=busy * 0.1,
            decode_s=busy * 0.9,
            latency_s=busy,
            busy_s=busy,
            batch=1,
            nature=Nature.SIMULATED,
        )

    def _quality(self, name: str, stage: int, seed: int) -> float:
        return 0.5 * self._right(name, stage) + 0.5 * self._chance(name, stage, seed)

    def _predicted(self, seed: int) -> Iterator[Event]:
        for task in self.tasks:
            for name in self.names(task):
                for stage in range(len(STAGES)):
                    q = self._quality(name, stage, seed)
                    yield QualityPredicted(sample=name, stage=stage, seed=seed, q=q, predict_s=0.001)

    def _decided(self, seed: int) -> Iterator[Event]:
        for lam in self.lambdas:
            for task in self.tasks:
                for name in self.judged(task):
                    yield from self._decision(name, task, lam, seed)

    def _decision(self, name: str, task: str, lam: float, seed: int) -> Iterator[Event]:
        cost = 0.0
        for stage, price in enumerate((1.0, 2.0, 4.2, 8.5)):
            cost, q = cost + price, self._quality(name, stage, seed)
            stop, go = lam * (1 - q), 0.4 * price
            common = {"sample": name, "policy": "optimal-stopping", "lam": lam, "seed": seed, "stage": stage, "q": q}
            if stop > go and stage < len(STAGES) - 1:
                yield StageEscalated(**common, next_stage=stage + 1, stop_value=stop, go_value=go, cost=cost)
                continue
            yield SampleAnswered(
                **common,
                task=task,
                answer_stage=stage,
                early=stage < len(STAGES) - 1,
                correct=self._right(name, stage),
                stop_value=stop,
                go_value=go if stage < len(STAGES) - 1 else None,
                cost=cost,
                baseline_cost=8.5,
                baseline_correct=self._right(name, len(STAGES) - 1),
                time_s=cost * 1.5,
                baseline_time_s=12.5,
                basis="replayed",
            )
            return


def _phase(name: str, events: Iterable[Event]) -> Iterator[Event]:
    yield PhaseStarted(phase=name)
    yield from events
    yield PhaseFinished(phase=name, duration_s=0.5)


def _environment() -> EnvironmentCaptured:
    return EnvironmentCaptured(
        gpus=tuple(Gpu(index=i, name="Made-up 80GB", memory_bytes=80 * 10**9) for i in range(2)),
        cpu=Cpu(model="made up", architecture="x86_64", cores=2, threads=4, usable=2),
        memory_bytes=8 * 2**30,
        memory_available_bytes=4 * 2**30,
        disk_bytes=10**12,
        disk_used_bytes=10**11,
        os="Linux",
        kernel="6.1",
        python="3.11.7",
        cuda="13.0",
        driver="600.1",
        packages={"duckdb": "2.0.0", "evil[/]": "1\x1b[2J"},
        variables={"LANG": "C.UTF-8"},
        git=None,
    )


def _dataset(task: str, samples: int) -> DatasetLoaded:
    return DatasetLoaded(
        task=task,
        role="any",
        hub_path=f"made/{task}",
        config=None,
        split="test",
        samples=samples,
        samples_used=samples,
        fingerprint=HASH,
        licence="CC0-1.0",
        loaded_from="code",
    )


def _loaded(stage: int, model: str) -> StageLoaded:
    return StageLoaded(
        stage=stage,
        model=model,
        engine="made-up",
        nature="simulated",
        gpus=(stage % 2,),
        tensor_parallel=1,
        dtype="bfloat16",
        parameters=7_000_000_000 * (stage + 1),
        memory_bytes=14 * 10**9 * (stage + 1),
        load_s=0.5,
    )


def _readings(stage: int, chance: float) -> Iterator[DeviceSampled]:
    for gpu in range(2):
        yield DeviceSampled(
            device=f"gpu-{gpu}",
            utilization=0.4 + 0.6 * chance if gpu == stage % 2 else 0.02,
            memory_used_bytes=int(14e9 * (stage + 1)),
            memory_total_bytes=80 * 10**9,
            temperature_c=50 + 30 * chance,
            power_w=200 + 400 * chance,
            throttle_reasons=("hw_thermal",) if chance > 0.95 else (),
        )
    yield DeviceSampled(device="host", utilization=chance, memory_used_bytes=4 * 2**30, memory_total_bytes=8 * 2**30)


def write(path: Path, events: Iterable[Event], rate: float) -> None:
    """Append `events` to the run in `path`, `rate` a second (0: as fast as it goes), in fifty groups a second."""
    from asd.store.files import FileLog

    group = max(1, int(rate / 50)) if rate else 500
    rest, began, done = iter(events), time.monotonic(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLog(path) as log:
        while some := list(islice(rest, group)):
            log.append("main", some)
            done += len(some)
            if rate:
                time.sleep(max(0.0, began + done / rate - time.monotonic()))


def main() -> None:
    """Write a run; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rate", type=float, default=200)
    for name, number in (("samples", 40), ("tasks", 2), ("lambdas", 3), ("seeds", 2), ("stop-after", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--ahead", action="store_true", help="make every event before the first is written")
    given = parser.parse_args()
    events = islice(Made(given.samples, given.tasks, given.lambdas, given.seeds).events(), given.stop_after or None)
    write(given.path, list(events) if given.ahead else events, given.rate)


if __name__ == "__main__":
    main()
