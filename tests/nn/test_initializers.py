"""Initialisers by name: their spread, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError
from treexlite.nn._initializers import _BY_NAME, check_initializer, draw, is_random

FAN_IN, FAN_OUT = 400, 200
KEY = jax.random.key(0)


@pytest.mark.parametrize("name", sorted(_BY_NAME))
def test_every_name_makes_the_shape_and_dtype_that_it_is_asked_for(name: str) -> None:
    value = nn.get_initializer(name)(KEY, (3, 4), jnp.bfloat16)
    assert value.shape == (3, 4)
    assert value.dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("lecun_normal", FAN_IN**-0.5),
        ("lecun_uniform", FAN_IN**-0.5),
        ("he_normal", (2 / FAN_IN) ** 0.5),
        ("kaiming_uniform", (2 / FAN_IN) ** 0.5),
        ("he_normal_fan_out", (2 / FAN_OUT) ** 0.5),
        ("glorot_normal", (2 / (FAN_IN + FAN_OUT)) ** 0.5),
        ("xavier_uniform", (2 / (FAN_IN + FAN_OUT)) ** 0.5),
        ("embed_normal", FAN_OUT**-0.5),
        ("orthogonal", FAN_IN**-0.5),
        ("normal", 0.05),
        ("truncated_normal", 0.05 * 0.8796),
        ("uniform", 0.05 / 3**0.5),
        ("zeros", 0.0),
    ],
)
def test_the_spread_is_the_one_of_the_table(name: str, deviation: float) -> None:
    value = nn.get_initializer(name)(KEY, (FAN_IN, FAN_OUT), jnp.float32)
    # 80,000 draws: the standard error of a deviation is below 0.3 %.
    np.testing.assert_allclose(value.std(), deviation, rtol=0.02)
    np.testing.assert_allclose(value.mean(), 0, atol=0.002)


def test_ones_are_ones() -> None:
    assert (nn.get_initializer("ones")(KEY, (3,), jnp.float32) == 1).all()


def test_a_function_is_returned_as_it_is() -> None:
    assert nn.get_initializer(jax.nn.initializers.zeros) is jax.nn.initializers.zeros


def test_an_unknown_name_lists_the_close_ones() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'he_normal'"):
        nn.get_initializer("he_norml")
    with pytest.raises(UnknownNameError, match=r"^Linear: expected the name of an initialiser"):
        check_initializer("Linear", "kernel_init", "he_norml")


def test_what_is_neither_name_nor_function_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"Linear: expected `bias_init` to be a name or a func"):
        check_initializer("Linear", "bias_init", 0.0)


def test_a_layer_keeps_the_initialiser_as_it_was_written() -> None:
    assert check_initializer("Linear", "kernel_init", "ones") == "ones"


@pytest.mark.parametrize("name", sorted(_BY_NAME))
def test_what_is_not_random_needs_no_key(name: str) -> None:
    one, other = (draw("x", name, (2, 3), jnp.float32, jax.random.key(n)) for n in range(2))
    assert is_random(name) == (not jnp.array_equal(one, other))
    if not is_random(name):
        np.testing.assert_array_equal(draw("x", name, (2, 3), jnp.float32, None), one)
    assert is_random(lambda key, shape, dtype: jnp.zeros(shape, dtype))  # we cannot know


def test_the_drawn_value_is_cast() -> None:
    drawn = draw("Linear", lambda key, shape, dtype: np.ones(shape), (2,), jnp.bfloat16, KEY)
    assert drawn.dtype == jnp.bfloat16


def test_a_function_that_returns_another_shape_is_refused() -> None:
    def three_ones(key: jax.Array, shape: tuple[int, ...], dtype: object) -> jax.Array:
        return jnp.ones(3)

    with pytest.raises(
        ShapeError, match=r"array of shape \(2, 3\), received three_ones -> array of"
    ):
        draw("Linear", three_ones, (2, 3), jnp.float32, KEY)


@pytest.mark.parametrize("name", sorted(_BY_NAME))
def test_an_empty_kernel_is_empty(name: str) -> None:
    assert draw("Linear", name, (0, 3), jnp.float16, KEY).shape == (0, 3)
    assert nn.Linear(3, kernel_init="lecun_normal").init(0, jnp.ones((2, 0))).kernel.shape == (0, 3)


def test_names_are_those_of_the_public_functions() -> None:
    for name in set(_BY_NAME) & set(nn.initializers.__all__) - {"uniform"}:
        spread = (0.05,) if name in ("normal", "truncated_normal") else ()
        function = getattr(nn.initializers, name)
        function = function if name in ("zeros", "ones") else function(*spread)
        expected = function(KEY, (3, 4), jnp.float32)
        np.testing.assert_array_equal(nn.get_initializer(name)(KEY, (3, 4), jnp.float32), expected)


def test_all_of_jax_are_public() -> None:
    known = {name for name in dir(jax.nn.initializers) if name[0].islower()}
    assert known - {"annotations"} <= set(nn.initializers.__all__)
