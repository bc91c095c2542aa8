"""Gated activations: values times gates, along any axis."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (4, 6))
CASES = [(nn.glu, jax.nn.sigmoid), (nn.swiglu, jax.nn.silu), (nn.geglu, jax.nn.gelu)]


@pytest.mark.parametrize(("function", "activate"), CASES)
def test_the_second_half_gates_the_first(function: Any, activate: Any) -> None:
    np.testing.assert_allclose(function(X), X[:, :3] * activate(X[:, 3:]), rtol=1e-6)
    np.testing.assert_allclose(function(X, 0), X[:2] * activate(X[2:]), rtol=1e-6)


def test_glu_is_that_of_jax() -> None:
    np.testing.assert_allclose(nn.glu(X), jax.nn.glu(X), rtol=1e-6)


@pytest.mark.parametrize(("function", "_"), CASES)
def test_what_cannot_be_halved(function: Any, _: Any) -> None:
    with pytest.raises(ShapeError, match=f"{function.__name__}: .* an axis -1 of even size"):
        function(jnp.ones((2, 3)))
    with pytest.raises(ShapeError, match="an axis 2 of even size"):
        function(X, axis=2)
    with pytest.raises(ArgumentError, match="`axis` to be an integer, received axis=None"):
        function(X, axis=None)
