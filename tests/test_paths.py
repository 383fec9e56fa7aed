"""Places as configurations write them."""

from pathlib import Path

import pytest

from asd.core.errors import MissingDataError
from asd.runners.model_folders import model_folder
from asd.runners.paths import written_path


def test_what_the_package_ships_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (written_path("asd:pocket/pocket-s0") / "config.json").is_file()


def test_home_and_variables_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHTS", "/models")
    monkeypatch.setenv("HOME", "/home/me")
    assert written_path("$WEIGHTS/small") == Path("/models/small")
    assert written_path("~/small") == Path("/home/me/small")


def test_a_folder_of_that_name_comes_before_a_hubs_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org" / "small").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert model_folder("org/small") == Path("org/small")


def test_a_hubs_model_that_was_not_downloaded_says_how_to_fetch_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingDataError, match="hf download org/never-downloaded"):
        model_folder("org/never-downloaded")


def test_a_missing_folder_is_not_taken_for_a_hubs_model(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="no model folder"):
        model_folder(str(tmp_path / "gone"))
