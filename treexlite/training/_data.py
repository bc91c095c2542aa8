"""Data sets: what a batch is, trees of arrays in memory, and the order in which they are visited.

What flows in: trees of arrays whose first axes count the same examples. What flows out: the same
trees, checked, and orders that follow from a seed. Nothing is mutated.

The order is drawn by NumPy, because XLA sorts to permute: 20 milliseconds against 0.6 for 60,000
rows.
"""

from __future__ import annotations

import math
import numbers
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import ArgumentError, DataError, describe
from treexlite.training._leaves import SparseRows, as_leaf


class Batch(NamedTuple):
    """What a step gets: inputs, targets, weights of the examples; missing parts are None."""

    x: Any
    y: Any = None
    sample_weight: Any = None


class Arrays:
    """A data set in memory, or one batch: a `Batch` with all its examples.

    Args:
        where: the method that names itself in errors.
        batch: trees of arrays (NumPy, JAX, pandas, torch, SciPy sparse, or with `__array__`).

    Attributes:
        batch: the same trees, with NumPy or JAX arrays or `SparseRows`.
        num_examples: the size of every first axis.

    Raises:
        DataError: a leaf has no axis or no numbers, the lengths differ, or there is no example.
    """

    def __init__(self, where: str, batch: Batch) -> None:
        self.where = where
        self.batch: Batch = jax.tree_util.tree_map_with_path(
            lambda path, leaf: as_leaf(where, label(path), leaf), batch, is_leaf=_is_sparse_rows
        )
        self.num_examples = self._check_lengths()

    def _check_lengths(self) -> int:
        paths, _ = jax.tree_util.tree_flatten_with_path(self.batch)
        lengths = {label(path): leaf.shape[0] for path, leaf in paths}
        if not jax.tree_util.tree_leaves(self.batch.x):
            expected, received = "at least one array in `x`", f"x={describe(self.batch.x)}"
        elif len(set(lengths.values())) > 1:
            expected = "as many examples in every array"
            received = ", ".join(f"len({name})={length}" for name, length in lengths.items())
        elif 0 in lengths.values():
            expected, received = "at least one example", "len(x)=0"
        else:
            return int(next(iter(lengths.values())))
        raise DataError(
            self.where,
            expected=expected,
            received=received,
            fix="The first axis of every array counts the examples; pass the same ones in all.",
        )

    @property
    def nbytes(self) -> int:
        """How many bytes the examples take as dense arrays."""
        return sum(int(leaf.nbytes) for leaf in jax.tree_util.tree_leaves(self.batch))

    def rows(self, rows: Any) -> Batch:
        """Return some examples, as NumPy or JAX arrays."""
        taken: Batch = jax.tree_util.tree_map(lambda leaf: leaf[rows], self.batch)
        return taken

    def split(self, fraction: Any) -> tuple[Arrays, Arrays]:
        """Return all but the last `fraction` of the examples, and the last ones.

        Raises:
            ArgumentError: `fraction` is not between 0 and 1.
            DataError: one of the two parts would be empty.
        """
        if not isinstance(fraction, numbers.Real) or not 0 < float(fraction) < 1:
            raise ArgumentError(
                self.where,
                expected="`validation_split` in [0, 1)",
                received=f"validation_split={fraction!r}",
                fix="Pass the share of the examples to validate on, for example 0.2.",
            )
        count = math.floor(self.num_examples * (1 - float(fraction)))
        if not 0 < count < self.num_examples:
            raise DataError(
                self.where,
                expected="at least one example on each side of `validation_split`",
                received=f"{self.num_examples} examples, validation_split={fraction!r}",
                fix="Pass more examples, or the ones to validate on as `validation_data`.",
            )
        halves = slice(None, count), slice(count, None)
        first, second = (Arrays(self.where, self.rows(half)) for half in halves)
        return first, second


def _is_sparse_rows(leaf: Any) -> bool:
    return isinstance(leaf, SparseRows)


def label(path: tuple[Any, ...]) -> str:
    """Return what the user would write for a leaf of a batch: `x`, `y['mask']`."""
    return f"{path[0].name}{jax.tree_util.keystr(path[1:])}"


def on_device(batch: Batch) -> Batch:
    """Return a batch as JAX arrays."""
    moved: Batch = jax.tree_util.tree_map(_as_jax, batch)
    return moved


def _as_jax(leaf: Any) -> jax.Array:
    return jnp.asarray(np.asarray(leaf) if isinstance(leaf, SparseRows) else leaf)


def shapes(batch: Any, length: int | None = None) -> Any:
    """Return what `on_device` makes of a batch, or of its first `length` examples, as shapes."""

    def shape(leaf: Any) -> jax.ShapeDtypeStruct:
        count = len(leaf) if length is None else min(len(leaf), length)
        is_jax = isinstance(leaf, jax.Array)
        dtype = leaf.dtype if is_jax else jax.dtypes.canonicalize_dtype(leaf.dtype)
        return jax.ShapeDtypeStruct((count, *leaf.shape[1:]), dtype)

    return jax.tree_util.tree_map(shape, batch)


def shuffled(seed: int, epoch: int, num_examples: int) -> np.ndarray:
    """Return the order of the examples in an epoch: a pure function of its arguments."""
    generator = np.random.Generator(np.random.Philox(key=[seed % 2**64, epoch]))
    return generator.permutation(num_examples).astype(np.int32)


def in_order(num_examples: int) -> np.ndarray:
    """Return the order in which the examples were given."""
    return np.arange(num_examples, dtype=np.int32)


def take(data: Batch, rows: Any, index: Any) -> Batch:
    """Gather the examples of one batch: those of a row of `rows`, or all when there are none."""
    if rows is None:
        return data
    numbers = jax.lax.dynamic_index_in_dim(rows, index, keepdims=False)
    gathered: Batch = jax.tree_util.tree_map(
        lambda array: jnp.take(array, numbers, axis=0, mode="clip"), data
    )
    return gathered
