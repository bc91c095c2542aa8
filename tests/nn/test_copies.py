"""Copies of a description: each has its own values; what has data is refused."""

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError
from treexlite.nn._copies import create_copies, description

X = jnp.ones((2, 3))


class Pair(tx.Module):
    layers: tx.Module

    def __init__(self) -> None:
        self.layers = description("Pair", "layer", nn.Linear(2), "stack them")

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.initializing():
            create_copies(self, "layers", 2, (x,))
        return x


def test_they_are_one_stacked_module_with_different_values() -> None:
    model = Pair().init(0, X)
    assert model.layers.kernel.shape == (2, 3, 2)
    assert (model.layers.kernel[0] != model.layers.kernel[1]).all()


def test_a_second_init_keeps_them() -> None:
    model = Pair().init(0, X)
    assert (model.init(1, X).layers.kernel == model.layers.kernel).all()


@pytest.mark.parametrize(
    ("value", "received"),
    [(nn.Linear(2).init(0, X), "one with data in `kernel`"), (3, "received 3"), (jnp.tanh, "tanh")],
)
def test_what_is_no_description(value: object, received: str) -> None:
    with pytest.raises(ArgumentError, match=received):
        description("Pair", "layer", value, "stack them")
    with pytest.raises(ArgumentError, match="for layers that exist, stack them"):
        description("Pair", "layer", value, "stack them")
