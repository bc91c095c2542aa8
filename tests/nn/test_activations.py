"""Activations by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.nn._activations import _BY_NAME


@pytest.mark.parametrize("name", sorted(_BY_NAME))
def test_every_name_is_a_function_that_keeps_the_shape(name: str) -> None:
    x = jnp.linspace(-3, 3, 7)
    y = nn.get_activation(name)(x)
    assert y.shape == x.shape
    assert jnp.isfinite(y).all()


@pytest.mark.parametrize("name", sorted(set(_BY_NAME) & set(dir(jax.nn))))
def test_names_that_jax_has_mean_the_same_there(name: str) -> None:
    x = jnp.linspace(-3, 3, 7)
    np.testing.assert_array_equal(nn.get_activation(name)(x), getattr(jax.nn, name)(x))


def test_a_function_is_returned_as_it_is() -> None:
    assert nn.get_activation(jnp.sin) is jnp.sin


def test_an_unknown_name_lists_the_close_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"received 'rleu'. Did you mean 'relu'"):
        nn.get_activation("rleu")


def test_what_is_neither_name_nor_function_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`activation` to be a name or a function of one array"):
        nn.get_activation(3)


@pytest.mark.parametrize("name", ["logsumexp", "one_hot", "standardize"])
def test_functions_of_jax_that_are_no_activations_are_here_too(name: str) -> None:
    assert getattr(nn, name) is getattr(jax.nn, name)
    assert name not in _BY_NAME
