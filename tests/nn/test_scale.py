"""Scale and Bias: one number for each entry of the chosen axes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (2, 3, 4))


@pytest.mark.parametrize(
    ("axes", "letters"), [(-1, "c"), (0, "a"), ((-2, -1), "bc"), ((2, 0), "ca"), ((), "")]
)
def test_they_multiply_and_add_along_axes(axes: Any, letters: str) -> None:
    scale = nn.Scale(axes=axes, scale_init="normal").init(0, X)
    bias = nn.Bias(axes=axes, bias_init="normal").init(0, X)
    ones = np.ones(X.shape)
    spread = np.einsum(f"abc,{letters}->abc", ones, scale.scale)
    np.testing.assert_allclose(scale(X), X * spread, rtol=1e-6)
    spread = np.einsum(f"abc,{letters}->abc", ones, bias.bias)
    np.testing.assert_allclose(bias(X), X + spread, rtol=1e-6)


def test_by_default_they_change_nothing() -> None:
    np.testing.assert_array_equal(nn.Scale().init(0, X)(X), X)
    np.testing.assert_array_equal(nn.Bias().init(0, X)(X), X)


@pytest.mark.parametrize("layer", [nn.Scale(), nn.Bias()])
def test_batch_axes_may_come_and_go(layer: Any) -> None:
    layer = layer.init(0, X)
    for shape in [(4,), (5, 4), (0, 4), (1, 2, 3, 4)]:
        assert layer(jnp.ones(shape)).shape == shape
    assert layer(jnp.ones((2, 4), jnp.int8)).dtype == jnp.float32


@pytest.mark.parametrize(("layer", "field"), [(nn.Scale(), "scale"), (nn.Bias(), "bias")])
def test_what_does_not_fit_is_refused(layer: Any, field: str) -> None:
    layer = layer.init(0, X)
    with pytest.raises(ShapeError, match=rf"`x` to have sizes \(4,\) \(as `{field}` has\)"):
        layer(jnp.ones((4, 3)))
    with pytest.raises(ShapeError, match=r"`x` to have the axes axes=\(-1,\)"):
        layer(jnp.ones(()))


@pytest.mark.parametrize("cls", [nn.Scale, nn.Bias])
def test_arguments_are_checked(cls: Any) -> None:
    with pytest.raises(ArgumentError, match="`axes` to be a tuple of integers"):
        cls(axes="last")
    with pytest.raises(UnknownNameError, match="Did you mean 'ones'"):
        cls(**{f"{cls.__name__.lower()}_init": "one"})
