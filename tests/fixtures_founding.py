"""The example run of the requirement for the record, entered as events: its figures contradict each other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, count

from fixtures_run import generated

from asd.core.event import Event
from asd.core.facts.analysis import Interval, PolicyEvaluated, StatisticsComputed
from asd.core.facts.decision import SampleAnswered
from asd.core.facts.run import Nature, PhaseFinished, RunFinished, RunPlanned, RunStarted
from asd.store.memory import MemoryLog

PHASES = {
    "environment capture": 0.8,
    "data preparation": 127.0,
    "MMLU": 7234.0,
    "GSM8K": 1456.0,
    "HumanEval": 234.0,
    "TruthfulQA": 678.0,
    "statistics": 89.0,
    "log completion": 12.0,
}
TOTAL_S = 11671


def founding_log() -> MemoryLog:
    """The run's log: it starts at 14:30:52 and ends 11,671 s later."""
    began = datetime(2024, 12, 8, 14, 30, 52, 123456, UTC)
    ticks = chain([0], (1 + i / 1e6 for i in count()))
    log = MemoryLog("founding", clock=lambda: began + timedelta(seconds=next(ticks)))
    for event in founding_events():
        log.append("main", [event])
    ticks = iter([TOTAL_S])
    log.append("main", [RunFinished(duration_s=TOTAL_S)])
    return log


def founding_events() -> Iterator[Event]:
    """What the example claims, as the facts that claim it."""
    yield RunStarted(
        runner="cascade",
        name="founding",
        config={},
        config_sha256="0" * 64,
        command=(),
        asd_version="0",
        durability="group",
        nature=Nature.SIMULATED,
    )
    yield RunPlanned(
        units={"answered": 30 * 14_042},
        lambdas=(0.1, 0.5, 1, 2, 5, 10),
        seeds=(42, 123, 456, 789, 999),
        stages=("qwen2.5-7b", "qwen2.5-14b", "qwen2.5-32b", "qwen2.5-72b"),
        tasks=("MMLU", "GSM8K", "HumanEval", "TruthfulQA"),
        alpha=0.01,
        confidence=0.95,
        retention_margin=0.9,
        hypotheses=(),
    )
    for phase, duration_s in PHASES.items():
        yield PhaseFinished(phase=phase, duration_s=duration_s)
    slow = generated("MMLU", "mmlu/test/0", 0, "qwen2.5-7b")
    yield slow.model_copy(update={"first_token_s": 0.8473, "latency_s": 0.515})
    yield from mmlu_answers()
    yield PolicyEvaluated(
        policy="optimal-stopping",
        setting="λ = 1",
        task="HumanEval",
        seed=42,
        samples=164,
        correct=108,
        accuracy=0.658,
        cost=0.2,
        early_stop_rate=0.5,
        basis="measured",
    )
    yield statistic(
        "accuracy-difference", "HumanEval", 0.004, 0.012, seeds=1, details={"only_ours": 2, "only_baseline": 0}
    )
    yield statistic("accuracy-difference", "MMLU", 0.0009, 2.34, effect="d over seeds")
    yield statistic("quality-retention", "MMLU", None, None, estimate=0.905)
    for task, speedup in {"MMLU": 4.2, "GSM8K": 4.6, "HumanEval": 4.4, "TruthfulQA": 4.8, "all": 5.16}.items():
        yield statistic("speedup", task, None, None, estimate=speedup)


def mmlu_answers() -> Iterator[Event]:
    """A thousand answers of which 852 are right, the baseline's 847."""
    for i in range(1000):
        yield SampleAnswered(
            sample=f"mmlu/test/{i}",
            task="MMLU",
            policy="optimal-stopping",
            lam=1.0,
            seed=42,
            stage=0,
            answer_stage=0,
            early=True,
            correct=i < 852,
            q=0.8,
            stop_value=0.2,
            go_value=0.3,
            cost=1.0,
            baseline_cost=8.5,
            baseline_correct=i < 847,
            time_s=0.515,
            baseline_time_s=2.2,
            basis="measured",
        )


def statistic(
    name: str,
    task: str,
    p_value: float | None,
    effect_size: float | None,
    *,
    estimate: float | None = None,
    seeds: int = 5,
    effect: str = "risk difference",
    details: dict[str, object] | None = None,
) -> StatisticsComputed:
    """One claim; where it has an estimate, its interval lies around 4.5."""
    around = (Interval(level=0.95, low=4.0, high=4.9, method="unknown"),) if name == "speedup" else ()
    return StatisticsComputed(
        name=name,
        task=task,
        lam=1.0,
        method="exact McNemar" if details else "t-test",
        estimate=estimate,
        intervals=around,
        p_value=p_value,
        p_adjusted=p_value,
        family="datasets",
        effect_size=effect_size,
        effect=effect,
        samples=164 if task == "HumanEval" else 1000,
        clusters=None,
        seeds=seeds,
        rng_seed=None,
        details=details or {},
        versions={},
        rests_on={},
    )
