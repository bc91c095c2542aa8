"""Initial values depend on the seed alone, and shapes of inputs are enough to create them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.catalogue import LAYERS, Layer, ids, sampled


def same(a: dict[str, jax.Array], b: dict[str, jax.Array]) -> bool:
    return list(a) == list(b) and all(jnp.array_equal(a[path], b[path]) for path in a)


@pytest.mark.parametrize("row", LAYERS, ids=ids)
def test_a_shape_is_enough(row: Layer) -> None:
    shape = jax.ShapeDtypeStruct(row.x.shape, row.x.dtype)
    assert same(row.make().init(0, shape).state_dict(), row.build().state_dict())


@pytest.mark.parametrize("row", LAYERS, ids=ids)
def test_the_seed_decides(row: Layer) -> None:
    assert same(row.make().init(3, row.x).state_dict(), row.build(seed=3).state_dict())
    assert same(row.build(seed=3).state_dict(), row.build(seed=4).state_dict()) is not row.random


@pytest.mark.parametrize("row", sampled(__name__), ids=ids)
def test_initialising_again_keeps_everything(row: Layer) -> None:
    model = row.build()
    model(row.x)
    before = model.state_dict()
    after = model.init(7, row.x).state_dict()
    for path, value in before.items():
        np.testing.assert_array_equal(after[path], value)


@pytest.mark.parametrize("row", LAYERS, ids=ids)
def test_initialising_in_place_gives_the_same(row: Layer) -> None:
    model = row.make()
    assert model.init(0, row.x, inplace=True) is model
    assert same(model.state_dict(), row.build().state_dict())
