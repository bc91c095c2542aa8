"""Einsum: any linear map that an equation can say.

What flows in: an array. What flows out: its product with a kernel, axes named by letters. Nothing
is mutated after `init`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._core import Module, Parameter, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import positive_int
from treexlite.nn._axes import along
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._matrix import create_as_matrix
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype


class _Parts(NamedTuple):
    """The parts of an equation `"x,kernel->y"`."""

    x: str
    kernel: str
    y: str


class Einsum(Module):
    """Multiply with a kernel as an equation says: `y = einsum(equation, x, kernel) + bias`.

    Args:
        equation: letters for the axes of `x`, of the kernel and of the output, `"btd,dhk->bthk"`.
            Axes of `x` and `y` that do not matter may be `...`.
        sizes: the size of every letter that only kernel and output have: `{"h": 4, "k": 8}`. Those
            of `x` are learned at `init`; the ones given here are checked.
        bias_axes: letters of the output for which there is a bias, `"hk"`; it is the same along all
            others. None: no bias.
        kernel_init: name or function. It draws the kernel as a matrix from the letters that are
            summed over to the new ones, so that the default keeps the variance of the input; one
            matrix for each entry of letters that `x`, kernel and output all have.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x, y, kernel: as the equation says; bias: the sizes of `bias_axes`, in the order of the
            output.

    State:
        None: `kernel` and `bias` change by training only.

    Raises:
        ArgumentError: the equation makes no sense; `sizes` lack a letter or have one too many;
            `bias_axes` are not in the output.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` does not fit the equation, or has other sizes than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Einsum("...d,dhk->...hk", {"h": 4, "k": 8}, bias_axes="hk")
        >>> layer = layer.init(0, jnp.ones((1, 5, 32)))
        >>> layer.kernel.shape, layer.bias.shape, layer(jnp.ones((2, 5, 32))).shape
        ((32, 4, 8), (4, 8), (2, 5, 4, 8))

    Reference:
        The numbers are those of `flax.nnx.Einsum` and Keras's `EinsumDense`. Both want shapes
        instead of letters; Flax takes the fan-in from the last axis but one.
    """

    kernel: jax.Array = Parameter.node()
    bias: jax.Array | None = Parameter.node()
    equation: str = static()
    sizes: tuple[tuple[str, int], ...] = static()
    bias_axes: str = static()
    kernel_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        equation: str,
        sizes: Mapping[str, int] | None = None,
        *,
        bias_axes: str | None = None,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.equation = _parsed(where, equation)
        self.sizes = _checked_sizes(where, self.equation, {} if sizes is None else sizes)
        self.bias_axes = _checked_axes(where, self.equation, "" if bias_axes is None else bias_axes)
        self.kernel_init = check_initializer(where, "kernel_init", kernel_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        if bias_axes is None:
            self.bias = None

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        sizes = self._sizes_of(x)
        if self.initializing():
            self._create(sizes)
        self._check_kernel(x, sizes)
        dtype = compute_dtype(self.dtype, x, self.kernel, self.bias)
        y = jnp.einsum(self.equation, x.astype(dtype), self.kernel.astype(dtype))
        if self.bias is None:
            return y
        form = _split(self.equation).y
        positions = [_position(form, letter, y.ndim) for letter in self.bias_axes]
        return y + along(self.bias.astype(dtype), positions, y)

    def _sizes_of(self, x: jax.Array) -> dict[str, int]:
        """Return the size of every letter, the ones of `x` from its shape."""
        form = _split(self.equation).x
        letters = form.replace("...", "")
        enough = x.ndim >= len(letters) if "..." in form else x.ndim == len(letters)
        found = dict(self.sizes)
        for letter in letters if enough else "":
            size = x.shape[_position(form, letter, x.ndim)]
            enough = enough and found.setdefault(letter, size) == size
        if not enough:
            given = ", ".join(f"{letter}={size}" for letter, size in self.sizes)
            raise ShapeError(
                type(self).__name__,
                expected=f"`x` to have the axes {form!r}" + (given and f" with {given}"),
                received=f"x={describe(x)}",
                fix="Pass an array with one axis for each letter, or change the equation.",
            )
        return found

    def _create(self, sizes: dict[str, int]) -> None:
        x, kernel, y = _split(self.equation)
        new = [axis for axis, letter in enumerate(kernel) if letter in y and letter not in x]
        shared = [axis for axis, letter in enumerate(kernel) if letter in y and letter in x]
        create_as_matrix(
            self,
            "kernel",
            self.kernel_init,
            tuple(sizes[letter] for letter in kernel),
            self.param_dtype,
            in_axes=[axis for axis in range(len(kernel)) if axis not in (*new, *shared)],
            out_axes=new,
        )
        shape = tuple(sizes[letter] for letter in self.bias_axes)
        create(self, "bias", self.bias_init, shape, self.param_dtype)

    def _check_kernel(self, x: jax.Array, sizes: dict[str, int]) -> None:
        form, kernel, _ = _split(self.equation)
        pairs = zip(kernel, self.kernel.shape, strict=True)
        wrong = {letter: size for letter, size in pairs if sizes.get(letter, size) != size}
        if self.bias is not None:
            pairs = zip(self.bias_axes, self.bias.shape, strict=True)
            wrong |= {letter: size for letter, size in pairs if sizes.get(letter, size) != size}
        if wrong:
            shown = ", ".join(f"{letter}={size}" for letter, size in wrong.items())
            raise ShapeError(
                type(self).__name__,
                expected=f"the axes {form!r} of `x` to have {shown} (as the parameters have)",
                received=f"x={describe(x)}",
                fix=(
                    "Pass an array of these sizes, or create a new"
                    f" {type(self).__name__} and `init` it again."
                ),
            )


_FORM = re.compile(r"([a-zA-Z.]*),([a-zA-Z]+)->([a-zA-Z.]*)")


def _split(equation: str) -> _Parts:
    x, kernel, y = re.split(",|->", equation)
    return _Parts(x, kernel, y)


def _parsed(where: str, equation: Any) -> str:
    """Return the equation without spaces."""
    plain = equation.replace(" ", "") if isinstance(equation, str) else ""
    parts = _split(plain) if _FORM.fullmatch(plain) else None
    if parts is None or not _makes_sense(parts):
        raise ArgumentError(
            where,
            expected=(
                "`equation` to name the axes of `x`, kernel and output, no letter twice in one of"
                " them, with `...` in both `x` and the output or in neither"
            ),
            received=f"equation={equation!r}",
            fix='Write for example `"btd,dhk->bthk"` or `"...d,df->...f"`.',
        )
    return plain


def _makes_sense(parts: _Parts) -> bool:
    x, kernel, y = (part.replace("...", "") for part in parts)
    distinct = all(len(set(letters)) == len(letters) for letters in (x, kernel, y))
    known = set(y) <= set(x + kernel) and "." not in x + y
    return distinct and known and parts.x.count("...") == parts.y.count("...") <= 1


def _checked_sizes(where: str, equation: str, sizes: Any) -> tuple[tuple[str, int], ...]:
    x, kernel, _ = _split(equation)
    needed = [letter for letter in kernel if letter not in x]
    allowed = set(kernel + x) - {"."}
    if not isinstance(sizes, Mapping) or not set(needed) <= set(sizes) <= allowed:
        raise ArgumentError(
            where,
            expected=f"`sizes` to have {', '.join(map(repr, needed)) or 'nothing'}: the letters of"
            f" {equation!r} that `x` does not have",
            received=f"sizes={sizes!r}",
            fix="Pass a dict from letters to sizes; those of `x` may be left out.",
        )
    return tuple((letter, positive_int(where, letter, sizes[letter])) for letter in sorted(sizes))


def _checked_axes(where: str, equation: str, bias_axes: Any) -> str:
    y = _split(equation).y
    letters = y.replace("...", "")
    if not isinstance(bias_axes, str) or not set(bias_axes) <= set(letters):
        raise ArgumentError(
            where,
            expected=f"`bias_axes` to be letters of the output {y!r}",
            received=f"bias_axes={bias_axes!r}",
            fix="Name the axes along which the bias differs; None leaves it out.",
        )
    return "".join(letter for letter in letters if letter in bias_axes)


def _position(part: str, letter: str, ndim: int) -> int:
    """Return the position of the axis `letter` in an array of that rank; `...` takes the rest."""
    before = part.partition("...")[0]
    if letter in before:
        return before.index(letter)
    return ndim - len(part) + part.index(letter)
