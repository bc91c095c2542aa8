"""Bilinear: the form, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X1 = jax.random.normal(jax.random.key(0), (4, 3))
X2 = jax.random.normal(jax.random.key(1), (4, 5))


def test_it_multiplies_from_both_sides() -> None:
    layer = nn.Bilinear(2, bias_init="normal").init(0, (X1, X2))
    assert layer.kernel.shape == (3, 5, 2)
    for n in range(4):
        for k in range(2):
            expected = X1[n] @ layer.kernel[:, :, k] @ X2[n] + layer.bias[k]
            np.testing.assert_allclose(layer(X1, X2)[n, k], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3), (0,)])
def test_any_number_of_leading_axes(leading: tuple[int, ...]) -> None:
    layer = nn.Bilinear(2, use_bias=False).init(0, (X1, X2))
    assert list(layer.state_dict()) == ["kernel"]
    assert layer(jnp.ones((*leading, 3)), jnp.ones((*leading, 5))).shape == (*leading, 2)


def test_the_default_keeps_the_variance() -> None:
    x1, x2 = (jax.random.normal(jax.random.key(n), (500, 20)) for n in (0, 1))
    y = nn.Bilinear(50).init(0, (x1, x2))(x1, x2)
    np.testing.assert_allclose(y.std(), 1, rtol=0.1)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="`x1` and `x2` to have the same axes before the last"):
        nn.Bilinear(2).init(0, (X1, X2[:3]))
    with pytest.raises(ShapeError, match="`x1` and `x2` to have the same axes before the last"):
        nn.Bilinear(2).init(0, (jnp.ones(()), jnp.ones(())))
    layer = nn.Bilinear(2).init(0, (X1, X2))
    with pytest.raises(ShapeError, match=r"axes of `x1` and `x2` to be \(3, 5\) \(as `kernel`"):
        layer(X2, X1)


def test_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="`features` to be an integer of at least 1"):
        nn.Bilinear(0)
