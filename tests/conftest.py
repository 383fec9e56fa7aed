"""What several test files share."""

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("ASD_SIGNING_KEY", str(Path(tempfile.mkdtemp(prefix="asd-tests-")) / "signing-key.pem"))
BENCHMARK_DATA = Path(os.environ.get("ASD_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture
def benchmark_data() -> Path:
    """A folder of benchmark data laid out as hubs do; the test is skipped where there is none."""
    if not BENCHMARK_DATA.is_dir():
        pytest.skip(f"no benchmark data in {BENCHMARK_DATA}; set ASD_SHARED_DATA to a folder of it")
    return BENCHMARK_DATA
