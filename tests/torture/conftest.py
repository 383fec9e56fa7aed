"""How often each promise is tried: a few thousand times in all by default, the full counts with ASD_TORTURE=1.

Full counts are split into shards, which `pytest -n` runs in parallel; what was tried is told in a table at the end.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

FULL = os.environ.get("ASD_TORTURE") == "1"
SHARDS = 32 if FULL else 1
MEMORY = Path("/dev/shm")
TRIED = "tried"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `shard` is run once a shard."""
    if "shard" in metafunc.fixturenames:
        metafunc.parametrize("shard", range(SHARDS))


@pytest.fixture
def count() -> Callable[[int, int], int]:
    """`count(quick, full)`: how many cases to try, over all shards."""
    return lambda quick, full: full if FULL else quick


@pytest.fixture
def full() -> bool:
    """Whether to try every case there is."""
    return FULL


@pytest.fixture
def share(shard: int, count: Callable[[int, int], int]) -> Callable[[int, int], range]:
    """`share(quick, full)`: the numbers of the cases that this shard tries."""
    return lambda quick, full: range(shard, count(quick, full), SHARDS)


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """`tried(what, cases)`: said by a test when it has tried them all."""
    return lambda what, cases: request.node.user_properties.append((TRIED, (what, cases)))


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder, in memory where there is one: what is simulated needs no disk."""
    with TemporaryDirectory(prefix="asd-torture-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The counts, summed over shards and processes. A test that failed has tried nothing."""
    cases: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties if report.when == "call" else ():
            if name == TRIED:
                cases[value[0]] += value[1]
    if cases:
        terminalreporter.section("tried, and nothing went wrong")
        for what, number in sorted(cases.items()):
            terminalreporter.write_line(f"{number:>11,}  {what}")
