"""How often each promise is tried: a few thousand times in all by default, the full counts with ASD_TORTURE=1."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

FULL = os.environ.get("ASD_TORTURE") == "1"
MEMORY = Path("/dev/shm")


@pytest.fixture
def count() -> Callable[[int, int], int]:
    """`count(quick, full)`: how many cases to try."""
    return lambda quick, full: full if FULL else quick


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder, in memory where there is one: what is simulated needs no disk."""
    with TemporaryDirectory(prefix="asd-torture-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)
