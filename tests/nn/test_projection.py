"""Projection: a Linear whose number of outputs can come later."""

import jax.numpy as jnp

from treexlite.nn._projection import Projection, settle


def test_the_number_of_outputs_is_settled_once() -> None:
    given, open_ = Projection(3), Projection(None)
    assert open_.features is None
    settle(given, 5)
    settle(open_, 5)
    settle(open_, 6)
    assert (given.features, open_.features) == (3, 5)
    assert open_.init(0, jnp.ones((1, 2))).kernel.shape == (2, 5)
