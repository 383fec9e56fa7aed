"""A small and complete run, made up: two tasks, three stages, two λ, two seeds. Every figure in it is simulated."""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from asd.core.event import Event
from asd.core.facts.analysis import (
    AblationMeasured,
    Interval,
    LambdaChosen,
    PolicyEvaluated,
    StatisticsComputed,
)
from asd.core.facts.cost import CostMeasured
from asd.core.facts.data import DatasetLoaded, SplitAssigned
from asd.core.facts.decision import PolicyFitted, SampleAnswered, StageEscalated
from asd.core.facts.environment import Cpu, EnvironmentCaptured, Git, Gpu
from asd.core.facts.model import FileCheck, ModelChecked, StageLoaded
from asd.core.facts.predictor import PredictorCalibrated, PredictorTrained, QualityPredicted, ReliabilityBin
from asd.core.facts.run import Hypothesis, Nature, PhaseFinished, PhaseStarted, RunFinished, RunPlanned, RunStarted
from asd.core.facts.sample import Logprobs, SampleGenerated, SampleGraded, SamplePlanned
from asd.core.facts.telemetry import DeviceSampled
from asd.store.memory import MemoryLog

TASKS = ("sums", "words")
STAGES = ("tiny", "small", "large")
SECONDS = (1.0, 2.0, 4.0)
LAMBDAS = (1.0, 4.0)
SEEDS = (42, 123)
SAMPLES = 12
HASH = "0" * 64


def log_of(events: Iterable[Event], run: str = "run-1", began: str = "2026-01-01T00:00:00+00:00") -> MemoryLog:
    """A log of `events` in the stream "main", one second between two of them."""
    start = datetime.fromisoformat(began).astimezone(UTC)
    seconds = count()
    log = MemoryLog(run, clock=lambda: start + timedelta(seconds=next(seconds)))
    for event in events:
        log.append("main", [event])
    return log


def run_events() -> Iterator[Event]:
    """The events of the run, in order."""
    yield RunStarted(
        runner="cascade",
        name="fixture",
        config={"lambdas": list(LAMBDAS), "predictor": {"hidden": [8, 4], "dropout": 0.2}},
        config_sha256=HASH,
        command=("asd-runner", "start", "fixture"),
        asd_version="0.1.0",
        durability="group",
        nature=Nature.SIMULATED,
    )
    yield from phase("preparation", preparation())
    for task in TASKS:
        yield from phase(task, answers(task))
    yield from phase("costs", costs())
    yield from phase("predictor", predictor())
    yield from phase("replay", decisions())
    yield from phase("statistics", statistics())
    yield RunFinished(duration_s=1000.0)


def phase(name: str, events: Iterator[Event]) -> Iterator[Event]:
    """`events` between the marks of the phase `name`."""
    yield PhaseStarted(phase=name)
    passed = list(events)
    yield from passed
    yield PhaseFinished(phase=name, duration_s=float(len(passed)))


def preparation() -> Iterator[Event]:
    """Environment, model files, datasets, samples, splits, plan."""
    yield environment()
    for stage, model in enumerate(STAGES):
        ok = FileCheck(
            name="model.safetensors",
            size_bytes=10,
            sha256=HASH,
            expected_size_bytes=10,
            expected_sha256=HASH,
            state="ok",
        )
        yield ModelChecked(
            stage=stage,
            model=model,
            path=f"models/{model}",
            against="manifest",
            files=(ok,),
            files_ok=1,
            files_total=1,
            weights_sha256=HASH,
        )
    for task in TASKS:
        yield DatasetLoaded(
            task=task,
            role="any",
            hub_path=f"made/{task}",
            config=None,
            split="test",
            samples=SAMPLES * 2,
            samples_used=SAMPLES,
            fingerprint=HASH,
            licence="CC0-1.0",
            loaded_from="code",
        )
        for sample in names(task):
            yield SamplePlanned(sample=sample, task=task, role="any", prompt=f"What is {sample}?", reference="1")
    for seed in SEEDS:
        for role, half in (("fit", slice(0, 6)), ("evaluate", slice(6, 12))):
            some = tuple(name for task in TASKS for name in names(task)[half])
            yield SplitAssigned(seed=seed, role=role, part=0, samples=some)
    yield RunPlanned(
        units={"generated": 72, "graded": 72, "answered": 48},
        lambdas=LAMBDAS,
        seeds=SEEDS,
        stages=STAGES,
        tasks=TASKS,
        alpha=0.01,
        confidence=0.95,
        retention_margin=0.98,
        hypotheses=(
            Hypothesis(name="accuracy-difference", question="Is it lower?", method="sign-flip", family="accuracy"),
        ),
    )


