"""Parallel."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (4, 3))


def test_every_layer_gets_the_input() -> None:
    model = nn.Parallel(nn.Linear(2), jnp.sin).init(0, X)
    first, second = model(X)
    np.testing.assert_array_equal(first, model[0](X))
    np.testing.assert_array_equal(second, jnp.sin(X))
    assert nn.Parallel()(X) == []


def test_names_give_a_dict_in_order() -> None:
    model = nn.Parallel(sigma=nn.Linear(2), mean=nn.Linear(3)).init(0, X)
    y = model(X)
    assert list(y) == ["sigma", "mean"]
    np.testing.assert_array_equal(y["mean"], model.mean(X))
    assert next(iter(model.state_dict())) == "layers/sigma/kernel"
    assert {name: y.shape for name, y in tx.jit(model)(X).items()} == {
        "sigma": (4, 2),
        "mean": (4, 3),
    }


def test_all_arguments_go_to_all_layers() -> None:
    model = nn.Parallel(nn.Add(), nn.Multiply(), lambda x, y: x)
    assert [float(y) for y in model(jnp.array(2.0), jnp.array(5.0))] == [7.0, 10.0, 2.0]


MERGED = {
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "stack": lambda a, b: np.stack([a, b], -1),
    "sum": np.add,
    "mean": lambda a, b: (a + b) / 2,
    "product": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("merge", MERGED)
def test_merges_by_name(merge: str, names: bool) -> None:
    layers: Any = {"a": jnp.sin, "b": jnp.cos} if names else {}
    model = nn.Parallel(*([] if names else [jnp.sin, jnp.cos]), merge=merge, **layers)
    expected = MERGED[merge](np.sin(X), np.cos(X))
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-6)


def test_a_function_or_a_layer_merges() -> None:
    np.testing.assert_allclose(nn.Parallel(jnp.sin, jnp.cos, merge=jnp.hypot)(X), 1, rtol=1e-5)
    assert nn.Parallel(jnp.sin, jnp.cos, merge=nn.Concatenate(0))(X).shape == (8, 3)


def test_a_merge_with_parameters_is_data() -> None:
    class Gate(tx.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(3)

        def __call__(self, a: jax.Array, b: jax.Array) -> jax.Array:
            return a * jax.nn.sigmoid(self.linear(b))

    model = nn.Parallel(jnp.sin, jnp.cos, merge=Gate()).init(0, X)
    assert list(model.state_dict()) == ["merging/linear/kernel", "merging/linear/bias"]
    assert model(X).shape == X.shape


def test_outputs_that_do_not_fit_are_refused_with_the_place() -> None:
    model = nn.Parallel(nn.Linear(2), nn.Linear(3), merge="sum")
    with pytest.raises(ShapeError, match="Add at merging: expected axis 1 of array 1 to have si"):
        model.init(0, X)


def test_what_cannot_merge_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"Parallel: .*a way to merge .*Did you mean 'conc"):
        nn.Parallel(jnp.sin, merge="concatenate")
    with pytest.raises(ArgumentError, match=r"`merge` to be a name, .* received the class Add"):
        nn.Parallel(jnp.sin, merge=nn.Add)


def test_the_verb_merge_is_still_there() -> None:
    model = nn.Parallel(nn.Linear(2), merge="sum").init(0, X)
    zeros = model.merge(model.map(jnp.zeros_like))
    assert not zeros(X).any()
