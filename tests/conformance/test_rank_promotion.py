"""Layers work when silent promotion of ranks is an error."""

import jax
import pytest

import treexlite as tx
from tests.conformance.catalogue import Layer, ids, sampled, sum_of

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_no_layer_relies_on_rank_promotion(row: Layer, training: bool) -> None:
    """Which operations promote is known when they are traced, so nothing is compiled."""
    with jax.numpy_rank_promotion("raise"):
        model = row.build().train(training)
        tx.eval_shape(lambda m: m(row.x), model)
        if row.parameters:
            tx.eval_shape(tx.grad(lambda m: sum_of(m(row.x))), model)
