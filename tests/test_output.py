"""What a command writes: to standard output, to a file, to what is no file, and when it cannot."""

import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from asd.core.errors import DamageError, DiskError
from asd.views.cli import emit_bytes

EMIT = "import itertools; from asd.views.cli import emit_bytes, run_app; run_app(lambda: emit_bytes({}))"


def shell(line: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of shell; its exit code is that of the first command that fails."""
    return subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)


def emitting(parts: str) -> str:
    """The command line, for a shell, of a process that writes `parts` to standard output."""
    return shlex.join([sys.executable, "-c", EMIT.format(parts)])


def test_a_reader_that_has_had_enough_ends_a_command_without_a_failure() -> None:
    lines = emitting("itertools.repeat(b'line' * 200)")
    done = shell(f"{lines} | head -c 4")
    assert (done.returncode, done.stdout, done.stderr) == (0, "line", "")


@pytest.mark.parametrize("parts", ["[b'short']", "itertools.repeat(b'long' * 9999)"])
def test_standard_output_that_is_full_is_one_line(parts: str) -> None:
    done = shell(f"{emitting(parts)} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "asd: standard output: No space left on device; write elsewhere\n")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    emit_bytes([b"one", b"two"], pipe)
    assert os.read(reading, 100) == b"onetwo"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reading)


def test_a_file_behind_a_link_is_replaced_and_stays_as_private_as_it_was(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch(mode=0o600)
    link.symlink_to(file)
    emit_bytes([b"new"], link)
    assert (link.is_symlink(), file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (True, b"new", 0o600)


def test_what_breaks_off_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"one"
        raise DamageError("the rest is damaged")

    file = tmp_path / "file"
    file.write_bytes(b"before")
    with pytest.raises(DamageError):
        emit_bytes(parts(), file)
    assert (list(tmp_path.iterdir()), file.read_bytes()) == ([file], b"before")


def test_a_log_that_may_not_be_read_is_not_taken_for_an_output_that_may_not_be_written(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"one"
        raise PermissionError(13, "Permission denied", "lines.jsonl")

    with pytest.raises(PermissionError, match=r"lines\.jsonl"):
        emit_bytes(parts(), tmp_path / "file")
    with pytest.raises(DiskError, match="choose another file"):
        emit_bytes([b"one"], tmp_path / "nowhere" / "file")
