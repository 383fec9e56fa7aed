"""What the log looks like on disk: lines that other tools read, and sealed files that give every line back."""

import json
import re
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from log_events import ODD_TEXTS, failed, finished, generated, graded, started
from log_files import crashed, problems, read_all, sealed

from asd.core.event import Event
from asd.core.facts.sample import SampleGenerated
from asd.store.commit import SECTOR, Commit, commit_in, commit_line
from asd.store.files import FileLog
from asd.store.hot import HotReader
from asd.store.layout import Sealed
from asd.store.line import body_of, data_of, leaf_of, record_in, sealed_with
from asd.store.manifest import read_manifest
from asd.store.merkle import EMPTY, Tree, node, root_of
from asd.store.sealed import lines_in
from asd.store.verify import verify

ODD = [failed(number, text) for number, text in enumerate(ODD_TEXTS)]
EVENTS: list[Event] = [started(), generated(1), graded(1), *ODD, finished()]


def event_lines(path: Path) -> list[bytes]:
    """The lines of a hot file that hold events."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if b'{"commit"' not in line[:SECTOR]]


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    """A hot file with every sort of event."""
    return crashed(tmp_path / "run-1", [EVENTS[:2], EVENTS[2:]])


def test_each_line_is_a_cloudevent(hot: Path) -> None:
    for line, event in zip(event_lines(hot), EVENTS, strict=True):
        one = JSONFormat().read(CloudEvent, line)
        assert one.get_type() == f"asd.{event.kind}.v{event.v}"
        assert one.get_source() == "/runs/run-1/main"
        assert one.get_subject() == event.subject
        assert one.get_data() == json.loads(event.model_dump_json())
        assert one.get_extension("sequence") == f"{EVENTS.index(event):012d}"


def test_members_of_the_envelope_stand_in_one_order_and_keys_of_the_data_are_sorted(hot: Path) -> None:
    order = ["specversion", "type", "source", "sequence", "id", "subject", "time", "causationid", "dataschema", "data"]
    for line in event_lines(hot):
        members = json.loads(line)
        assert list(members) == [name for name in [*order, "sha256"] if name in members]
        assert list(members["data"]) == sorted(members["data"])


def test_a_line_can_be_checked_with_the_shell(hot: Path) -> None:
    command = f"""(printf '\\0'; sed -n 2p {hot} | sed 's/,"sha256":"[0-9a-f]*"}}$/}}/' | tr -d '\\n') | sha256sum"""
    printed = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    assert printed.split()[0] == json.loads(event_lines(hot)[1])["sha256"]


def test_a_line_gives_back_its_record_and_a_record_its_line(hot: Path) -> None:
    for line in event_lines(hot):
        record = record_in(line)
        assert record is not None
        body = body_of(record)
        assert sealed_with(body, leaf_of(body)) == line


def test_a_group_ends_with_a_commit_line_that_names_its_size_and_root(hot: Path) -> None:
    lines = hot.read_bytes().splitlines(keepends=True)
    commits = [json.loads(line)["commit"] for line in lines if b'{"commit"' in line[:SECTOR]]
    assert [(one["previous"], one["size"]) for one in commits] == [(0, 2), (2, len(EVENTS))]
    leaves = [bytes.fromhex(json.loads(line)["sha256"]) for line in event_lines(hot)]
    assert commits[-1]["root"] == root_of(leaves).hex()


@given(st.integers(0, 2**31), st.integers(0, 10**9), st.integers(1, 10**6))
def test_a_commit_line_never_straddles_a_sector(offset: int, previous: int, more: int) -> None:
    commit = Commit(previous, previous + more, more * 1000, EMPTY)
    line = commit_line(commit, offset)
    assert commit_in(line) == commit
    first = offset + len(line) - len(line.lstrip(b" "))
    assert first // SECTOR == (offset + len(line) - 1) // SECTOR


def test_the_tree_is_that_of_rfc_6962() -> None:
    leaves = [sha256(b"\0" + bytes([number])).digest() for number in range(7)]
    left = node(node(leaves[0], leaves[1]), node(leaves[2], leaves[3]))
    assert root_of(leaves) == node(left, node(node(leaves[4], leaves[5]), leaves[6]))
    assert root_of([]) == sha256(b"").digest()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40), st.integers(0, 40))
def test_a_tree_goes_on_from_its_peaks_as_if_it_had_never_stopped(leaves: list[bytes], cut: int) -> None:
    first = Tree()
    first.extend(leaves[:cut])
    second = Tree(first.size, first.peaks)
    second.extend(leaves[cut:])
    assert second.root() == root_of(leaves)


def test_a_sealed_file_gives_every_line_back_byte_for_byte(tmp_path: Path) -> None:
    lines = event_lines(crashed(tmp_path / "run-1", [EVENTS]))
    with FileLog(tmp_path / "run-1") as log:
        log.append("main", [started("more")])
    (path,) = (tmp_path / "run-1" / "main").glob("*.parquet")
    whole = Sealed(path, 0, len(EVENTS))
    assert list(lines_in(whole, read_manifest(whole)))[:-1] == lines


def test_a_sealed_file_has_typed_envelope_columns(tmp_path: Path) -> None:
    table = pq.read_table(sealed(tmp_path / "run-1", [EVENTS]))
    assert table.column("seq").to_pylist() == list(range(len(EVENTS)))
    assert table.column("kind").to_pylist() == [event.kind for event in EVENTS]
    assert table.column("data").to_pylist() == [data_of(event).decode() for event in EVENTS]
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"


def test_duckdb_alone_reads_hot_lines_and_sealed_files(tmp_path: Path) -> None:
    hot = crashed(tmp_path / "run-1", [EVENTS])
    query = f"SELECT count(*) FROM read_json('{hot}', format='newline_delimited') WHERE type LIKE 'asd.sample.%'"
    samples = sum(event.kind.startswith("sample.") for event in EVENTS)
    assert duckdb.sql(query).fetchall() == [(samples,)]
    with FileLog(tmp_path / "run-1") as log:
        log.append("main", [started("more")])
    query = f"SELECT count(*) FROM '{hot.parent}/*.parquet' WHERE kind LIKE 'sample.%'"
    assert duckdb.sql(query).fetchall() == [(samples,)]


def test_events_with_nested_values_are_written_as_pydantic_writes_them() -> None:
    for event in EVENTS:
        assert json.loads(data_of(event)) == json.loads(event.model_dump_json())


@given(st.text(max_size=60), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1))
def test_any_text_and_number_comes_back_from_a_line(text: str, number: float, tokens: int) -> None:
    event = generated(1, text).model_copy(update={"latency_s": number, "input_tokens": tokens})
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert SampleGenerated.model_validate_json(data_of(event)) == event


def test_members_that_nobody_knows_are_kept_byte_for_byte_when_sealed(tmp_path: Path) -> None:
    run = tmp_path / "run-1"
    hot = crashed(run, [[failed(1, "known")]])
    strange = rewritten(hot, lambda line: line.replace(b'"data":', b'"traceparent":"00-ab","data":'))
    assert [one.event for one in read_all(run)] == [failed(1, "known")]
    with FileLog(run) as log:
        log.append("main", [started()])
    (path,) = hot.parent.glob("*.parquet")
    whole = Sealed(path, 0, 1)
    assert next(iter(lines_in(whole, read_manifest(whole)))) == strange
    assert problems(run) == []


def test_unknown_kinds_and_newer_versions_are_kept_and_counted(tmp_path: Path) -> None:
    run = tmp_path / "run-1"
    hot = crashed(run, [[failed(1, "known")]])
    rewritten(hot, lambda line: line.replace(b"failed.v1", b"dreamt.v7").replace(b"failed:v1", b"dreamt:v7"))
    (record,) = read_all(run)
    assert (record.kind, record.v, record.json["message"]) == ("sample.dreamt", 7, "known")
    found = verify(run)
    assert found.ok
    assert dict(found.streams[0].unknown) == {"sample.dreamt version 7": 1}


def rewritten(hot: Path, change: Callable[[bytes], bytes]) -> bytes:
    """Replace the only line of a hot file, as a program that writes the format would have written it."""
    (line,) = event_lines(hot)
    body = re.sub(rb',"sha256":"[0-9a-f]{64}"\}\n', b"}", change(line))
    leaf = leaf_of(body)
    new = sealed_with(body, leaf)
    hot.write_bytes(new + commit_line(Commit(0, 1, len(new), root_of([leaf])), len(new)))
    with HotReader(hot, 0) as reader:
        assert len(list(reader.groups())) == 1
    return new