def environment() -> EnvironmentCaptured:
    """A machine with two accelerators."""
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
        cuda=None,
        driver=None,
        packages={"duckdb": "2.0.0", "pydantic": "2.14.3"},
        variables={"LANG": "C.UTF-8"},
        git=Git(
            commit="c" * 40,
            branch="main",
            clean=True,
            diff_sha256=None,
            remote="https://example.org/asd.git",
            committed_at="2026-01-01T00:00:00+00:00",
            author="A. Nonymous",
        ),
    )


def names(task: str) -> list[str]:
    """The samples of `task`."""
    return [f"{task}/test/{i}" for i in range(SAMPLES)]


def right(i: int, stage: int) -> bool:
    """Whether stage `stage` answers the `i`-th sample of a task rightly: more so at later stages."""
    return i % 4 < stage + 2 - (i % 5 == 0)


def answers(task: str) -> Iterator[Event]:
    """Every stage on every sample, graded; the answers' texts are as hostile as a model's can be."""
    for stage, model in enumerate(STAGES):
        yield StageLoaded(
            stage=stage,
            model=model,
            engine="made-up",
            nature=Nature.SIMULATED,
            gpus=(stage % 2,),
            tensor_parallel=1,
            dtype="float32",
            parameters=1000 * (stage + 1),
            memory_bytes=10**9 * (stage + 1),
            load_s=0.5,
        )
        yield DeviceSampled(
            device="gpu-0", utilization=0.5 + stage / 10, memory_used_bytes=10**9, memory_total_bytes=80 * 10**9
        )
        for i, sample in enumerate(names(task)):
            yield generated(task, sample, stage, model)
            yield SampleGraded(
                sample=sample,
                task=task,
                stage=stage,
                sampling_seed=None,
                correct=right(i, stage),
                extracted="1" if right(i, stage) else None,
                grader="exact/1",
            )


def generated(task: str, sample: str, stage: int, model: str) -> SampleGenerated:
    """One answer."""
    return SampleGenerated(
        sample=sample,
        task=task,
        stage=stage,
        model=model,
        sampling_seed=None,
        work=HASH,
        prompt_sha256=HASH,
        text="[/] \x1b[31m$x_1 & <b>|</b>\u202e",
        token_ids=(1, 2, 3),
        logprobs=Logprobs(mean=-0.5, first=-0.1, last=-0.2, quantiles=(-1.0, -0.1)),
        input_tokens=5,
        output_tokens=3,
        finish_reason="stop",
        first_token_s=0.1,
        queue_s=None,
        prefill_s=0.1,
        decode_s=SECONDS[stage] - 0.1,
        latency_s=SECONDS[stage],
        busy_s=SECONDS[stage],
        batch=1,
        nature=Nature.SIMULATED,
    )


def costs() -> Iterator[Event]:
    """What each stage costs."""
    for stage, model in enumerate(STAGES):
        yield CostMeasured(
            stage=stage,
            model=model,
            samples=24,
            mean_s=SECONDS[stage],
            mean_gpu_s=SECONDS[stage],
            relative_cost=SECONDS[stage],
            intercept_s=0.0,
            per_input_token_s=0.0,
            per_output_token_s=SECONDS[stage] / 3,
            theoretical_cost=float(stage + 1),
            policy_cost=SECONDS[stage],
            basis="measured",
        )


def predictor() -> Iterator[Event]:
    """Training, calibration and predictions for each seed."""
    for seed in SEEDS:
        yield PredictorTrained(
            seed=seed,
            file=f"predictor-{seed}.safetensors",
            sha256=HASH,
            features=("length",),
            hidden=(8, 4),
            dropout=0.2,
            samples=12,
            epochs=3,
            loss=0.6,
            train_s=1.0,
            torch_version="2.13.0",
        )
        for stage in range(len(STAGES)):
            yield PredictorCalibrated(
                seed=seed,
                stage=stage,
                method="platt",
                parameters={"a": 1.0, "b": 0.0},
                role="evaluate",
                samples=12,
                brier=0.2,
                log_loss=0.5,
                auroc=0.8,
                ece=0.05,
                reliability=(
                    ReliabilityBin(samples=6, predicted=0.3, observed=0.25),
                    ReliabilityBin(samples=6, predicted=0.8, observed=0.85),
                ),
            )
        for task in TASKS:
            for sample in names(task)[6:]:
                for stage in range(len(STAGES)):
                    yield QualityPredicted(sample=sample, stage=stage, seed=seed, q=0.4 + stage / 5, predict_s=1e-4)


