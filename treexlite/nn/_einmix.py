"""EinMix: a linear layer over any axes, written as a pattern.

What flows in: an array of the pattern's left side. What flows out: one of its right side. Nothing
is mutated after `init`. The input is taken apart into single axes, multiplied with the kernel by
one `einsum`, and put together again.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import einops
import jax
import jax.numpy as jnp

from treexlite._core import Module, Parameter, static
from treexlite._core._lazy import is_lazy
from treexlite._errors import ArgumentError
from treexlite.nn._creation import create
from treexlite.nn._einops import (
    axis_sizes,
    check_rearrangement,
    pattern_text,
    rearranged,
    two_sides,
)
from treexlite.nn._initializers import InitFunction, check_initializer, draw
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype

_REST = "..."


class EinMix(Module):
    """Multiply by a kernel over named axes: `EinMix("b t cin -> b t cout", "cin cout", cout=8)`.

    Axes that the kernel has and the right side has not are summed over; those that all three have
    are looped over (each head has a matrix of its own); the others are batch axes.

    Args:
        pattern: the axes of input and output, as in `Rearrange`. Parentheses are allowed, and `...`
            on both sides.
        weight_shape: the axes of the kernel, in its order.
        bias_shape: the axes of the bias, among those of the output; None: no bias.
        kernel_init: name or function; it draws a matrix of (axes summed over, the others), so that
            the default keeps the variance of the input whatever the order of the axes.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.
        **sizes: of axes. Those that the input has are learned at `init`, and may be left out.

    Shapes:
        x: the left side of `pattern`; y: the right side; kernel: `weight_shape`; bias:
            `bias_shape`.

    State:
        None: `kernel` and `bias` change by training only.

    Raises:
        ArgumentError: the pattern or the shapes cannot be read or do not fit together, the size of
            an axis is missing, is no positive integer or belongs to none.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` does not fit the pattern or the kernel.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> heads = tx.nn.EinMix(
        ...     "b t (head cin) -> b t (head cout)", "head cin cout", "head cout", head=2, cout=5
        ... )
        >>> heads = heads.init(0, jnp.ones((1, 3, 8)))
        >>> heads.kernel.shape, heads.bias.shape, heads(jnp.ones((4, 3, 8))).shape
        ((2, 4, 5), (2, 5), (4, 3, 10))

    Reference:
        `einops.layers`' `EinMix`, where all sizes of the kernel are given. It draws from uniform
        distributions (the kernel with the same variance as here), keeps axes of size 1 in the
        bias, and calls the kernel `weight`.
    """

    kernel: jax.Array = Parameter.node()
    bias: jax.Array | None = Parameter.node()
    pattern: str = static()
    weight_shape: str = static()
    bias_shape: str | None = static()
    sizes: dict[str, int] = static()
    kernel_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        pattern: str,
        weight_shape: str,
        bias_shape: str | None = None,
        *,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        **sizes: int,
    ) -> None:
        where = type(self).__name__
        self.pattern = pattern_text(where, "pattern", pattern)
        self.weight_shape = pattern_text(where, "weight_shape", weight_shape)
        self.bias_shape = bias_shape
        if bias_shape is None:
            self.bias = None
        else:
            pattern_text(where, "bias_shape", bias_shape)
        self.sizes = axis_sizes(where, sizes)
        self.kernel_init = check_initializer(where, "kernel_init", kernel_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        _check(where, _parse(where, pattern, weight_shape, bias_shape), self.sizes)

    def __call__(self, x: jax.Array) -> jax.Array:
        where = type(self).__name__
        axes = _parse(where, self.pattern, self.weight_shape, self.bias_shape)
        x = rearranged(where, x, f"{axes.left} -> {_text(axes.before)}", self._known(axes))
        if self.initializing():
            self._create(axes, x)
        dtype = compute_dtype(self.dtype, x, self.kernel, self.bias)
        equation = f"{_text(axes.before)}, {_text(axes.weight)} -> {_text(axes.after)}"
        y: jax.Array = einops.einsum(x.astype(dtype), self.kernel.astype(dtype), equation)
        if self.bias is not None:
            y = y + self._aligned(axes, self.bias, y).astype(dtype)
        return rearranged(where, y, f"{_text(axes.after)} -> {axes.right}", {})

    def _create(self, axes: Axes, x: jax.Array) -> None:
        sizes = {**self.sizes, **_sizes_of(axes.before, x)}
        shape = tuple(sizes[name] for name in axes.weight)
        create(self, "kernel", self._draw_kernel, shape, self.param_dtype)
        if self.bias is not None:
            shape = tuple(sizes[name] for name in axes.bias)
            create(self, "bias", self.bias_init, shape, self.param_dtype)

    def _draw_kernel(self, key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        """Draw a matrix (axes summed over, the others), and put its axes in the kernel's order."""
        where = type(self).__name__
        axes = _parse(where, self.pattern, self.weight_shape, self.bias_shape)
        order = sorted(range(len(shape)), key=lambda n: axes.weight[n] in axes.after)
        inner = [
            size for size, name in zip(shape, axes.weight, strict=True) if name not in axes.after
        ]
        rows, columns = math.prod(inner), math.prod(shape) // max(1, math.prod(inner))
        matrix = draw(where, self.kernel_init, (rows, columns), dtype, key)
        ordered = matrix.reshape([shape[number] for number in order])
        return ordered.transpose([order.index(number) for number in range(len(shape))])

    def _known(self, axes: Axes) -> dict[str, int]:
        """Return the sizes of the input's axes that are known without it."""
        known = dict(self.sizes)
        if not is_lazy(self.kernel):
            known.update(zip(axes.weight, self.kernel.shape, strict=True))
        return {name: size for name, size in known.items() if name in axes.before}

    def _aligned(self, axes: Axes, bias: jax.Array, y: jax.Array) -> jax.Array:
        """Bring the axes of the bias into the order of `y`, with size 1 for those it has not."""
        order = [axes.bias.index(name) for name in axes.after if name in axes.bias]
        sizes = _sizes_of(axes.bias, bias)
        places = _spread(axes.after, y.ndim)
        return bias.transpose(order).reshape([sizes.get(name, 1) for name in places])


class Axes(NamedTuple):
    """A pattern that was read: its sides, and the single axes in their order."""

    left: str
    right: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    weight: tuple[str, ...]
    bias: tuple[str, ...]


@functools.lru_cache(maxsize=1024)
def _parse(where: str, pattern: str, weight_shape: str, bias_shape: str | None) -> Axes:
    left, right = two_sides(where, pattern)
    weight, bias = weight_shape.split(), (bias_shape or "").split()
    axes = Axes(left, right, _single(left), _single(right), tuple(weight), tuple(bias))
    any_size = {name: 1 for name in axes.before if name != _REST}
    check_rearrangement(where, f"{left} -> {_text(axes.before)}", any_size)
    check_rearrangement(where, f"{_text(axes.after)} -> {right}", {})
    for name, names in (("weight_shape", weight), ("bias_shape", bias)):
        if len(names) != len(set(names)) or not all(map(str.isidentifier, names)):
            raise ArgumentError(
                where,
                expected=f"`{name}` to be different names of axes, without parentheses and `...`",
                received=f"{name}={_text(tuple(names))!r}",
                fix=f'Pass single axes, for example `{name}="cin cout"`.',
            )
    return axes


def _check(where: str, axes: Axes, sizes: dict[str, int]) -> None:
    """Refuse patterns whose parts do not fit together."""
    before, after, weight = set(axes.before), set(axes.after), set(axes.weight)
    for wrong, expected, fix in (
        ({_REST} & (before ^ after), "`...` on both sides of the pattern, or on none", "Add it."),
        (
            after - before - weight,
            "every axis on the right to be on the left or in `weight_shape`",
            "Put the new axes of the output into `weight_shape`.",
        ),
        (
            weight - before - after,
            "every axis of `weight_shape` to be in the pattern",
            "Leave out what is used nowhere.",
        ),
        (
            set(axes.bias) - after,
            "every axis of `bias_shape` to be on the right",
            "The bias is added to the output.",
        ),
        (
            weight - before - set(sizes),
            "the size of every axis that only the kernel has",
            "Pass it by name, for example `cout=16`.",
        ),
        (set(sizes) - before - weight, "sizes of axes that there are", "Check the spelling."),
    ):
        if wrong:
            received = ", ".join(f"`{name}`" for name in sorted(wrong))
            raise ArgumentError(where, expected=expected, received=received, fix=fix)


def _single(side: str) -> tuple[str, ...]:
    """Return the single axes of one side: without parentheses, and without axes of size 1."""
    names = side.replace("(", " ").replace(")", " ").replace("…", _REST).split()
    return tuple(name for name in names if name != "1")


def _text(names: tuple[str, ...]) -> str:
    return " ".join(names)


def _spread(names: tuple[str, ...], ndim: int) -> tuple[str, ...]:
    """Return one name for each axis: `...` as often as needed."""
    if _REST not in names:
        return names
    place = names.index(_REST)
    return names[:place] + (_REST,) * (ndim - len(names) + 1) + names[place + 1 :]


def _sizes_of(names: tuple[str, ...], x: jax.Array) -> dict[str, int]:
    """Return the size of each axis that has a name."""
    sizes = zip(_spread(names, x.ndim), x.shape, strict=True)
    return {name: size for name, size in sizes if name != _REST}
