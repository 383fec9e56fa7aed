"""Where a model's files lie."""

from pathlib import Path

from asd.core.errors import MissingDataError
from asd.runners.paths import PACKAGED, written_path


def model_folder(path: str) -> Path:
    """The folder of a model: `path` itself, or where a hub's model of that name was downloaded to.

    Nothing is downloaded here: weights are large, and fetching them belongs before a run. Raises `MissingDataError`
    where there is no such folder and no such download.
    """
    folder = written_path(path)
    if folder.is_dir():
        return folder
    if path.startswith((".", "/", "~", "$", PACKAGED)) or path.count("/") > 1:
        raise MissingDataError(f"no model folder {folder}; set the stage's path")
    return _downloaded(path)


def _downloaded(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise MissingDataError(
            f"the model {name} is not on this machine; fetch it first: hf download {name}"
        ) from error
