"""Repeated: N equal blocks in a row, traced and compiled as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._context import current_init
from treexlite._core import Module, unstack
from treexlite._core._record import top_level_trace, trace_state
from treexlite._core._registry import is_numeric
from treexlite._errors import ShapeError
from treexlite.nn._arguments import positive_int
from treexlite.nn._cache import clear_cache, keeps_cache, start_cache
from treexlite.nn._copies import create_copies, description
from treexlite.transforms import jit, remat, scan, vmap


class Repeated(Module):
    """Call `num` blocks one after the other, each with the output of the one before.

    The blocks are built alike and have parameters of their own, kept in one stacked module, through
    which a compiled loop runs. So the time to trace and to compile does not grow with `num`, where
    `Sequential` traces every block.

    Args:
        block: a module that is not initialised; its output has the shape and dtype of its input.
        num: how many blocks, at least 1.
        remat: whether a block's intermediates are computed again during differentiation, instead of
            being kept: memory for one block and `num` inputs, not for `num` blocks.
        unroll: how many blocks the compiler may write out in one go.

    Shapes:
        x: what the block takes; y: the same.

    State:
        That of the blocks. Each has its own, random keys included.

    Raises:
        ArgumentError: `block` is initialised already or no module, or `num` is below 1.
        ShapeError: the block's output has another shape or dtype than its input.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Repeated(tx.nn.Linear(8), 12).init(0, jnp.ones((1, 8)))
        >>> model(jnp.ones((5, 8))).shape, model.block.kernel.shape, len(model.unstacked())
        ((5, 8), (12, 8, 8), 12)

    Reference:
        The `scan` over layers of Flax (`nn.scan`, `nnx.scan`) and MaxText.
    """

    block: Module

    def __init__(
        self, block: Module, num: int, *, remat: bool = False, unroll: int | bool = 1
    ) -> None:
        where = type(self).__name__
        self.num = positive_int(where, "num", num)
        self.block = description(where, "block", block, "use `tx.scan` over `tx.stack(blocks)`")
        self.remat = remat
        self.unroll = unroll

    def __call__(self, x: Any, *args: Any) -> Any:
        """Run all blocks; `args` go to each of them unchanged."""
        if current_init() is not None:
            create_copies(self, "block", self.num, (x, *args))
        elif trace_state() == top_level_trace() and all(map(_is_data, (x, *args))):
            return _compiled(self, x, *args)
        return self._scan(x, *args)

    def _scan(self, x: Any, *args: Any) -> Any:
        call = remat(_call, prevent_cse=False) if self.remat else _call

        def step(x: Any, block: Any) -> Any:
            output = call(block, x, *args)
            _check_alike(type(self).__name__, x, output)
            return output, None

        output, _ = scan(step, x, self.block, length=self.num, unroll=self.unroll)
        return output

    def start_cache(self, batch_size: int | Sequence[int], max_length: int | None = None) -> None:
        """Give every block a cache of its own, in place; see `tx.nn.start_cache`."""
        if keeps_cache(self.block):
            vmap(lambda block: start_cache(block, batch_size, max_length))(self.block)

    def clear_cache(self) -> None:
        """Remove the caches of the blocks, in place."""
        clear_cache(self.block)

    def unstacked(self) -> list[Any]:
        """Return the blocks as single modules, in order; new ones, that share nothing with this."""
        return unstack(self.block)


@jit
def _compiled(repeated: Repeated, x: Any, *args: Any) -> Any:
    """Run the loop from code that is not compiled, where JAX would compile it at each call."""
    return repeated._scan(x, *args)


def _is_data(value: Any) -> bool:
    return value is None or is_numeric(value)


def _call(block: Any, *args: Any) -> Any:
    return block(*args)


def _check_alike(where: str, x: Any, output: Any) -> None:
    """Refuse a block whose output the next one could not take."""
    taken, returned = jax.tree.map(_shape, x), jax.tree.map(_shape, output)
    if taken != returned:
        raise ShapeError(
            where,
            expected=f"a block that returns what it takes, here {taken}",
            received=f"a block that returned {returned}",
            fix="Give its output the size of its input, or use `Sequential` where blocks differ.",
        )


def _shape(value: Any) -> str:
    return f"{jnp.result_type(value)}{list(jnp.shape(value))}"
