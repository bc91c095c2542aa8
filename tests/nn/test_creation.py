"""How layers create their arrays: what `init` keeps, and which key each field gets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite.nn._creation import create, fill, same_key

X = jnp.ones((1, 3))


class Pair(tx.Module):
    first: jax.Array = tx.Parameter.node()
    second: jax.Array = tx.Parameter.node()

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.initializing():
            create(self, "first", "normal", (2,), jnp.float32)
            create(self, "second", "normal", (2,), jnp.float32)
        return x


def test_two_fields_get_two_keys() -> None:
    pair = Pair().init(0, X)
    assert not jnp.array_equal(pair.first, pair.second)


def test_a_field_with_a_value_keeps_it_and_the_other_is_not_affected() -> None:
    given = Pair()
    given.first = jnp.array([1.0, 2.0])
    initialized = given.init(0, X)
    np.testing.assert_array_equal(initialized.first, [1.0, 2.0])
    np.testing.assert_array_equal(initialized.second, Pair().init(0, X).second)


def test_a_second_init_changes_nothing() -> None:
    once = Pair().init(0, X)
    np.testing.assert_array_equal(once.init(1, X).first, once.first)


def test_a_layer_called_twice_is_created_by_its_first_call() -> None:
    class Twice(tx.Module):
        def __init__(self) -> None:
            self.pair = Pair()

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.pair(self.pair(x))

    class Once(Twice):
        def __call__(self, x: jax.Array) -> jax.Array:
            return self.pair(x)

    twice, once = Twice().init(0, X), Once().init(0, X)
    np.testing.assert_array_equal(twice.pair.second, once.pair.second)


@pytest.mark.parametrize(
    ("inner", "x"), [(lambda: nn.Dropout(0.5), X), (lambda: nn.Embed(4, 2), jnp.array([1]))]
)
def test_layers_inside_compact_methods_are_filled_too(inner: object, x: jax.Array) -> None:
    class Inline(tx.Module):
        @tx.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            return inner()(x)

    model = Inline().init(0, x)
    assert model.initialized
    assert model(x).shape[0] == 1


def test_fill_leaves_values_alone() -> None:
    class Keyed(tx.Module):
        key: jax.Array = tx.Rng.node()

        def __init__(self, key: object) -> None:
            self.key = key

        def __call__(self) -> None:
            fill(self, "key")

    given = jax.random.key(3)
    assert Keyed(given).init(0, ()).key is given
    assert isinstance(Keyed(tx.Initializer(same_key)).init(0, ()).key, jax.Array)
