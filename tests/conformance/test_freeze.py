"""Frozen: no gradient and no running statistics, whatever the mode."""

import pytest

import treexlite as tx
from tests.conformance.catalogue import LAYERS, Layer, ids, sampled, sum_of

SAMPLED = sampled(__name__)


@pytest.mark.parametrize("row", [row for row in SAMPLED if row.parameters], ids=ids)
def test_a_frozen_layer_has_no_gradient(row: Layer) -> None:
    model = row.build().freeze()
    assert model.trainable_parameters().state_dict() == {}
    pair = [model, row.build()]
    gradients = tx.jit(tx.grad(lambda models: sum(sum_of(m(row.x)) for m in models)))(pair)
    assert gradients[0].state_dict() == {}
    assert list(gradients[1].state_dict()) == row.parameters


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_calling_a_frozen_layer_changes_no_statistics(row: Layer, training: bool) -> None:
    model = row.build().train(training).freeze()
    before = model.state_dict(tx.Not(tx.Rng))
    tx.jit(model)(row.x)
    model(row.x)
    after = model.state_dict(tx.Not(tx.Rng))
    assert all(after[path] is value for path, value in before.items())


@pytest.mark.parametrize("row", [r for r in LAYERS if tx.BatchStat in r.fields.values()], ids=ids)
def test_it_changes_them_after_unfreezing(row: Layer) -> None:
    model = row.build().freeze().unfreeze()
    before = model.batch_stats().state_dict()
    model(row.x)
    after = model.batch_stats().state_dict()
    assert all((after[path] != value).any() for path, value in before.items())
