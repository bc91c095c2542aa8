"""Copies: calling or changing one does not change the other."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.catalogue import Layer, ids, sampled

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_what_happens_to_a_copy_does_not_happen_to_the_original(row: Layer) -> None:
    model = row.build()
    before = model.state_dict()
    copy = model.copy()
    copy(row.x)
    for _, module in copy.modules():
        for name in ("kernel", "scale", "embedding"):
            if getattr(module, name, None) is not None:
                setattr(module, name, jnp.zeros_like(getattr(module, name)))
    copy.eval(inplace=True)
    after = model.state_dict()
    assert all(after[path] is value for path, value in before.items())
    assert model.training


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_a_copy_does_what_the_original_does(row: Layer) -> None:
    model = row.build()
    copy = model.copy()
    for x in row.inputs(2):
        np.testing.assert_array_equal(copy(x), model(x))
