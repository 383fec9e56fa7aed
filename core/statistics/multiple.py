"""Families of tests: adjusted p-values."""

from collections.abc import Sequence

import numpy as np

from asd.core.arrays import FloatArray
from asd.core.errors import UsageError


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given: they hold the family-wise error (Holm 1979)."""
    found = _checked(p_values)
    order = np.argsort(found, kind="stable")
    steps = found[order] * np.arange(len(found), 0, -1)
    return _unsorted(np.minimum(np.maximum.accumulate(steps), 1.0), order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values (1995), in the order given: they hold the false discovery rate."""
    found = _checked(p_values)
    order = np.argsort(found, kind="stable")
    steps = found[order] * len(found) / np.arange(1, len(found) + 1)
    return _unsorted(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0), order)


def _checked(p_values: Sequence[float]) -> FloatArray:
    found = np.asarray(p_values, dtype=np.float64)
    if not ((found >= 0) & (found <= 1)).all():
        raise UsageError("p-values are numbers between 0 and 1")
    return found


def _unsorted(values: FloatArray, order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[float]:
    result = np.empty(len(values))
    result[order] = values
    return [float(value) for value in result]
