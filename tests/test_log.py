"""The log's promises: one contract for every implementation, then what files add."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from log_contract import LogContract

from asd.core.log import EventLog
from asd.store.files import FileLog
from asd.store.memory import MemoryLog
from asd.store.writer import Options


class TestMemoryLog(LogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> EventLog:
        return MemoryLog("run-1")


class TestFileLog(LogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EventLog]:
        with FileLog(tmp_path / "run-1", poll_s=0.02) as log:
            yield log


class TestFileLogThatSealsEarly(LogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EventLog]:
        with FileLog(tmp_path / "run-1", Options(seal_events=3, keep_hot_s=0), poll_s=0.02) as log:
            yield log


class TestFileLogThatSyncsEachAppend(LogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EventLog]:
        with FileLog(tmp_path / "run-1", Options(durability="each"), poll_s=0.02) as log:
            yield log
