"""Other tools that keep runs or events, in environments of their own: a round of theirs and one of ours in turn."""

import json
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from log_common import Bench, Row, appended
from log_peer_scripts import COMMON, EVENTSOURCING, INSPECT, LM_EVAL, MLFLOW, TRACKIO, WANDB

BUILD = Path(__file__).parents[1] / "build" / "peers"
MARK = "seconds "


@dataclass(frozen=True)
class Peer:
    """A tool: what to install, and a script that defines `round(number)`, which appends `rows`, in batches of `BATCH`,
    to something new in `folder`. Only what it times itself counts, see `COMMON`."""

    title: str
    requirement: str
    script: str
    target: str
    count: int
    batch: int
    rounds: int = 7


_ES = "eventsourcing>=9.5"
PEERS = (
    Peer("eventsourcing (SQLite), one by one", _ES, EVENTSOURCING, "≥ 40×", 1_000, 1),
    Peer("eventsourcing (SQLite), batches of 256", _ES, EVENTSOURCING, "≥ 2×", 4_096, 256),
    Peer("lm-eval's loop of JSON lines", "", LM_EVAL, "≥ 2×", 4_096, 1),
    Peer("wandb offline", "wandb", WANDB, "≥ 25×", 1_000, 1),
    Peer("MLflow `log_batch` (sqlite), two figures an event", "mlflow", MLFLOW, "≥ 25×", 1_024, 256),
    Peer("trackio", "trackio", TRACKIO, "≥ 6×", 1_000, 1),
    Peer("inspect_ai's `.eval` at 8,000 samples", "inspect-ai", INSPECT, "≥ 100×", 8_000, 1, rounds=3),
)


def peers(bench: Bench) -> Iterator[Row]:
    """How many times as fast as each of them the log takes in the same events, all of them durable at the end."""
    for peer in PEERS:
        found = _compared(bench, peer)
        told = found if isinstance(found, str) else f"{statistics.median(found):.1f}×"
        rounds = "" if peer.rounds == bench.rounds else f", {min(peer.rounds, bench.rounds)} rounds"
        yield Row(f"group append against {peer.title}{rounds}", told, peer.target)


def _compared(bench: Bench, peer: Peer) -> list[float] | str:
    """Theirs / ours, once a round; a text where the peer cannot be measured here."""
    python = _environment(peer.requirement)
    if isinstance(python, str):
        return python
    count = min(peer.count, bench.count)
    place = bench.run()
    place.mkdir()
    (place / "rows.json").write_text(json.dumps(bench.dicts[:count]))
    script = COMMON.replace("SCRIPT", peer.script).replace("BATCH", str(peer.batch))
    command = [str(python), "-c", script, str(place / "rows.json"), str(place / "data")]
    with (
        (place / "errors").open("w") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        found = []
        for _ in range(min(peer.rounds, bench.rounds)):
            theirs = _round(process)
            if theirs is None:
                break
            found.append(theirs / appended(bench, count, peer.batch))
        process.kill()
    return found or f"failed: {((place / 'errors').read_text().strip().splitlines() or ['?'])[-1][:80]}"


def _round(process: subprocess.Popen[str]) -> float | None:
    """Have the peer do one round; its seconds, None where it failed."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write("go\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    for line in process.stdout:
        if line.startswith(MARK):
            return float(line.removeprefix(MARK))
    return None


def _environment(requirement: str) -> Path | str:
    """The Python of an environment that has `requirement`."""
    if not requirement:
        return Path(sys.executable)
    folder = BUILD / requirement.split(">")[0]
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return "could not be installed here"
        (folder / ".ready").touch()
    return python
