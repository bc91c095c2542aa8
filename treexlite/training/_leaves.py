"""What users hold data in, turned into arrays.

In: one leaf of a tree of data: a NumPy or JAX array, a pandas frame or series, a torch or
TensorFlow tensor, a SciPy sparse matrix, anything with `__array__`. Out: a NumPy or JAX array whose
first axis counts the examples, or `SparseRows`. Nothing is mutated; no such package is imported.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np

from treexlite._errors import DataError, describe

_FIX = "Pass NumPy or JAX arrays, or tuples or dicts of them; `numpy.asarray` makes them."
_FIXES = {
    "RaggedTensor": "Make the rows equally long: `ragged.to_tensor()`.",
    "SparseTensor": "Make it dense, `tf.sparse.to_dense(sparse)`, or pass a SciPy sparse matrix.",
}


class SparseRows:
    """A SciPy sparse matrix that stays sparse; the rows of a batch become dense.

    Args:
        matrix: any SciPy sparse matrix or array of two dimensions.
    """

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix.tocsr()
        self.shape: tuple[int, ...] = tuple(matrix.shape)
        self.dtype = np.dtype(matrix.dtype)
        self.ndim = len(self.shape)

    @property
    def data(self) -> np.ndarray:
        """The numbers that are stored."""
        stored: np.ndarray = self._matrix.data
        return stored

    @property
    def nbytes(self) -> int:
        """How many bytes the dense array would have."""
        return math.prod(self.shape) * int(self.dtype.itemsize)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, slice):
            return SparseRows(self._matrix[rows])
        return self._matrix[rows].toarray()

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        dense: np.ndarray = self._matrix.toarray()
        return dense if dtype is None else dense.astype(dtype)


def is_array_like(value: Any) -> bool:
    """Whether `value` is one array of data, in whatever package's clothes."""
    return (
        isinstance(value, (np.ndarray, jax.Array, SparseRows, np.generic))
        or hasattr(value, "__array__")
        or _is_sparse(value)
    )


def _is_sparse(value: Any) -> bool:
    return hasattr(value, "tocsr") and hasattr(value, "toarray") and len(value.shape) == 2


def as_leaf(where: str, label: str, leaf: Any) -> Any:
    """Return one leaf as an array with a first axis.

    Raises:
        DataError: it has no axis, holds no numbers, or whole numbers that do not fit on the device.
    """
    if isinstance(leaf, (jax.Array, SparseRows)):
        array: Any = leaf
    elif _is_sparse(leaf):
        array = SparseRows(leaf)
    else:
        array = _of_tensor(leaf) if hasattr(leaf, "detach") else np.asarray(leaf)
    is_typed_key = isinstance(array, jax.Array)  # their dtypes have no kind
    if array.ndim == 0 or (not is_typed_key and array.dtype.kind in "OSUMm"):
        raise DataError(
            where,
            expected=f"`{label}` to be an array of numbers whose first axis counts the examples",
            received=f"{label}={describe(leaf)}",
            fix=_FIXES.get(type(leaf).__name__, _FIX),
        )
    _check_width(where, label, array)
    return array


def _of_tensor(tensor: Any) -> np.ndarray:
    """Return a torch tensor as a NumPy array; bfloat16, which NumPy lacks, by way of float32."""
    tensor = tensor.detach().cpu()
    if str(getattr(tensor, "dtype", None)) == "torch.bfloat16":
        return np.asarray(tensor.float()).astype(jax.numpy.bfloat16)
    return np.asarray(tensor)


def _check_width(where: str, label: str, array: Any) -> None:
    """Refuse 64-bit whole numbers that JAX would cut down to other ones without a word.

    Raises:
        DataError: there are some.
    """
    values = array.data if isinstance(array, SparseRows) else array
    if isinstance(values, jax.Array) or values.dtype.kind not in "iu" or not values.size:
        return
    kept = jax.dtypes.canonicalize_dtype(values.dtype)
    if kept == values.dtype:
        return
    limits, least, most = np.iinfo(kept), int(values.min()), int(values.max())
    if least < limits.min or most > limits.max:
        raise DataError(
            where,
            expected=f"`{label}` to fit into {kept}, from {limits.min} to {limits.max}",
            received=f"{label}={describe(array)}, from {least} to {most}",
            fix="Number the values anew, pass them as floats, or enable `jax_enable_x64`.",
        )
