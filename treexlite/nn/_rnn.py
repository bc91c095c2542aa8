"""RNN: a cell, run over the steps of a sequence.

What flows in: `(*batch, time, *features)`. What flows out: the cell's outputs, at every step or at
the last one, and its final carry when asked. What may mutate: the cell's own state, as in one step
after the other, and `carry` while streaming.

The loop is compiled once for any number of steps. What the cell does with the input alone is taken
out of it and done for all steps together, by `cell.project`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Cache, Kind, Module, Parameter, static
from treexlite._core._record import top_level_trace, trace_state
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError, describe
from treexlite.nn._arguments import int_axes, is_int, positive_int
from treexlite.nn._carry import fit_carry, varying_like
from treexlite.nn._inputs import as_array
from treexlite.nn._recurrent_cell import Cell
from treexlite.nn._sequence_mask import step_mask
from treexlite.transforms import eval_shape, jit, remat, scan


class RNN(Module):
    """Run a cell over the time axis of its input.

    `carry, y[t] = cell(carry, x[t])` for every step `t`, from the first to the last, or the other
    way round. Between `start_cache` and `clear_cache`, a call continues where the call before it
    stopped, so that a sequence may come in pieces.

    Args:
        cell: `LSTMCell`, `GRUCell` and so on; or any module with `cell(carry, x) -> (carry, y)` and
            `cell.initial_carry(batch_shape, dtype) -> carry`. When it has `project(x)` and
            `step(carry, projected)` as well, the loop consists of `step` alone. Its state, such as
            keys, advances from step to step.
        time_axis: position of the time axis in `x` and in the output. None: the one before the
            features, which are the last axis, or the spatial ones and the last for `ConvLSTMCell`.
        reverse: whether to begin with the last step. Outputs stay where their inputs are.
        return_sequences: whether to return the output of every step, or that of the last step read
            (with `reverse`, the first one of the sequence).
        return_state: whether to return the final carry too: `(carry, y)`, as a cell does.
        unroll: how many steps the compiler may write out in one go.
        remat: whether a step's intermediates are computed again during differentiation, instead of
            being kept: the carries of all steps are then all that is kept.

    Shapes:
        x: `(*batch, time, in_features)`, with no or several batch axes too; y: `(*batch, time,
            features)`, without time unless `return_sequences`; mask: `(*batch, time)`; lengths:
            `(*batch,)`.

    State:
        carry: None, and the carry after the last call while streaming. That of the cell.

    Raises:
        ArgumentError: `cell` is no such module; an argument is outside its range; a reversed RNN is
            to stream; `mask` and `lengths` are both given, or are no booleans and integers.
        ShapeError: `x` has too few axes, or `mask`, `lengths` or the carry do not match it.
        RangeError: a length is negative or above the size of the time axis. Inside a transformation
            lengths have no values to look at; the nearest one that is allowed is then meant.
        NotInitializedError: streaming starts before the spatial axes are known from `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.RNN(tx.nn.LSTMCell(4)).init(0, jnp.ones((2, 7, 3)))
        >>> model(jnp.ones((2, 7, 3)), lengths=jnp.array([7, 5])).shape
        (2, 7, 4)
        >>> model.start_cache(2)
        >>> for chunk in (jnp.ones((2, 3, 3)), jnp.ones((2, 4, 3))):
        ...     y = model(chunk)
        >>> model.clear_cache()
        >>> bool(jnp.allclose(y, model(jnp.ones((2, 7, 3)))[:, 3:], atol=1e-6))
        True

    Reference:
        Steps that `mask` or `lengths` leave out do not change the carry and give zeros, as in
        PyTorch's packed sequences and Keras's `zero_output_for_mask`. So a reversed RNN begins with
        the last valid step, as Flax's does. PyTorch and Keras return the output before the carry.
    """

    carry: Any = Cache.node()
    cell: Any
    time_axis: int | None = static()
    reverse: bool = static()
    return_sequences: bool = static()
    return_state: bool = static()
    unroll: int | bool = static()
    remat: bool = static()
    spatial_shape: tuple[int, ...] | None = static()

    def __init__(
        self,
        cell: Module,
        *,
        time_axis: int | None = None,
        reverse: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        unroll: int | bool = 1,
        remat: bool = False,
    ) -> None:
        where = type(self).__name__
        _check_cell(where, cell)
        if time_axis is not None and not is_int(time_axis):
            raise ArgumentError(
                where,
                expected="`time_axis` to be an integer or None",
                received=f"time_axis={describe(time_axis)}",
                fix="Pass the position of the time axis, for example `time_axis=0`.",
            )
        self.carry = None
        self.cell = cell
        self.time_axis = time_axis
        self.reverse = bool(reverse)
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.unroll = unroll if type(unroll) is bool else positive_int(where, "unroll", unroll)
        self.remat = bool(remat)
        self.spatial_shape = None

    def __call__(
        self, x: jax.Array, *, mask: Any = None, lengths: Any = None, initial_carry: Any = None
    ) -> Any:
        """Run over a sequence.

        Args:
            x: the sequence.
            mask: which steps count, `(*batch, time)` booleans, wherever the time axis of `x` is.
            lengths: how many steps at the beginning count, `(*batch,)` integers; instead of `mask`.
            initial_carry: the carry to begin with. None: zeros, or the stored one while streaming.

        Returns:
            The outputs, or `(carry, outputs)` with `return_state`.
        """
        x = as_array(self, x)
        axis = self._position_of_time(x)
        batch_shape = x.shape[:axis] + x.shape[axis + 1 : x.ndim - self._num_feature_axes]
        valid = step_mask(type(self).__name__, mask, lengths, batch_shape, x.shape[axis])
        if trace_state() == top_level_trace() and not self.initializing():
            carry, y = _compiled(self, x, valid, initial_carry)
        else:
            carry, y = self._run(x, valid, initial_carry)
        return (carry, y) if self.return_state else y

    def start_cache(self, batch_size: int | Sequence[int], max_length: int | None = None) -> None:
        """Begin to stream: from now on a call continues where the one before it stopped.

        Args:
            batch_size: the batch axis of all following calls, or a tuple of several.
            max_length: not needed here, where what is kept does not grow.
        """
        where = type(self).__name__
        sizes = (batch_size,) if is_int(batch_size) else int_axes(where, "batch_size", batch_size)
        batch_shape = tuple(positive_int(where, "batch_size", size) for size in sizes)
        if self.reverse:
            raise ArgumentError(
                where,
                expected="an RNN that begins with the first step",
                received="reverse=True",
                fix="Streaming needs `reverse=False`: the last step of a stream is not known.",
            )
        dtype = getattr(self.cell, "param_dtype", jnp.float32)
        self.carry = self.cell.initial_carry((*batch_shape, *self._spatial_shape()), dtype)

    def clear_cache(self) -> None:
        """End streaming: from now on a call begins with zeros again."""
        self.carry = None

    def _run(self, x: jax.Array, valid: jax.Array | None, initial_carry: Any) -> tuple[Any, Any]:
        """Return the final carry and the output."""
        axis, where = self._position_of_time(x), type(self).__name__
        rows = jnp.moveaxis(x, axis, 0)  # (time, *batch, *features)
        projected = self.cell.project(rows) if _is_split(self.cell) else rows
        fresh = self.cell.initial_carry(projected.shape[1:-1], projected.dtype)
        if self.initializing():
            self.cell(fresh, jnp.zeros(rows.shape[1:], rows.dtype))  # creates what loops cannot
            self._note_spatial_shape(projected)
        carry = fit_carry(where, self.carry if initial_carry is None else initial_carry, fresh)
        carry = jax.tree.map(functools.partial(varying_like, like=projected), carry)
        if valid is not None:
            valid = jnp.moveaxis(valid, -1, 0)  # (time, *batch)
        carry, last, ys = self._loop(carry, projected, valid)
        if self.carry is not None:
            self.carry = jax.tree.map(lambda new, old: new.astype(old.dtype), carry, self.carry)
        return carry, jnp.moveaxis(ys, 0, axis) if self.return_sequences else last

    def _loop(self, carry: Any, projected: jax.Array, valid: jax.Array | None) -> Any:
        """Return the final carry, the last output and all outputs, of which one is None."""
        last = None if self.return_sequences else _no_output(self.cell, carry, projected)
        # What does not change is no part of the carry, of which the loop keeps a derivative.
        held = None if _is_pure(self.cell) else self.cell

        def step(state: Any, row: Any) -> Any:
            (held, carry, last), (projected, valid) = state, row
            after, y = _advance(self.cell if held is None else held, carry, projected)
            if valid is not None:
                after = jax.tree.map(functools.partial(_chosen, valid), after, carry)
                y = _chosen(valid, y, jnp.zeros_like(y) if last is None else last)
            return (held, after, None if last is None else y), y if last is None else None

        run = remat(step, prevent_cse=False) if self.remat else step
        (_, carry, last), ys = scan(
            run,
            (held, carry, last),
            (projected, valid),
            length=projected.shape[0],
            reverse=self.reverse,
            unroll=self.unroll,
        )
        return carry, last, ys

    @property
    def _num_feature_axes(self) -> int:
        return int(getattr(self.cell, "num_feature_axes", 1))

    def _position_of_time(self, x: jax.Array) -> int:
        """Return the position of the time axis, counted from the first axis."""
        num_features = self._num_feature_axes
        axis = -1 - num_features if self.time_axis is None else self.time_axis
        position = axis + x.ndim if axis < 0 else axis
        if not 0 <= position < x.ndim - num_features:
            raise ShapeError(
                type(self).__name__,
                expected=(
                    f"the time axis {axis} of `x` to be in front of its feature axes, the last"
                    f" {num_features}"
                ),
                received=f"x={describe(x)}",
                fix="Pass (*batch, time, features), or set `time_axis` to where the time is.",
            )
        return position

    def _note_spatial_shape(self, projected: jax.Array) -> None:
        if self.spatial_shape is None:
            self.spatial_shape = projected.shape[-self._num_feature_axes : -1]

    def _spatial_shape(self) -> tuple[int, ...]:
        if self._num_feature_axes == 1:
            return ()
        if self.spatial_shape is None:
            raise NotInitializedError(
                type(self).__name__,
                expected="an initialised module, which knows the spatial axes of its carry",
                received="`start_cache` before `init`",
                fix="Call `model = model.init(key, inputs)` first.",
            )
        return self.spatial_shape


@jit
def _compiled(rnn: RNN, x: jax.Array, valid: jax.Array | None, initial_carry: Any) -> Any:
    """Run the loop from code that is not compiled, where JAX would compile it at each call."""
    return rnn._run(x, valid, initial_carry)


def _is_split(cell: Any) -> bool:
    return hasattr(cell, "project") and hasattr(cell, "step")


def _is_pure(cell: Any) -> bool:
    """Whether a step of the cell is known to change nothing in it."""
    trained = all(issubclass(info.kind or Kind, Parameter) for info in cell.fields())
    return isinstance(cell, Cell) and trained


def _advance(cell: Any, carry: Any, row: jax.Array) -> Any:
    return cell.step(carry, row) if _is_split(cell) else cell(carry, row)


def _no_output(cell: Any, carry: Any, projected: jax.Array) -> jax.Array:
    """Return zeros like the output of one step."""
    row = jax.ShapeDtypeStruct(projected.shape[1:], projected.dtype)
    _, y = eval_shape(_advance, cell, carry, row)
    return jnp.zeros_like(projected, shape=y.shape, dtype=y.dtype)


def _chosen(valid: jax.Array, new: jax.Array, old: jax.Array) -> jax.Array:
    """Return `new` for the examples of the batch whose step counts, and `old` for the others."""
    return jnp.where(valid.reshape(valid.shape + (1,) * (new.ndim - valid.ndim)), new, old)


def _check_cell(where: str, cell: Any) -> None:
    if not is_module(cell) or not callable(getattr(cell, "initial_carry", None)):
        raise ArgumentError(
            where,
            expected="`cell` to be a module with `initial_carry(batch_shape, dtype)`",
            received=f"cell={describe(cell)}",
            fix="Pass a cell such as `tx.nn.LSTMCell(16)`.",
        )
