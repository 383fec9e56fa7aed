"""Everything that is derived from a log can be deleted and made again, to the byte."""

import shutil
from hashlib import sha256
from pathlib import Path

from fixtures_run import run_events

from asd.store.files import FileLog
from asd.store.options import Options
from asd.store.store import Store
from asd.views.projections import names
from asd.views.rendering import REPORT, open_session, rendered

FORMATS = {REPORT: ("md", "html", "json", "latex")}


def derived(store: Path) -> dict[str, str]:
    """The hash of each file of the cache, and of every table and report of the run."""
    session = open_session(Store(store), "run-1")
    try:
        found = {
            f"{name}.{form}": sha256(rendered(session, name, form, "en", None, False)).hexdigest()
            for name in (*names(), REPORT)
            for form in FORMATS.get(name, ("csv",))
        }
    finally:
        session.close()
    cache = store / "run-1" / "cache"
    return found | {
        str(path.relative_to(cache)): sha256(path.read_bytes()).hexdigest() for path in cache.rglob("*.parquet")
    }


def test_what_is_derived_is_made_again_twice_to_the_byte(tmp_path: Path) -> None:
    events = list(run_events())
    with FileLog(tmp_path / "run-1", Options(seal_events=len(events) // 3)) as log:
        for start in range(0, len(events), 50):
            log.append("main", events[start : start + 50])
    first = derived(tmp_path)
    assert any(name.endswith(".parquet") for name in first)
    for _ in range(2):
        shutil.rmtree(tmp_path / "run-1" / "cache")
        assert derived(tmp_path) == first
