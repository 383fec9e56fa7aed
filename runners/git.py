"""The state of the code that runs, as git knows it."""

import os
import subprocess
from hashlib import sha256
from pathlib import Path

from asd.core.facts.environment import Git
from asd.runners.secrets import mask

_LARGE = 1 << 20


def git_state(source: Path, here: Path) -> Git | None:
    """The repository of `source` where it is tracked in one, else that of `here`; None where there is no git.

    A package installed into an environment lies within some project's folder without being part of it, hence the
    question whether it is tracked.
    """
    if _git(source, "ls-files", "--error-unmatch", "__init__.py") is not None:
        return _state(source)
    return _state(here)


def _state(folder: Path) -> Git | None:
    commit = _text(folder, "rev-parse", "HEAD")
    top = _text(folder, "rev-parse", "--show-toplevel")
    if commit is None or top is None:
        return None
    remote = _text(Path(top), "config", "--get", "remote.origin.url")
    clean = not _git(Path(top), "status", "--porcelain")
    return Git(
        commit=commit,
        branch=_text(folder, "symbolic-ref", "--short", "-q", "HEAD"),
        clean=clean,
        diff_sha256=None if clean else _difference(Path(top)),
        remote=mask(remote) if remote else None,
        committed_at=_text(folder, "log", "-1", "--format=%cI"),
        author=_text(folder, "log", "-1", "--format=%an <%ae>"),
    )


def _difference(top: Path) -> str:
    """SHA-256 over the difference to the commit and every untracked file's name, size and, up to 1 MiB, bytes."""
    digest = sha256(_git(top, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv") or b"")
    names = (_git(top, "ls-files", "--others", "--exclude-standard", "-z") or b"").split(b"\0")
    for name in sorted(filter(None, names)):
        file = top / os.fsdecode(name)
        size = file.lstat().st_size if file.is_symlink() or file.exists() else -1
        digest.update(b"%s\0%d\0" % (name, size))
        if file.is_file() and not file.is_symlink() and size <= _LARGE:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _text(folder: Path, *arguments: str) -> str | None:
    output = _git(folder, *arguments)
    return output.decode("utf-8", "replace").strip() or None if output is not None else None


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, or None where it fails or is missing. It takes no locks and starts no helpers."""
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
