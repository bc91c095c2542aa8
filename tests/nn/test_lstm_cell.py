"""LSTMCell: its forget bias. Values are compared in `tests/parity`."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError

X = jnp.ones((2, 3))


def test_the_forget_bias_is_in_the_second_gate() -> None:
    cell = nn.LSTMCell(2, forget_bias=3).init(0, (None, X))
    np.testing.assert_array_equal(cell.input.bias, [0, 0, 3, 3, 0, 0, 0, 0])
    plain = nn.LSTMCell(2, forget_bias=0).init(0, (None, X))
    np.testing.assert_array_equal(plain.input.bias, np.zeros(8))


def test_an_open_forget_gate_keeps_the_memory() -> None:
    cell = nn.LSTMCell(2, forget_bias=100.0).init(0, (None, X))
    c = jnp.array([[1.0, -2.0], [3.0, 4.0]])
    (_, after), _ = cell((jnp.zeros((2, 2)), c), jnp.zeros((2, 3)))
    np.testing.assert_allclose(after, c, rtol=1e-6)


@pytest.mark.parametrize("value", ["1", None, float("nan"), True])
def test_the_forget_bias_is_checked(value: Any) -> None:
    with pytest.raises(ArgumentError, match="`forget_bias` to be a finite number"):
        nn.LSTMCell(2, forget_bias=value)
