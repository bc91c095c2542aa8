"""`TrainState`, and the copies that make donation safe."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import Everything, Scale, arrays, assert_same
from treexlite._errors import ArgumentError
from treexlite.training import TrainState
from treexlite.training._state import own


def test_it_keeps_the_objects_it_was_given() -> None:
    model, optimizer = Scale(), tx.Optimizer(optax.sgd(0.1))
    accuracy = tx.metrics.Accuracy()
    state = TrainState(model, optimizer, {"accuracy": accuracy})
    assert state.model is model
    assert state.optimizer is optimizer
    assert state.metrics["accuracy"] is accuracy
    assert state.step == 0


def test_keys_follow_from_the_seed_and_differ() -> None:
    first, second = TrainState(Scale(), key=3), TrainState(Scale(), key=3)
    keys = [np.asarray(first.next_key()) for _ in range(3)]
    np.testing.assert_array_equal(keys, [np.asarray(second.next_key()) for _ in range(3)])
    assert len({key.tobytes() for key in keys}) == 3


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ArgumentError, match="TrainState: expected `key` to be an integer seed"):
        TrainState(Scale(), key="0")  # type: ignore[arg-type]


def places(leaves: list[jax.Array]) -> set[int]:
    return {leaf.unsafe_buffer_pointer() for leaf in leaves}


def test_own_copies_every_array_and_keeps_every_module() -> None:
    model = Everything().init(0, jnp.ones((2, 4)))
    optimizer = tx.Optimizer(optax.adam(0.1)).init(model)
    state = TrainState(model, optimizer)
    before = jax.tree.leaves(state)  # held, because memory that is free would be used again
    modules, values = [module for _, module in state.modules()], arrays(state)
    own(state)
    after = jax.tree.leaves(state)
    assert not places(before) & places(after)
    assert all(a is b for a, (_, b) in zip(modules, state.modules(), strict=True))
    assert_same(arrays(state), values)


def test_own_copies_typed_keys_and_takes_plain_numbers() -> None:
    class Mixed(tx.Module):
        key: jax.Array = tx.Rng.node()
        count: jax.Array = tx.State.node()
        host: jax.Array = tx.State.node()

        def __init__(self) -> None:
            self.key, self.count, self.host = jax.random.key(3), 4, np.ones(2)

    module = Mixed()
    key = module.key
    own(module)
    assert module.key is not key
    assert (jax.random.key_data(module.key) == jax.random.key_data(key)).all()
    assert isinstance(module.count, jax.Array)
    assert isinstance(module.host, jax.Array)
    assert module.count == 4


def test_own_keeps_shared_modules_shared() -> None:
    layer = Scale()
    pair = tx.nn.Sequential(layer, layer)
    own(pair)
    assert len(pair.state_dict()) == 1
    assert pair.layers[0] is pair.layers[1] is layer
