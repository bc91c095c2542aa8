"""Mapped over the batch, a layer in evaluation mode gives what it gives for the batch."""

import jax
import numpy as np
import pytest

from tests.conformance.catalogue import LAYERS, Layer, ids


@pytest.mark.parametrize("row", [row for row in LAYERS if row.by_example], ids=ids)
def test_mapping_over_the_batch_equals_the_batch(row: Layer) -> None:
    model = row.build()
    model(row.x)
    model = model.eval()
    mapped = jax.vmap(lambda example: model(example))(row.x)
    np.testing.assert_allclose(mapped, model(row.x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", [row for row in LAYERS if row.random], ids=ids)
def test_mapping_over_models_equals_a_loop(row: Layer) -> None:
    models = [row.build(seed).eval() for seed in range(3)]
    stacked = jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), *models)
    mapped = jax.vmap(lambda model: model(row.x))(stacked)
    for y, model in zip(mapped, models, strict=True):
        np.testing.assert_allclose(y, model(row.x), rtol=1e-5, atol=1e-5)
