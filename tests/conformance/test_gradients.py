"""Gradients: finite, on Parameters alone, and the state moves as in a plain call."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled, sum_of

SAMPLED = sampled(__name__)

TRAINED = [row for row in SAMPLED if row.parameters]


@pytest.mark.parametrize("row", TRAINED, ids=ids)
def test_gradients_are_finite_and_on_parameters_only(row: Layer) -> None:
    model = row.build()
    gradients = tx.jit(tx.grad(lambda m: sum_of(m(row.x))))(model)
    assert type(gradients) is type(model)
    assert list(gradients.state_dict()) == row.parameters
    for path, gradient in gradients.state_dict().items():
        assert gradient.dtype == model.state_dict()[path].dtype
        assert jnp.isfinite(gradient).all(), path
        assert (gradient != 0).any(), path


@pytest.mark.parametrize("row", TRAINED, ids=ids)
def test_differentiating_moves_the_state_as_a_call_does(row: Layer) -> None:
    called, differentiated = row.build(), row.build()
    called(row.x)
    tx.jit(tx.grad(lambda m: sum_of(m(row.x))))(differentiated)
    for path, value in called.state_dict().items():
        np.testing.assert_allclose(differentiated.state_dict()[path], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", [row for row in SAMPLED if row.floating], ids=ids)
def test_gradients_of_the_input_are_finite(row: Layer) -> None:
    model = row.build()
    gradient = jax.jit(jax.grad(lambda x: sum_of(model.copy()(x))))(row.x)
    assert gradient.shape == row.x.shape
    assert jnp.isfinite(gradient).all()
    assert (gradient != 0).any()
