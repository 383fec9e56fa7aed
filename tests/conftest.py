"""What several test files share."""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

os.environ.setdefault("ASD_SIGNING_KEY", str(Path(tempfile.mkdtemp(prefix="asd-tests-")) / "signing-key.pem"))
BENCHMARK_DATA = Path(os.environ.get("ASD_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture
def benchmark_data() -> Path:
    """A folder of benchmark data laid out as hubs do; the test is skipped where there is none."""
    if not BENCHMARK_DATA.is_dir():
        pytest.skip(f"no benchmark data in {BENCHMARK_DATA}; set ASD_SHARED_DATA to a folder of it")
    return BENCHMARK_DATA


@pytest.fixture(scope="session")
def peer() -> ModuleType:
    """The benchmark of that name."""
    spec = importlib.util.spec_from_file_location("peer", Path(__file__).parents[1] / "benchmarks" / "peer.py")
    assert spec is not None
    assert spec.loader is not None
    made = sys.modules["peer"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made
