"""A snapshot of the machine and the software that a run has."""

import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from asd.core.facts.environment import Cpu, EnvironmentCaptured
from asd.runners import gpus
from asd.runners.git import git_state
from asd.runners.secrets import mask, names_secret

_ALLOWED = re.compile(
    r"(CUDA|NVIDIA|NCCL|OMP|MKL|OPENBLAS|TORCH|PYTORCH|VLLM|SLURM|TOKENIZERS|ASD)_\w+"
    r"|HF_(HOME|HUB_OFFLINE|DATASETS_OFFLINE|HUB_CACHE|ENDPOINT)|TRANSFORMERS_OFFLINE|PYTHONHASHSEED|PYTHONPATH"
    r"|LANG|LC_ALL|TZ|LD_LIBRARY_PATH|LD_PRELOAD|VIRTUAL_ENV|CI"
)


def capture() -> EnvironmentCaptured:
    """The environment of this process, on a machine with or without GPU and git. What cannot be told is None."""
    import psutil

    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(Path.cwd()))
    with gpus.driver() as driver:
        return EnvironmentCaptured(
            gpus=driver.gpus(),
            cpu=_cpu(),
            memory_bytes=memory.total,
            memory_available_bytes=memory.available,
            disk_bytes=disk.total,
            disk_used_bytes=disk.used,
            os=_os(),
            kernel=platform.release(),
            python=platform.python_version(),
            cuda=_cuda() or driver.cuda(),
            driver=driver.version(),
            packages=packages(),
            variables=variables(os.environ),
            git=git_state(Path(__file__).resolve().parent, Path.cwd()),
        )


def packages() -> dict[str, str]:
    """Every installed package with its version, by normalised name."""
    found: dict[str, str] = {}
    for one in distributions():
        name = one.metadata["Name"]
        if name:
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), one.version)
    return dict(sorted(found.items()))


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that can change a run, by an allow-list of names; what looks like a secret is masked."""
    allowed = {name for name in environment if _ALLOWED.fullmatch(name) and not names_secret(name)}
    return {name: mask(environment[name]) for name in sorted(allowed)}


def _cpu() -> Cpu:
    import psutil

    return Cpu(
        model=_cpu_model(),
        architecture=platform.machine(),
        cores=psutil.cpu_count(logical=False),
        threads=psutil.cpu_count(),
        usable=_usable(),
    )


def _usable() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", listing.read_text("utf-8", "replace"), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _os() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.version()}"


def _cuda() -> str | None:
    """The CUDA version that torch was built for, read from its files: importing torch takes seconds."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    version = Path(spec.origin).with_name("version.py")
    found = (
        re.search(r"^cuda\b.*=\s*'([^']+)'", version.read_text("utf-8"), re.MULTILINE) if version.is_file() else None
    )
    return found[1] if found else None
