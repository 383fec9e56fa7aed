"""Model files against their manifest or what the hub said of them."""

import json
from hashlib import sha1, sha256
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from asd.core.errors import Exit, ModelFileError
from asd.core.facts.model import ModelChecked
from asd.runners.model_files import MANIFEST, check, inspect, manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder without a manifest."""
    save_file({"w": np.ones(8, np.float32)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


@pytest.fixture
def listed(folder: Path) -> Path:
    """The same with a manifest."""
    (folder / MANIFEST).write_text(json.dumps(manifest(folder)))
    return folder


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """A model as the hub's client caches it: links to blobs that are named by their hash."""
    snapshot, blobs = tmp_path / "snapshots" / "abc", tmp_path / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    weights = tmp_path / "w"
    save_file({"w": np.ones(8, np.float32)}, weights)
    for name, content, hashed in (
        ("model.safetensors", weights.read_bytes(), sha256(weights.read_bytes()).hexdigest()),
        ("config.json", b"{}", sha1(b"blob 2\0{}").hexdigest()),
    ):
        (blobs / hashed).write_bytes(content)
        (snapshot / name).symlink_to(Path("../../blobs") / hashed)
    return snapshot


def states(checked: ModelChecked) -> dict[str, str]:
    return {file.name: file.state for file in checked.files}


def flip(file: Path, place: int = -1) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_files_that_match_their_manifest_are_counted(listed: Path) -> None:
    checked = check(2, "toy", listed)
    assert (checked.against, checked.files_ok, checked.files_total) == ("manifest", 2, 2)
    assert set(states(checked).values()) == {"ok"}


def test_one_changed_byte_is_refused_by_name_with_the_exit_code_for_a_mismatch(listed: Path) -> None:
    flip(listed / "model.safetensors")
    with pytest.raises(ModelFileError, match=r"model\.safetensors .*wrong hash") as error:
        check(0, "toy", listed)
    assert error.value.exit_code is Exit.MISMATCH
    assert "\n" not in str(error.value)


def test_a_missing_file_is_refused_by_name(listed: Path) -> None:
    (listed / "config.json").unlink()
    with pytest.raises(ModelFileError, match=r"config\.json .*missing"):
        check(0, "toy", listed)


def test_a_file_that_was_wrong_and_is_right_again_is_said_to_be_repaired(listed: Path) -> None:
    flip(listed / "model.safetensors")
    before = inspect(0, "toy", listed)
    flip(listed / "model.safetensors")
    after = check(0, "toy", listed, before)
    assert states(after) == {"model.safetensors": "repaired", "config.json": "ok"}
    assert after.files_ok == 2


def test_a_file_that_the_manifest_does_not_name_is_unlisted(listed: Path) -> None:
    (listed / "README.md").write_text("hello")
    assert states(check(0, "toy", listed))["README.md"] == "unlisted"


def test_files_without_any_expectation_must_at_least_stay_what_they_were(folder: Path) -> None:
    before = check(0, "toy", folder)
    assert states(before)["config.json"] == "unlisted"
    (folder / "config.json").write_text("[]")
    with pytest.raises(ModelFileError, match=r"config\.json"):
        check(0, "toy", folder, before)


def test_safetensors_that_end_before_their_header_says_are_refused(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ModelFileError, match=r"model\.safetensors .*wrong size"):
        check(0, "toy", folder)


def test_weights_that_the_hubs_index_names_must_be_there(folder: Path) -> None:
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    (folder / "model.safetensors").rename(folder / parts["a"])
    with pytest.raises(ModelFileError, match=r"model-00002-of-00002\.safetensors .*missing"):
        check(0, "toy", folder)


def test_files_in_the_hubs_cache_are_checked_against_the_blobs_that_they_link_to(cached: Path) -> None:
    checked = check(0, "toy", cached)
    assert (checked.against, checked.files_ok, checked.files_total) == ("hub index", 2, 2)
    flip((cached / "model.safetensors").resolve())
    flip((cached / "config.json").resolve())
    assert set(states(inspect(0, "toy", cached)).values()) == {"wrong hash"}


def test_a_download_into_a_folder_is_checked_against_its_etag(folder: Path) -> None:
    kept = folder / ".cache" / "huggingface" / "download"
    kept.mkdir(parents=True)
    (kept / "config.json.metadata").write_text(f"commit\n{sha256(b'{}').hexdigest()}\n1.0\n")
    assert states(check(0, "toy", folder))["config.json"] == "ok"
    (folder / "config.json").write_text("[]")
    with pytest.raises(ModelFileError, match=r"config\.json"):
        check(0, "toy", folder)


def test_a_single_file_can_be_checked_too(folder: Path) -> None:
    checked = check(0, "toy", folder / "config.json")
    assert (states(checked), checked.against) == ({"config.json": "unlisted"}, "nothing")


def test_the_hash_of_all_files_changes_with_each_of_them(folder: Path) -> None:
    before = inspect(0, "toy", folder).weights_sha256
    flip(folder / "model.safetensors")
    assert inspect(0, "toy", folder).weights_sha256 != before


def test_a_manifest_that_is_none_is_refused(folder: Path) -> None:
    (folder / MANIFEST).write_text("[]")
    with pytest.raises(ModelFileError, match="no manifest"):
        check(0, "toy", folder)
