"""The log's promises: one contract for every implementation, then what files add."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from log_contract import LogContract

from asd.core.log import EventLog
from asd.store.memory import MemoryLog


class TestMemoryLog(LogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EventLog]:
        yield MemoryLog("run-1")
