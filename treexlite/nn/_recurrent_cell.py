"""What recurrent cells share: the parts that multiply, and the two halves of a step.

A cell turns a carry and the input of one step into the next carry and an output:
`carry, y = cell(carry, x)`. What it does with `x` alone, `project(x)`, does not depend on the
carry, so that a loop may do it for all steps at once, as one large product; what is left for each
step is `step(carry, projected)`. Both parts are layers, `input` and `recurrent`, with the kernels
of all gates side by side. Nothing is mutated after `init`.

A carry is kept in float32 at least: it sums over many steps, and half precision would lose small
changes. Products are computed in the cell's dtype, and outputs come in it.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Initializer, Module, static
from treexlite.nn._activations import Activation, find_activation
from treexlite.nn._arguments import positive_int, sizes
from treexlite.nn._carry import fit_carry
from treexlite.nn._gate_init import PerGate
from treexlite.nn._initializers import check_initializer, draw
from treexlite.nn._inputs import as_array
from treexlite.nn._linear import Linear
from treexlite.nn._policy import choose_dtypes


class Cell(Module):
    """One step of a recurrence; see the module's text for the protocol."""

    features: int = static()
    activation: str | Activation = static()
    gate_activation: str | Activation = static()
    dtype: Any = static()
    param_dtype: Any = static()
    input: Any  # a layer
    recurrent: Any  # a layer

    def __init__(
        self,
        features: int,
        *,
        activation: str | Activation,
        gate_activation: str | Activation,
        dtype: Any,
        param_dtype: Any,
    ) -> None:
        where = type(self).__name__
        find_activation(where, activation)
        find_activation(where, gate_activation)
        self.features = positive_int(where, "features", features)
        self.activation = activation
        self.gate_activation = gate_activation
        choose_dtypes(self, dtype, param_dtype)

    def __call__(self, carry: Any, x: jax.Array) -> tuple[Any, jax.Array]:
        """Make one step.

        Args:
            carry: what the step before returned, or None for the first one.
            x: the input, `(*batch, in_features)`.

        Returns:
            The next carry, and the output `(*batch, features)`.
        """
        projected = self.project(x)
        fresh = self.initial_carry(projected.shape[:-1], projected.dtype)
        return self.step(fit_carry(type(self).__name__, carry, fresh), projected)

    @property
    def num_feature_axes(self) -> int:
        """How many axes of the input of a step are not batch axes."""
        return 1

    def project(self, x: jax.Array) -> jax.Array:
        """Return the part of a step that depends on `x` alone; all leading axes are alike."""
        projected: jax.Array = self.input(as_array(self, x))
        return projected

    @abc.abstractmethod
    def step(self, carry: Any, projected: jax.Array) -> tuple[Any, jax.Array]:
        """Return the next carry and the output, given what `project` returned for this step."""

    def initial_carry(self, batch_shape: Sequence[int], dtype: Any = jnp.float32) -> Any:
        """Return the carry of the first step, zeros.

        Args:
            batch_shape: the axes of the output before its features.
            dtype: what the step computes in; the carry is in float32 at least.
        """
        shape = sizes(type(self).__name__, "batch_shape", batch_shape)
        return jnp.zeros((*shape, self.features), jnp.promote_types(dtype, jnp.float32))

    def _recur(self, h: jax.Array, projected: jax.Array) -> jax.Array:
        """Return the recurrent part of a step, in the dtype of `h`."""
        product: jax.Array = self.recurrent(h.astype(projected.dtype))
        return product.astype(h.dtype)

    def _activations(self) -> tuple[Activation, Activation]:
        """Return the functions of the gates and of everything else."""
        where = type(self).__name__
        gate = find_activation(where, self.gate_activation)
        return gate, find_activation(where, self.activation)


def linear_part(
    cell: Cell,
    num_gates: int,
    name: str,
    init: Any,
    *,
    use_bias: bool = False,
    bias_init: Any = "zeros",
) -> Linear:
    """Return a part of a cell whose gates are matrix products.

    Args:
        cell: whose features and dtypes it has.
        num_gates: how many kernels stand side by side in its kernel.
        name: what the cell calls the initialiser `init`.
        init: name or function, for the kernel of one gate.
        use_bias: whether it adds a bias.
        bias_init: name or function, for the bias of all gates.
    """
    where = type(cell).__name__
    kernel_init = PerGate(check_initializer(where, name, init), num_gates)
    check_initializer(where, "bias_init", bias_init)
    return Linear(
        num_gates * cell.features,
        use_bias=use_bias,
        kernel_init=kernel_init,
        bias_init=bias_init,
        dtype=cell.dtype,
        param_dtype=cell.param_dtype,
    )


def candidate_bias(cell: Cell, bias_init: Any, wanted: bool) -> Any:
    """Return what a field for the recurrent bias of the candidate holds until `init`."""
    if not wanted:
        return None
    where, shape = type(cell).__name__, (cell.features,)
    return Initializer(functools.partial(_drawn, where, bias_init, shape, cell.param_dtype))


def _drawn(where: str, init: Any, shape: tuple[int, ...], dtype: Any, key: jax.Array) -> jax.Array:
    return draw(where, init, shape, dtype, key)
