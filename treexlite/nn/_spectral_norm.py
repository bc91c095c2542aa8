"""SpectralNorm: kernels that stretch no input by more than 1."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import BatchStat, Module, static
from treexlite._core._filters import Filter
from treexlite.nn._arguments import positive_int
from treexlite.nn._creation import create
from treexlite.nn._promotion import widened
from treexlite.nn._reparametrized import Reparametrized
from treexlite.nn._unit_norm import inverse_norm, positive_epsilon

_FIRST_STEPS = 15  # PyTorch's number; after them an evaluation makes sense


class SpectralNorm(Reparametrized):
    """Call a layer with kernels that are divided by their largest singular value.

    A kernel `(..., features)` is taken as a matrix with one column for each output feature. Its
    largest singular value is `v @ matrix @ u`, where the unit vectors `u` and `v` come from the
    power method: `u` becomes `v @ matrix` and `v` becomes `matrix @ u`, both brought to length 1.
    Training changes the matrix little in each step, so the vectors are kept, and one step of the
    method keeps them close. No gradient goes through them.

    Args:
        layer: the layer, initialised or not. Its `kernel` trains on as it is, undivided.
        num_steps: steps of the power method in each call in training mode.
        which: the parameters of `layer` that are meant, as a filter.
        epsilon: the shortest length that a vector is divided by.

    Shapes:
        As those of `layer`; u: `(features,)`; v: the other sizes of the kernel, multiplied.

    State:
        That of `layer`. `parts`: for each kernel, by its path in `layer`, a module with `u` and
        `v`: random at first, then 15 steps of the power method by `init`, and `num_steps` by each
        call in training mode, unless frozen.

    Raises:
        ArgumentError: `layer` is no module, or an argument is outside its range.
        PathError: `layer` has no such parameters.
        NotInitializedError: `init` was not called.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.SpectralNorm(tx.nn.Linear(2)).init(0, jnp.ones((1, 3)))
        >>> jnp.linalg.norm(layer.kernels()["kernel"], ord=2).round(3)
        Array(1., dtype=float32)

    Reference:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks (2018). As
        `torch.nn.utils.parametrizations.spectral_norm`. Flax's `nnx.SpectralNorm` overwrites the
        kernel, and takes steps in evaluation too.
    """

    num_steps: int = static()
    epsilon: float = static()

    def __init__(
        self,
        layer: Module,
        *,
        num_steps: int = 1,
        which: Filter = "**/kernel",
        epsilon: float = 1e-12,
    ) -> None:
        super().__init__(layer, which)
        where = type(self).__name__
        self.num_steps = positive_int(where, "num_steps", num_steps)
        self.epsilon = positive_epsilon(where, epsilon)

    def _part(self) -> _Vectors:
        return _Vectors(self.epsilon)

    def _computed(self, part: _Vectors, kernel: jax.Array) -> jax.Array:
        matrix = _matrix(kernel)
        if self.training and not self.frozen:
            sigma = part.step(matrix, self.num_steps)
        else:
            sigma = _product(_product(matrix, part.u), part.v)
        return kernel / jnp.where(sigma == 0, 1, sigma)  # a kernel of zeros stays so


class _Vectors(Module):
    """The singular vectors of one kernel."""

    u: jax.Array = BatchStat.node()
    v: jax.Array = BatchStat.node()
    epsilon: float = static()

    def __init__(self, epsilon: float) -> None:
        self.epsilon = epsilon

    def create(self, kernel: jax.Array) -> None:
        """Start with what the power method finds from a random vector."""
        matrix = lax.stop_gradient(_matrix(kernel))

        def found(key: Any, shape: tuple[int, ...], dtype: Any) -> jax.Array:
            return self._iterated(matrix.T, jax.random.normal(key, shape, dtype), _FIRST_STEPS)

        def other(key: Any, shape: tuple[int, ...], dtype: Any) -> jax.Array:
            return self._unit(_product(matrix, self.u))

        create(self, "u", found, matrix.shape[1:], matrix.dtype)
        create(self, "v", other, matrix.shape[:1], matrix.dtype)

    def step(self, matrix: jax.Array, num_steps: int) -> jax.Array:
        """Take steps of the power method, and return the largest singular value."""
        fixed = lax.stop_gradient(matrix)
        v = self._iterated(fixed, self.v, num_steps - 1)
        u = self._unit(_product(v, fixed))
        image = _product(matrix, u)  # sigma * v
        v = self._unit(lax.stop_gradient(image))
        self.u, self.v = u.astype(self.u.dtype), v.astype(self.v.dtype)
        return _product(image, v)

    def _iterated(self, matrix: jax.Array, v: jax.Array, num_steps: int) -> jax.Array:
        def body(_: Any, v: jax.Array) -> jax.Array:
            return self._unit(_product(matrix, self._unit(_product(v, matrix)))).astype(v.dtype)

        return lax.fori_loop(0, num_steps, body, v) if num_steps else v

    def _unit(self, vector: jax.Array) -> jax.Array:
        return vector * inverse_norm(vector, (0,), self.epsilon)


def _matrix(kernel: jax.Array) -> jax.Array:
    """Return a kernel as a matrix with a column for each output feature."""
    return widened(kernel).reshape(-1, kernel.shape[-1])


def _product(left: jax.Array, right: jax.Array) -> jax.Array:
    return jnp.dot(left, right, precision=lax.Precision.HIGHEST)
