"""`constant` and `identity`: no chance in them, and layers that return what they get."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError
from treexlite.nn import initializers
from treexlite.nn._initializers import is_random


def test_a_constant_fills_and_broadcasts() -> None:
    np.testing.assert_array_equal(initializers.constant(3)(None, (2, 2), "bfloat16"), 3.0)
    row = initializers.constant(np.array([1.0, 2.0]))(None, (3, 2), jnp.float32)
    np.testing.assert_array_equal(row, [[1, 2]] * 3)
    expected = jax.nn.initializers.constant(0.3)(jax.random.key(0), (2, 3), jnp.float16)
    found = initializers.constant(0.3)(None, (2, 3), jnp.float16)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


def test_layers_that_keep_one_are_alike_and_can_be_pickled() -> None:
    one, other = (nn.Linear(2, bias_init=initializers.constant(0.5)) for _ in range(2))
    assert jax.tree.structure(one) == jax.tree.structure(other)
    unlike = nn.Linear(2, bias_init=initializers.constant(0.25))
    assert jax.tree.structure(one) != jax.tree.structure(unlike)
    again = pickle.loads(pickle.dumps(one)).init(0, jnp.ones(3))
    np.testing.assert_array_equal(again.bias, [0.5, 0.5])
    assert "bias_init=Constant(value=0.5)" in repr(one)
    assert "Identity(scale=1.0, groups=1)" in repr(
        nn.Linear(2, kernel_init=initializers.identity())
    )


def test_they_are_not_random() -> None:
    assert not is_random(initializers.constant(1.0))
    assert not is_random(initializers.identity())
    assert not is_random("identity")


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2)])
def test_the_identity_of_a_matrix(shape: tuple[int, int]) -> None:
    found = initializers.identity(2.0)(None, shape, jnp.float32)
    np.testing.assert_array_equal(found, 2 * np.eye(*shape))


@pytest.mark.parametrize("window", [(3,), (4,), (2, 3), (1, 1, 2)])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_with_it_returns_its_input(window: tuple[int, ...], groups: int) -> None:
    x = jax.random.normal(jax.random.key(0), (2, *(5,) * len(window), 4))
    init = initializers.identity(groups=groups)
    conv = nn.Conv(4, window, groups=groups, kernel_init=init).init(0, x)
    np.testing.assert_allclose(conv(x), x, rtol=1e-6)


@pytest.mark.parametrize("shape", [(), (3,), (3, 3, 5)])
def test_shapes_that_it_has_no_meaning_for_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"identity: expected a kernel \(\*window, in / 2, out\)"):
        initializers.identity(groups=2)(None, shape, jnp.float32)


def test_the_number_of_groups_is_checked() -> None:
    with pytest.raises(ArgumentError, match=r"identity: expected `groups` to be an integer of"):
        tx.nn.initializers.identity(groups=0)
