"""Features and weights as scikit-learn's users have them, turned into what a trainer takes.

In: arrays that scikit-learn has checked, weights of examples and of classes. Out: NumPy arrays
whose numbers JAX keeps as they are. Nothing is mutated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.class_weight import compute_sample_weight

from treexlite._errors import DataError, describe

# What scikit-learn's validation leaves as it is; everything else becomes float32, the first.
KEPT = (np.float32, np.int32, np.int64, np.int16, np.int8, np.uint8, np.uint16, np.uint32, np.bool_)


def narrowed(x: np.ndarray) -> np.ndarray:
    """Return integers of 64 bits, which JAX would cut off, as int32 or as float32."""
    if x.dtype not in (np.int64, np.uint32):
        return x
    limits = np.iinfo(np.int32)
    fits = x.size == 0 or (x.min() >= limits.min and x.max() <= limits.max)
    return x.astype(np.int32 if fits else np.float32)


def weights(
    where: str, sample_weight: Any, class_weight: Any, y: np.ndarray, *, rescale: bool
) -> np.ndarray | None:
    """Return how much each example counts, or None when all count the same.

    Args:
        where: the method that names itself in errors.
        sample_weight: one number of at least 0 for each example, or None.
        class_weight: None, "balanced", or `{label: number}`; as in scikit-learn.
        y: the labels, as the user gave them.
        rescale: whether to divide by the mean, so that the scale of the weights is no matter.

    Raises:
        DataError: the weights are no such numbers, or all of them are 0.
    """
    if sample_weight is None and class_weight is None:
        return None
    weight = np.ones(y.shape[0])
    if sample_weight is not None:
        given = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
        )
        if given.ndim != 1 or len(given) != y.shape[0] or (given < 0).any():
            raise DataError(
                where,
                expected=f"`sample_weight` to be {y.shape[0]} numbers, none of them below 0",
                received=f"sample_weight={describe(given)}",
                fix="Pass one weight for each example.",
            )
        weight = given
    if class_weight is not None:
        weight = weight * compute_sample_weight(class_weight, y)
    if not weight.any():
        raise DataError(
            where,
            expected="a weight that is not zero",
            received="weights that are all zero",
            fix="Leave out the examples that do not count, not all of them.",
        )
    return np.asarray(weight / weight.mean() if rescale else weight, np.float32)
