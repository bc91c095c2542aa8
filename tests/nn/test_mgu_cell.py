"""MGUCell: its options. Values are compared in `tests/parity`."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError

X = jnp.ones((2, 3))


def test_the_forget_bias_is_in_the_first_gate() -> None:
    cell = nn.MGUCell(2, forget_bias=3).init(0, (None, X))
    np.testing.assert_array_equal(cell.input.bias, [3, 3, 0, 0])
    with pytest.raises(ArgumentError, match="`forget_bias` to be a finite number"):
        nn.MGUCell(2, forget_bias="3")


def test_without_a_reset_gate_there_is_one_bias() -> None:
    cell = nn.MGUCell(2, reset_gate=False).init(0, (None, X))
    assert cell.recurrent_bias is None
