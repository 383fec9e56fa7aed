"""Signed heads and proofs: what can be shown without the log, and without trusting whoever keeps it."""

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_events import graded, started
from log_files import problems, read_all, sealed

from asd.core.errors import UsageError
from asd.store.files import FileLog
from asd.store.keys import private_key
from asd.store.merkle import inclusion_path, root_from_path, root_of
from asd.store.notes import Head, NoteError, origin, read_note, sign, verifier_key
from asd.store.options import Options
from asd.store.signing import Signer, signers_of
from asd.store.verify import verify


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run."""
    return tmp_path / "run-1"


def leaves(count: int) -> list[bytes]:
    """Some leaf hashes."""
    return [sha256(bytes([number])).digest() for number in range(count)]


def test_a_key_is_made_on_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key.pem"
    first = Signer(path).verifier
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert verifier_key(private_key(path).public_key()) == first


def test_a_key_that_others_may_read_is_refused_before_anything_is_written(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    assert Signer(path).verifier
    path.chmod(0o644)
    shutil.copy(path, tmp_path / "copy.pem")
    with pytest.raises(UsageError, match="chmod 600"):
        FileLog(run, Options(signer=Signer(tmp_path / "copy.pem"))).append("main", [started()])
    assert read_all(run) == []


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("hello")
    path.chmod(0o600)
    with pytest.raises(UsageError, match="ASD_SIGNING_KEY"):
        _ = Signer(path).verifier


def test_without_a_place_for_a_key_the_log_is_written_unsigned_and_verification_says_so(run: Path) -> None:
    with FileLog(run, Options(signer=Signer(Path("/proc/no/such/key.pem")))) as log:
        log.append("main", [started()])
    found = verify(run)
    assert found.ok
    assert (found.streams[0].signed_heads, found.streams[0].unsigned_files) == (0, 1)


def test_each_sealed_file_has_a_signed_head(run: Path) -> None:
    sealed(run, [[graded(1), graded(2)], [graded(3)]])
    found = verify(run)
    (signer,) = signers_of(run / "main")
    assert found.ok
    assert (found.streams[0].signed_heads, found.streams[0].signers) == (1, [signer])
    head = read_note(found.streams[0].latest_head, signer)
    assert (head.origin, head.size, head.root.hex()) == ("asd/run-1/main", 3, found.streams[0].root)


def test_a_head_changed_in_any_character_is_no_longer_signed(run: Path) -> None:
    path = sealed(run, [[graded(1)]]).with_suffix(".note")
    note, signer = path.read_text(), signers_of(run / "main")[0]
    for at, character in enumerate(note):
        changed = note[:at] + ("a" if character != "a" else "b") + note[at + 1 :]
        path.write_text(changed)
        assert problems(run) != []
        if at < note.index("—"):
            with pytest.raises(NoteError):
                read_note(changed, signer)


def test_a_head_signed_by_another_key_than_the_given_one_is_a_problem(run: Path, tmp_path: Path) -> None:
    sealed(run, [[graded(1)]])
    other = Signer(tmp_path / "other.pem").verifier
    assert not verify(run, key=other).ok
    assert verify(run, key=signers_of(run / "main")[0]).ok


def test_a_missing_head_is_a_problem_where_a_key_was_given(run: Path) -> None:
    sealed(run, [[graded(1)]]).with_suffix(".note").unlink()
    assert verify(run).ok
    assert not verify(run, key=signers_of(run / "main")[0]).ok


def test_a_log_that_grew_is_consistent_with_its_older_heads(run: Path) -> None:
    notes = []
    for number in range(4):
        sealed(run, [[graded(number)]])
        notes.append(verify(run).streams[0].latest_head)
    assert verify(run, heads=notes).ok


def test_a_rolled_back_log_does_not_verify_against_a_newer_head(run: Path, tmp_path: Path) -> None:
    sealed(run, [[graded(1)]])
    shutil.copytree(run, tmp_path / "older" / "run-1")
    sealed(run, [[graded(2)]])
    note = verify(run).streams[0].latest_head
    found = verify(tmp_path / "older" / "run-1", heads=[note])
    (problem,) = found.problems
    assert problem.what == "the log was rolled back or cut short: a signed head says 2 events, there are 1"


def test_a_forked_log_does_not_verify_against_the_other_branch(run: Path, tmp_path: Path) -> None:
    fork = tmp_path / "fork" / "run-1"
    sealed(run, [[graded(1)]])
    shutil.copytree(run, fork)
    sealed(run, [[graded(2)]])
    sealed(fork, [[graded(3)], [graded(4)]])
    assert verify(fork).ok
    found = verify(fork, heads=[verify(run).streams[0].latest_head])
    assert [one.what for one in found.problems] == [
        "the log was rewritten: its first 2 events are not those of the signed head"
    ]


def test_a_head_of_a_stream_that_is_gone_is_a_problem(run: Path) -> None:
    sealed(run, [[graded(1)]])
    note = verify(run).streams[0].latest_head
    shutil.rmtree(run / "main")
    assert not verify(run, heads=[note]).ok


@given(st.integers(1, 70), st.data())
def test_a_path_leads_from_any_leaf_to_the_root_and_from_no_other_leaf(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes, path = leaves(size), inclusion_path(leaves(size), index)
    assert root_from_path(hashes[index], index, size, path) == root_of(hashes)
    assert root_from_path(hashes[index], index, size, [*path, hashes[0]]) is None
    if size > 1:
        other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index))
        assert root_from_path(hashes[other], index, size, path) != root_of(hashes)
        assert root_from_path(hashes[index], index, size, path[:-1]) != root_of(hashes)


def test_a_note_reads_back_as_its_head(tmp_path: Path) -> None:
    key = private_key(tmp_path / "key.pem")
    head = Head(origin("run-1", "main"), 12, root_of(leaves(12)))
    assert read_note(sign(head, key), verifier_key(key.public_key())) == head
