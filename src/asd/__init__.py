"""Event-sourced provenance for adaptive speculative decoding. `asd.open(store)` is the way in from Python."""

from typing import TYPE_CHECKING

from asd.core.version import VERSION

if TYPE_CHECKING:
    from asd.views.open import open as open

__all__ = ["__version__", "open"]
__version__ = VERSION


def __getattr__(name: str) -> object:
    """Load `asd.open` when it is first used, so that importing `asd` stays cheap."""
    if name == "open":
        from asd.views.open import open as opened

        return opened
    raise AttributeError(f"module 'asd' has no attribute {name!r}")
