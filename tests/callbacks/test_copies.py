"""Copies survive what happens to the originals."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import treexlite as tx
from tests.training.models import Everything, arrays, assert_same
from treexlite.callbacks._copies import copied, put_back, set_weights, weights


def model() -> Everything:
    return Everything().init(0, jnp.ones((2, 4)))


def test_a_copy_shares_nothing_and_keeps_what_is_shared() -> None:
    layer = tx.nn.Linear(3).init(0, jnp.ones((1, 3)))
    twice = tx.nn.Sequential(layer, layer)
    copy = copied(twice)
    assert_same(arrays(copy), arrays(twice))
    assert copy.layers[0] is copy.layers[1]
    for leaf in jax.tree.leaves(twice):
        leaf.delete()
    assert np.isfinite(arrays(copy)["layers/0/kernel"]).all()


def test_weights_are_parameters_and_statistics_without_keys() -> None:
    values = weights(model())
    assert {"hidden/kernel", "norm/mean", "linear/bias"} <= values.keys()
    assert not [name for name in values if name.startswith("dropout")]


def test_weights_come_back_and_may_be_used_again() -> None:
    first = model()
    values, before = weights(first), arrays(first)
    first.linear.kernel = first.linear.kernel + 1
    set_weights(first, values)
    assert_same(arrays(first), before)
    for leaf in jax.tree.leaves(first):
        leaf.delete()
    assert np.isfinite(np.asarray(values["linear/kernel"])).all()


def test_a_state_is_put_back_whole() -> None:
    first = model()
    optimizer = tx.Optimizer(optax.adam(0.1)).init(first)
    state = tx.TrainState(first, optimizer, {"accuracy": tx.metrics.Accuracy()}, step=3)
    earlier, before = copied(state), arrays(state)
    optimizer.update(first.trainable_parameters(), first)
    state.step, state.key = state.step + 1, state.key + 1
    put_back(state, earlier)
    assert_same(arrays(state), before)
    assert state.model is first
    assert state.optimizer is optimizer
    put_back(optimizer, earlier.optimizer)  # `Optimizer.update` means something else
    assert int(optimizer.step) == 0
