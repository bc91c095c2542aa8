"""What layers are called with: one array of numbers, and nothing else."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError
from treexlite.nn._inputs import as_array

X = jnp.ones((2, 4))


@pytest.mark.parametrize("x", [X, np.ones(3), 2.0, [[1, 2], [3, 4]], (1.0, 2.0), np.float32(1)])
def test_numbers_become_an_array(x: Any) -> None:
    np.testing.assert_array_equal(as_array(nn.Linear(3), x), np.asarray(x))


@pytest.mark.parametrize(
    ("x", "received"),
    [
        ((X, X), r"x=a tuple of 2: array of shape \(2, 4\) and dtype float32, array of"),
        ([X, None], r"x=a list of 2: array of shape \(2, 4\) and dtype float32\. Pass one of"),
        ({"ids": X}, "x=a dict of 1: array of shape"),
        (None, r"x=None \(a NoneType\)\. Pass an array of numbers"),
        ("text", "x='text'"),
        (object, "x=<class 'object'>"),
    ],
)
def test_all_else_is_refused(x: Any, received: str) -> None:
    with pytest.raises(ArgumentError, match=f"Linear: expected `x` to be one array, .*{received}"):
        as_array(nn.Linear(3), x)


@pytest.mark.parametrize(
    "layer", [nn.Linear(3), nn.Conv1D(3, 1), nn.LayerNorm(), nn.Dropout(0.5), nn.Flatten()]
)
def test_a_pair_that_is_passed_on_is_not_stacked(layer: Any) -> None:
    model = nn.Sequential(nn.MaxPool((2,), return_indices=True), layer)
    with pytest.raises(ArgumentError, match=r"at layers/1: .*a tuple of 2: .*pair `\(state, y\)`"):
        model.init(0, jnp.ones((2, 4, 4)))


def test_a_residual_says_which_of_its_two_sides_it_is() -> None:
    with pytest.raises(ArgumentError, match=r"Residual: expected `layer\(x\)` to be one array"):
        nn.Residual(lambda x: (x, x))(X)
