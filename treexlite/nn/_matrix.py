"""Kernels of many axes that are drawn as matrices.

Initialisers know fans by position: the last axis of a kernel is its output, the last but one its
input. A kernel with several input or output axes is therefore drawn as the matrix (in, out) that it
stands for, and brought into its own layout afterwards. Axes that are neither, along which separate
maps stand side by side, get one matrix for each entry.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax

from treexlite._core import Module
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, draw, is_random


def create_as_matrix(
    module: Module,
    name: str,
    initializer: str | InitFunction,
    shape: tuple[int, ...],
    dtype: Any,
    *,
    in_axes: Sequence[int],
    out_axes: Sequence[int],
) -> None:
    """Do what `create` does, for a kernel with these input and output axes."""
    if is_random(initializer):
        where = type(module).__name__
        rest = [axis for axis in range(len(shape)) if axis not in (*in_axes, *out_axes)]
        axes = (rest, list(in_axes), list(out_axes))
        initializer = functools.partial(draw_matrices, where, initializer, axes)
    create(module, name, initializer, shape, dtype)


def draw_matrices(
    where: str,
    initializer: str | InitFunction,
    axes: tuple[list[int], list[int], list[int]],
    key: jax.Array,
    shape: tuple[int, ...],
    dtype: Any,
) -> jax.Array:
    """Return a kernel of this shape, one matrix for each entry of its first group of axes.

    Args:
        where: the layer, for errors.
        initializer: name or function.
        axes: those with a matrix for each entry, the input axes, the output axes.
        key: for the random numbers.
        shape: of the kernel.
        dtype: of the kernel.
    """
    count, rows, columns = (math.prod(shape[axis] for axis in group) for group in axes)
    draw_one = functools.partial(draw, where, initializer, (rows, columns), dtype)
    order = [axis for group in axes for axis in group]
    values = jax.vmap(draw_one)(jax.random.split(key, count)) if axes[0] else draw_one(key)
    values = values.reshape([shape[axis] for axis in order])  # (*rest, *in, *out)
    return values.transpose([order.index(axis) for axis in range(len(shape))])
