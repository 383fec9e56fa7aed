"""Proofs, joined copies, exports and the ledger of what was planned, as functions and as commands."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from log_events import generated, graded, started
from log_files import crashed, problems, read_all, sealed

from asd.core.errors import AsdError, ConflictError, DamageError, UsageError
from asd.core.facts.run import RunPlanned
from asd.core.facts.sample import SamplePlanned
from asd.core.log import Record
from asd.store.completeness import completeness
from asd.store.copies import export_lines, merge
from asd.store.files import FileLog
from asd.store.findings import StreamCheck, Verification
from asd.store.memory import MemoryLog
from asd.store.proof import Proof, ProofError, prove, prove_places, verify_proof
from asd.store.signing import Signer, signers_of
from asd.store.store import Store
from asd.store.verify import verify
from asd.views.event_lines import as_line
from asd.views.runs import summaries
from asd.views.verification import as_lines, ledger_as_lines

EVENTS = [event for number in range(12) for event in (generated(number), graded(number))]
SAMPLE = "gsm8k/test/3"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run."""
    sealed(tmp_path / "store" / "run-1", [EVENTS])
    return tmp_path / "store" / "run-1"


def asd(*arguments: str | Path, prefix: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
    """Run the command line."""
    command = [*prefix, sys.executable, "-c", "from asd.views.commands import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_proof_shows_the_events_of_a_sample_without_the_log(run: Path) -> None:
    proof = prove(run, SAMPLE).to_bytes()
    (signer,) = signers_of(run / "main")
    shutil.rmtree(run)
    found = verify_proof(proof, key=signer)
    assert [one.event for one in found.records] == [generated(3), graded(3)]
    assert (found.heads[0].size, found.signers) == (len(EVENTS), (signer,))


def test_a_proof_grows_with_the_logarithm_of_the_log(run: Path) -> None:
    (stream,) = prove(run, SAMPLE).streams
    assert [len(one.path) for one in stream.lines] == [5, 5]


@pytest.mark.parametrize("place", ["line", "path", "seq", "note", "signer"])
def test_a_proof_that_was_altered_proves_nothing(run: Path, place: str) -> None:
    proof = prove(run, SAMPLE).model_dump()
    stream = proof["streams"][0]
    if place in ("note", "signer"):
        stream[place] = stream[place].replace("a", "b")
    elif place == "seq":
        stream["lines"][0]["seq"] += 1
    elif place == "path":
        stream["lines"][0]["path"] = stream["lines"][0]["path"][::-1]
    else:
        stream["lines"][0]["line"] = stream["lines"][0]["line"].replace("$18", "$19")
    with pytest.raises(AsdError):
        verify_proof(Proof.model_validate(proof).to_bytes())


def test_a_proof_signed_by_another_key_is_refused(run: Path, tmp_path: Path) -> None:
    proof = prove(run, SAMPLE).to_bytes()
    with pytest.raises(AsdError, match="not signed"):
        verify_proof(proof, key=Signer(tmp_path / "other.pem").verifier)


def test_what_is_no_proof_is_refused() -> None:
    with pytest.raises(ProofError):
        verify_proof(b"{}")


def test_what_the_log_does_not_say_cannot_be_proven(run: Path) -> None:
    with pytest.raises(UsageError, match="nobody"):
        prove(run, "nobody")


def test_events_are_proven_by_their_places_and_named(run: Path) -> None:
    proof = prove_places(run, "results.accuracy", {"main": {2, 23}, "elsewhere": {0}})
    found = verify_proof(proof.to_bytes())
    assert [one.seq for one in found.records] == [2, 23]
    assert proof.events == tuple(one.id for one in found.records)


@pytest.mark.parametrize("names", [("sample.generated:other",), ("{0}",), ("{1}", "{0}")])
def test_a_proof_that_names_other_events_than_it_holds_is_refused(run: Path, names: tuple[str, ...]) -> None:
    proof = prove_places(run, "results.accuracy", {"main": {2, 23}})
    other = tuple(name.format(*proof.events) for name in names)
    with pytest.raises(ProofError, match="does not hold the events that it names"):
        verify_proof(proof.model_copy(update={"events": other}).to_bytes())


def test_what_no_head_signs_yet_is_left_out_of_a_proof(tmp_path: Path) -> None:
    with FileLog(tmp_path / "run-1") as log:
        log.append("main", EVENTS)
        assert prove_places(log.path, "results.accuracy", {"main": {0}}).streams == ()


def test_joining_a_copy_with_an_older_one_gives_the_newer(run: Path, tmp_path: Path) -> None:
    older = tmp_path / "older" / "run-1"
    shutil.copytree(run, older)
    with FileLog(run) as log:
        log.append("main", [started()])
    joined = merge(older, run, tmp_path / "joined")
    assert [one.event for one in read_all(joined)] == [*EVENTS, started()]
    assert problems(joined) == []


def test_joining_is_commutative_and_idempotent(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "run-1"
    with FileLog(other) as log:
        log.append("telemetry", [started()])
    (other / "files").mkdir()
    (other / "files" / "weights").write_bytes(b"weights")
    one = merge(run, other, tmp_path / "a")
    assert folder_bytes(one) == folder_bytes(merge(other, run, tmp_path / "b"))
    assert folder_bytes(one) == folder_bytes(merge(one, run, tmp_path / "c"))
    assert folder_bytes(one) == folder_bytes(merge(one, one, tmp_path / "d"))
    assert {record.stream for record in read_all(one)} == {"main", "telemetry"}


def test_joining_takes_what_is_committed_of_a_run_that_crashed(tmp_path: Path) -> None:
    hot = crashed(tmp_path / "a" / "run-1", [[started()], [graded(1)]])
    with hot.open("ab") as file:
        file.write(b'{"specversion":"1.0"')
    joined = merge(tmp_path / "a" / "run-1", tmp_path / "a" / "run-1", tmp_path / "joined")
    assert [one.event for one in read_all(joined)] == [started(), graded(1)]
    assert verify(joined).streams[0].torn_bytes == 0


def test_copies_that_went_on_differently_are_not_joined(run: Path, tmp_path: Path) -> None:
    fork = tmp_path / "fork" / "run-1"
    shutil.copytree(run, fork)
    sealed(run, [[started("here")]])
    sealed(fork, [[started("there")]])
    with pytest.raises(ConflictError, match="event 24"):
        merge(run, fork, tmp_path / "joined")
    assert not (tmp_path / "joined" / "run-1").exists()


def test_different_runs_and_damaged_copies_are_not_joined(run: Path, tmp_path: Path) -> None:
    sealed(tmp_path / "run-2", [[started()]])
    with pytest.raises(UsageError, match="different runs"):
        merge(run, tmp_path / "run-2", tmp_path / "joined")
    path = next((run / "main").glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamageError):
        merge(run, run, tmp_path / "joined")


def test_an_export_holds_every_line_in_order_of_time(run: Path) -> None:
    with FileLog(run) as log:
        log.append("telemetry", [started("later")])
        log.append("main", [started("last")])
        log.flush()
        lines = [json.loads(line) for line in export_lines(run)]
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert [line["source"] for line in lines[-2:]] == ["/runs/run-1/telemetry", "/runs/run-1/main"]
    assert len(lines) == len(EVENTS) + 2


def planned(samples: int, stages: int) -> list[RunPlanned | SamplePlanned]:
    """The plan of a run."""
    plan = RunPlanned(
        units={"generated": samples * stages, "graded": samples * stages},
        lambdas=(1.0,),
        seeds=(0,),
        stages=tuple(f"model-{stage}" for stage in range(stages)),
        tasks=("gsm8k",),
        alpha=0.01,
        confidence=0.95,
        retention_margin=0.98,
        hypotheses=(),
    )
    names = (f"gsm8k/test/{number}" for number in range(samples))
    return [plan, *(SamplePlanned(sample=name, task="gsm8k", role="test", prompt="?", reference="7") for name in names)]


def test_what_was_planned_and_did_not_happen_is_named() -> None:
    log = MemoryLog()
    log.append("main", [*planned(2, 1), generated(0), graded(0)])
    found = completeness(log)
    assert not found.complete
    assert [(one.unit, one.done, one.planned, one.missing) for one in found.units] == [
        ("generated", 1, 2, ("gsm8k/test/1@0",)),
        ("graded", 1, 2, ("gsm8k/test/1@0",)),
    ]


def test_a_ledger_says_how_many_more_are_missing_than_it_names() -> None:
    log = MemoryLog()
    log.append("main", [*planned(30, 1), generated(0)])
    lines = ledger_as_lines(completeness(log)).splitlines()
    assert "missing: generated, 9 more" in lines
    assert "missing: graded, 10 more" in lines


@pytest.mark.parametrize(
    ("sealed", "hot", "commits", "said"),
    [
        (0, 1, 1, "5 events in 1 hot file (1 commit)"),
        (1, 0, 0, "5 events in 1 sealed file"),
        (2, 1, 3, "5 events in 2 sealed files and 1 hot file (3 commits)"),
    ],
)
def test_a_stream_is_said_to_be_in_the_files_that_it_is_in(sealed: int, hot: int, commits: int, said: str) -> None:
    stream = StreamCheck("main", events=5, sealed_files=sealed, hot_files=hot, commits=commits, root="00" * 32)
    assert as_lines(Verification("run-1", (stream,))).startswith(f"main: {said}\n")


def test_a_log_that_nothing_is_sealed_of_is_said_to_have_no_signed_head(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "run-1")
    log.append("main", [started()])
    log.flush()
    assert "main: no signed head yet" in asd("verify", "--store", tmp_path).stdout
    log.close()
    assert "main: signed heads: 1" in asd("verify", "--store", tmp_path).stdout


def test_a_run_that_did_what_it_planned_is_complete_and_one_without_a_plan_is_not() -> None:
    log = MemoryLog()
    assert not completeness(log).complete
    log.append("main", [*planned(1, 1), generated(0), graded(0)])
    assert completeness(log).complete


def test_verification_says_who_signed_and_whether_that_was_checked(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (signer,) = signers_of(run / "main")
    assert f"signed by {signer} (your own key on this machine)" in as_lines(verify(run)).splitlines()
    assert f"signed by {signer} (the key that --key names)" not in as_lines(verify(run))
    monkeypatch.setenv("ASD_SIGNING_KEY", str(run / "no-key-here"))
    plain = as_lines(verify(run)).splitlines()
    assert f"signed by {signer}" in plain
    assert any("whether to trust it is for you to decide" in line for line in plain)
    named = as_lines(verify(run, key=signer), signer)
    assert f"signed by {signer} (the key that --key names)" in named.splitlines()
    assert "trust" not in named


def test_a_head_without_a_public_key_beside_it_is_told_apart_from_a_wrong_one(run: Path) -> None:
    (run / "main" / "signers").unlink()
    assert problems(run) == ["00000000-00000023.note:0:0: no public key lies beside it; name one with --key"]


@pytest.mark.parametrize("place", ["main", "main/00000000-00000023.parquet", "main/00000024.jsonl"])
def test_a_link_in_a_log_is_not_followed_and_is_said(run: Path, tmp_path: Path, place: str) -> None:
    """Without its stream a run would verify, and so would a stream without its last lines."""
    path, elsewhere = run / place, tmp_path / "elsewhere"
    if path.exists():
        path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert [one.what for one in verify(run).problems if one.file == str(path)] == [
        "it is a link, and a log is plain files in folders of its own: it was not read"
    ]


def test_nothing_is_written_through_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (run / "other").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="not a link"):
        FileLog(run).append("other", [started()])
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_damaged_run_hides_no_other_and_is_told_by_its_state(run: Path) -> None:
    store = run.parent
    (sealed(store / "run-2", [[started()]]).with_suffix(".json")).unlink()
    crashed(store / "run-3", [[started()]])
    rows = {row["run"]: (row["events"], row["state"]) for row in summaries(store)}
    assert rows == {"run-1": (24, "not started"), "run-2": (0, "damaged"), "run-3": (1, "not started")}
    assert Store(store).runs() == ("run-1", "run-3", "run-2")


@pytest.fixture
def unprivileged() -> list[str]:
    """The beginning of a command that runs as someone whom permissions bind, as they do not bind the superuser."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("the superuser may read and write everywhere, and there is no setpriv to give that up")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.parametrize("words", [["verify"], ["log", "export"], ["log", "tail"], ["sql", "SELECT 1"]])
def test_a_file_that_may_not_be_read_is_named_in_one_line(run: Path, unprivileged: list[str], words: list[str]) -> None:
    path = next((run / "main").glob("*.parquet"))
    path.chmod(0)
    shutil.rmtree(run / "cache", ignore_errors=True)
    done = asd(*words, "--store", run.parent, prefix=unprivileged)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"asd: {path}: Permission denied; let this user read it, or ask as one who may\n"


def test_a_log_that_may_not_be_written_is_read_and_verified_and_refuses_an_append(
    run: Path, unprivileged: list[str]
) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from log_events import started;"
        "from asd.store.files import FileLog; from asd.core.errors import DiskError; log = FileLog(Path(sys.argv[2]))\n"
        "try: log.append('main', [started()])\nexcept DiskError as error: sys.exit(str(error))"
    )
    for path in [run, *run.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    command = [*unprivileged, sys.executable, "-c", code, str(Path(__file__).parent), str(run)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "make the stream writable" in refused.stderr
    assert "Traceback" not in refused.stderr
    for words in (["verify"], ["sql", "SELECT count(*) FROM events"]):
        assert asd(*words, "--store", run.parent, prefix=unprivileged).returncode == 0
    for path in [run, *run.rglob("*")]:
        path.chmod(0o755)


def test_what_is_no_folder_of_a_run_is_not_joined(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of a run"):
        merge(run, tmp_path / "nowhere" / "run-1", tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_a_query_of_a_store_without_runs_is_a_mistake(tmp_path: Path) -> None:
    done = asd("sql", "SELECT count(*) FROM events", "--store", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


def test_each_stream_has_a_head_that_can_be_printed(run: Path) -> None:
    sealed(run, [[started()]], stream="telemetry")
    store = ("--store", run.parent)
    assert asd("log", "head", *store).stdout.startswith("asd/run-1/main\n")
    assert asd("log", "head", *store, "--stream", "telemetry").stdout.startswith("asd/run-1/telemetry\n")
    refused = asd("log", "head", *store, "--stream", "nowhere")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "asd: run-1: no signed head of 'nowhere'; there are those of main, telemetry\n"


def test_a_line_of_an_event_says_where_it_was_cut() -> None:
    short, long = (
        Record("r", "main", 0, datetime.now(UTC), "i", "k", 1, None, None, b"x" * size) for size in (160, 161)
    )
    assert as_line(short).endswith("x\n")
    assert as_line(long).endswith("x…\n")


def test_the_commands_say_with_their_exit_code_what_they_found(run: Path, tmp_path: Path) -> None:
    store = ("--store", run.parent)
    assert asd("verify", *store).returncode == 0
    assert asd("log", "head", *store, "-o", tmp_path / "head").returncode == 0
    assert asd("verify", *store, "--head", tmp_path / "head", "--key", run / "main" / "signers").returncode == 0
    assert asd("prove", SAMPLE, *store, "-o", tmp_path / "proof").returncode == 0
    assert asd("verify", "--proof", tmp_path / "proof").returncode == 0
    assert asd("verify", *store, "--complete").returncode == 4
    exported = asd("log", "export", *store)
    assert [json.loads(line)["id"] for line in exported.stdout.splitlines()] == [one.id for one in read_all(run)]
    shutil.copytree(run, tmp_path / "older" / "run-1")
    sealed(run, [[started()]])
    assert asd("log", "head", *store, "-o", tmp_path / "head").returncode == 0
    rolled_back = asd("verify", "--store", tmp_path / "older", "--head", tmp_path / "head")
    assert (rolled_back.returncode, "rolled back" in rolled_back.stdout) == (3, True)
    assert asd("log", "merge", run, tmp_path / "older" / "run-1", "--store", tmp_path / "joined").returncode == 0
    assert asd("verify", "--store", tmp_path / "joined", "--head", tmp_path / "head").returncode == 0
