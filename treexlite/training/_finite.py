"""Data that is no number, found before it is trained on. In: a batch. Out: it, or an error."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from treexlite._errors import DataError
from treexlite.training._data import Batch, label


def check_finite(where: str, batch: Batch) -> Batch:
    """Return a batch that has neither NaN nor infinity.

    Raises:
        DataError: it has; the message says in which array, and at which example first.
    """
    for path, leaf in jax.tree_util.tree_flatten_with_path(batch)[0]:
        _check(where, label(path), np.asarray(leaf))
    return batch


def _check(where: str, name: str, array: Any) -> None:
    if not np.issubdtype(array.dtype, np.inexact) and array.dtype.kind != "V":  # bfloat16 is "V"
        return
    finite = np.isfinite(array)
    if finite.all():
        return
    by_example = finite.reshape(len(array), -1).all(axis=1)
    first = int(np.argmin(by_example))
    raise DataError(
        where,
        expected=f"finite numbers in `{name}`",
        received=f"{int((~by_example).sum())} examples with NaN or infinity, the first is "
        f"{name}[{first}]",
        fix="Clean the data, or leave `check_finite` out.",
    )
