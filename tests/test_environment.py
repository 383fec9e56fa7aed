"""The snapshot of hardware and software, and what must never get into it."""

import platform
import subprocess
from pathlib import Path

import pytest

from asd.core.event import decode
from asd.runners.environment import capture, variables
from asd.runners.git import git_state
from asd.runners.secrets import mask


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "trunk")
    git(tmp_path, "config", "user.name", "A")
    git(tmp_path, "config", "user.email", "a@example.org")
    (tmp_path / "__init__.py").write_text("x = 1\n")
    git(tmp_path, "add", "__init__.py")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def test_the_environment_is_captured_on_this_machine_and_survives_the_log() -> None:
    event = capture()
    assert event.python == platform.python_version()
    assert "pydantic" in event.packages
    assert 0 < event.memory_available_bytes <= event.memory_bytes
    assert decode(event.kind, event.v, event.model_dump(mode="json")) == event


def test_a_clean_tree_has_no_difference(repository: Path) -> None:
    state = git_state(repository, repository)
    assert state is not None
    assert (state.clean, state.diff_sha256, state.branch, state.author) == (True, None, "trunk", "A <a@example.org>")


def test_a_changed_line_changes_the_hash_of_the_difference(repository: Path) -> None:
    hashes = set()
    for text in ("x = 2\n", "x = 3\n"):
        (repository / "__init__.py").write_text(text)
        state = git_state(repository, repository)
        assert state is not None
        assert not state.clean
        hashes.add(state.diff_sha256)
    assert len(hashes) == 2


def test_an_untracked_file_counts_as_a_difference(repository: Path) -> None:
    (repository / "new.py").write_text("y = 1\n")
    state = git_state(repository, repository)
    assert state is not None
    assert not state.clean
    assert state.diff_sha256 is not None


def test_a_remote_is_recorded_without_its_credentials(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://me:secret@example.org/x.git")
    state = git_state(repository, repository)
    assert state is not None
    assert state.remote == "https://example.org/x.git"


def test_a_folder_without_git_has_no_git_state(tmp_path: Path) -> None:
    assert git_state(tmp_path, tmp_path) is None


def test_code_that_is_not_tracked_is_described_by_the_working_folder(repository: Path, tmp_path: Path) -> None:
    installed = repository / "env" / "asd"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    assert git_state(installed, Path("/")) is None


def test_variables_are_recorded_by_allow_list_only() -> None:
    assert variables({"CUDA_VISIBLE_DEVICES": "0", "HOME": "/home/me", "OMP_NUM_THREADS": "1"}) == {
        "CUDA_VISIBLE_DEVICES": "0",
        "OMP_NUM_THREADS": "1",
    }


def test_a_variable_named_like_a_secret_is_left_out_even_where_its_prefix_is_allowed() -> None:
    assert variables({"VLLM_API_KEY": "x", "ASD_TOKEN": "y"}) == {}


@pytest.mark.parametrize(
    "secret",
    [
        "hf_abcdefghijklmnopqrstuvwx",
        "sk-proj-abcdefghijklmnopqrstuv",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "glpat-abcdefghijklmnopqrst",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
    ],
)
def test_what_looks_like_an_access_token_is_masked(secret: str) -> None:
    assert secret not in mask(f"before {secret} after")


def test_credentials_in_an_address_are_masked_and_the_rest_stays() -> None:
    assert mask("pull https://user:pw@host/a?token=abc&b=1") == "pull https://host/a?token=[masked]&b=1"
