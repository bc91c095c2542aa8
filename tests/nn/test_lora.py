"""LoRA: the product of two small matrices."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError
from treexlite.nn._lora import expect

X = jax.random.normal(jax.random.key(0), (4, 3))


def test_it_multiplies_with_both_and_the_factor() -> None:
    layer = nn.LoRA(5, 2, alpha=3.0, b_init="normal").init(0, X)
    expected = X @ layer.a @ layer.b * 1.5
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-6)
    assert layer.factor == 1.5
    assert nn.LoRA(5, 2).factor == 1.0


def test_at_first_it_is_zero() -> None:
    layer = nn.LoRA(5, 2).init(0, X)
    np.testing.assert_array_equal(layer(X), np.zeros((4, 5)))
    assert (layer.a != 0).all()


def test_its_kind_is_a_parameter_of_its_own() -> None:
    assert issubclass(nn.LoRAParameter, tx.Parameter)
    layer = nn.LoRA(5, 2).init(0, X)
    assert {info.kind for info in layer.fields()} == {nn.LoRAParameter}
    assert list(layer.parameters().state_dict()) == ["a", "b"]


def test_inputs_that_are_expected_need_not_be_seen() -> None:
    layer = nn.LoRA(5, 2, param_dtype="bfloat16")
    expect(layer, 3)
    layer = layer.init(0)
    assert (layer.a.shape, layer.b.shape) == ((3, 2), (2, 5))
    assert layer.a.dtype == layer.b.dtype == jnp.bfloat16


@pytest.mark.parametrize("shape", [(3,), (2, 5, 3), (0, 3)])
def test_any_number_of_leading_axes(shape: tuple[int, ...]) -> None:
    assert nn.LoRA(5, 2).init(0, X)(jnp.ones(shape)).shape == (*shape[:-1], 5)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="LoRA: expected `x` to have a last axis for the features"):
        nn.LoRA(5, 2).init(0, jnp.ones(()))
    with pytest.raises(ShapeError, match=r"`x` to have a last axis of size 3 \(as `a` has\)"):
        nn.LoRA(5, 2).init(0, X)(jnp.ones((4, 2)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": 0}, "`features` to be an integer of at least 1"),
        ({"rank": 0}, "`rank` to be an integer of at least 1"),
        ({"alpha": -1.0}, "`alpha` to be a finite number of at least 0"),
        ({"a_init": 3}, "`a_init` to be a name or a function"),
        ({"dtype": int}, "`dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.LoRA(**{"features": 2, "rank": 2, **arguments})