def decisions() -> Iterator[Event]:
    """A policy per λ and seed; the larger λ goes further."""
    for lam in LAMBDAS:
        for seed in SEEDS:
            yield PolicyFitted(policy="optimal-stopping", lam=lam, seed=seed, samples=12, parameters={"bins": 4})
            for task in TASKS:
                for i, sample in list(enumerate(names(task)))[6:]:
                    yield from decided(task, i, sample, lam, seed)
    yield LambdaChosen(lam=4.0, rule="retention at least 0.98", retention=1.0, speedup=1.5, samples=12)


def decided(task: str, i: int, sample: str, lam: float, seed: int) -> Iterator[Event]:
    """The escalations and the answer of one sample."""
    stop = min(2, i % 3 if lam < 2 else i % 3 + (seed == SEEDS[0]))
    for stage in range(stop):
        yield StageEscalated(
            sample=sample,
            policy="optimal-stopping",
            lam=lam,
            seed=seed,
            stage=stage,
            next_stage=stage + 1,
            q=0.4,
            stop_value=0.6 * lam,
            go_value=0.5 * lam,
            cost=float(sum(SECONDS[: stage + 1])),
        )
    yield SampleAnswered(
        sample=sample,
        task=task,
        policy="optimal-stopping",
        lam=lam,
        seed=seed,
        stage=stop,
        answer_stage=stop,
        early=stop < 2,
        correct=right(i, stop),
        q=0.8,
        stop_value=0.2 * lam,
        go_value=None if stop == 2 else 0.3 * lam,
        cost=sum(SECONDS[: stop + 1]),
        baseline_cost=SECONDS[2],
        baseline_correct=right(i, 2),
        time_s=sum(SECONDS[: stop + 1]) + 1e-4,
        baseline_time_s=SECONDS[2],
        basis="replayed",
    )


def statistics() -> Iterator[Event]:
    """Answers to the planned questions, points of the comparison policies, an ablation."""
    for policy, setting, accuracy, cost in (
        ("single", "stage-0", 0.4, 0.25),
        ("single", "stage-2", 0.8, 1.0),
        ("optimal-stopping", "lambda-4", 0.75, 0.7),
    ):
        for seed in SEEDS:
            yield PolicyEvaluated(
                policy=policy,
                setting=setting,
                task="all",
                seed=seed,
                samples=12,
                correct=math.floor(12 * accuracy),
                accuracy=accuracy,
                cost=cost,
                early_stop_rate=0.5,
                basis="replayed",
                chosen=policy == "optimal-stopping",
            )
    for task in TASKS:
        for name in ("accuracy-difference", "speedup", "quality-retention"):
            yield StatisticsComputed(
                name=name,
                task=task,
                lam=4.0,
                method="made up",
                estimate=0.5,
                intervals=(
                    Interval(level=0.95, low=0.1, high=0.9, method="made up"),
                    Interval(level=0.99, low=0.05, high=0.95, method="made up"),
                ),
                p_value=0.25,
                p_adjusted=0.5,
                family="primary",
                effect_size=-0.1,
                effect="risk difference",
                samples=6,
                clusters=None,
                seeds=2,
                rng_seed=1,
                details={"b": 1, "c": 2},
                versions={"scipy": "1.16"},
                rests_on={"sample.answered": 48},
            )
    for task in (*TASKS, "all"):
        yield StatisticsComputed(
            name="accuracy-difference-posterior",
            task=task,
            lam=4.0,
            method="Dirichlet posterior of the paired table, prior ½ a cell",
            estimate=-0.2,
            intervals=(Interval(level=0.95, low=-0.6, high=0.2, method="highest density"),),
            p_value=None,
            p_adjusted=None,
            family="Bayesian view",
            effect_size=None,
            effect=None,
            samples=6,
            clusters=None,
            seeds=2,
            rng_seed=3,
            details={"seed": 42, "both": 3, "only_ours": 0, "only_baseline": 1, "neither": 2},
            versions={},
            rests_on={},
        )
    for arm, speedup in (("on", 1.5), ("off", 1.2)):
        yield AblationMeasured(
            ablation="quality predictor",
            arm=arm,
            samples=12,
            accuracy=0.75,
            quality_retention=0.95,
            speedup=speedup,
            cost_accuracy=0.9,
            basis="replayed",
            details={},
        )
