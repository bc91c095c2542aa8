"""Initialisers without chance: the key is not used, and may be None.

They are objects and not closures, so a layer that keeps one can be pickled, and prints what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from treexlite._errors import ShapeError
from treexlite.nn._arguments import positive_int


class Fixed:
    """What marks an initialiser that needs no key."""

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        """Return the first value of a parameter."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Fixed):
    """What `constant` makes."""

    value: ArrayLike

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jnp.full(shape, self.value, dtype)


@dataclass(frozen=True)
class Identity(Fixed):
    """What `identity` makes."""

    scale: float
    groups: int

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        if len(shape) < 2 or shape[-1] % self.groups:
            raise ShapeError(
                "initializers.identity",
                expected=f"a kernel (*window, in / {self.groups}, out), with `out` divisible by"
                f" groups={self.groups}",
                received=f"shape={shape}",
                fix="Use it for kernels of linear layers and convolutions.",
            )
        *window, in_features, out_features = shape
        per_group = out_features // self.groups
        eye = np.tile(np.eye(in_features, per_group), self.groups)  # (in / groups, out)
        return at_center(self.scale * jnp.asarray(eye, dtype), window)


def constant(value: ArrayLike) -> Fixed:
    """Make an initialiser that fills with one value, or with an array that broadcasts.

    Example:
        >>> import treexlite as tx
        >>> tx.nn.initializers.constant(-7)(None, (2,), "float32")
        Array([-7., -7.], dtype=float32)

    Reference:
        The numbers are those of `jax.nn.initializers.constant`.
    """
    return Constant(value)


def identity(scale: float = 1.0, *, groups: int = 1) -> Fixed:
    """Make an initialiser of layers that return their input, `scale` times.

    For a matrix it is the identity, rectangular where the sizes differ: features beyond are dropped
    or zero. For the kernel of a convolution the identity stands in the centre of the window, so
    that strides 1 and `padding="SAME"` return the input.

    Args:
        scale: factor; small ones suit the last layer of a residual branch.
        groups: those of the convolution; each group of channels is returned by itself.

    Raises:
        ArgumentError: `groups` is no positive integer.
        ShapeError: (when called) the shape has less than two axes, or `groups` does not divide the
            last one.

    Example:
        >>> import treexlite as tx
        >>> tx.nn.initializers.identity(2.0)(None, (2, 3), "float32")
        Array([[2., 0., 0.],
               [0., 2., 0.]], dtype=float32)

    Reference:
        `torch.nn.init.eye_` and `dirac_`, and Keras's `Identity`. In windows of even size PyTorch's
        centre is one later, which shifts the output of its `padding="same"` by one.
    """
    return Identity(float(scale), positive_int("initializers.identity", "groups", groups))


def at_center(matrix: jax.Array, window: list[int]) -> jax.Array:
    """Return a kernel (*window, in, out) with `matrix` in its centre, and zeros around."""
    center = tuple((size - 1) // 2 for size in window)
    return jnp.zeros((*window, *matrix.shape), matrix.dtype).at[center].set(matrix)
