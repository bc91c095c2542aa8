import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Dense, X
from treexlite._core._lazy import PENDING, Pending, is_lazy
from treexlite._errors import ArgumentError, NotInitializedError


def test_an_undefined_node_is_pending_and_has_no_leaves() -> None:
    layer = Dense(2)
    assert layer.w is PENDING
    assert is_lazy(layer.w)
    assert not PENDING
    assert jax.tree.leaves(layer) == []
    assert repr(PENDING) == "Pending"


def test_pending_stays_one_object_through_jax_copies_and_pickles() -> None:
    assert jax.jit(lambda tree: tree)([PENDING])[0] is PENDING
    assert copy.copy(PENDING) is copy.deepcopy(PENDING) is PENDING
    assert pickle.loads(pickle.dumps([PENDING]))[0] is PENDING


@pytest.mark.parametrize("use", [lambda p: p.shape, lambda p: p.sum(), lambda p: p.T])
def test_using_a_pending_field_says_to_initialise(use: Any) -> None:
    with pytest.raises(NotInitializedError, match=r"still pending .*model.init\(key, inputs\)"):
        use(Dense(2).w)


def test_python_protocols_see_a_plain_object() -> None:
    with pytest.raises(AttributeError):
        _ = PENDING.__array__
    assert isinstance(PENDING, Pending)


def test_an_initializer_is_replaced_by_its_value_at_init() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node()
        tree: Any = tx.State.node(tx.Initializer(lambda key: {"a": jnp.zeros(2), "k": key}))

        def __init__(self) -> None:
            self.w = tx.Initializer(lambda key: jax.random.uniform(key, (3,)))

    model = Model()
    assert not model.initialized
    assert jax.tree.leaves(model) == []
    done = model.init(0)
    assert done.initialized
    assert done.w.shape == (3,)
    assert done.tree["a"].shape == (2,)
    assert not jnp.array_equal(done.tree["k"], jax.random.PRNGKey(0))
    assert is_lazy(model.w)


def test_two_initializers_of_one_module_get_different_keys() -> None:
    class Model(tx.Module):
        a: Any = tx.Parameter.node(tx.Initializer(lambda key: jax.random.normal(key, (3,))))
        b: Any = tx.Parameter.node(tx.Initializer(lambda key: jax.random.normal(key, (3,))))

    model = Model().init(0)
    assert not jnp.allclose(model.a, model.b)


def test_initializers_compare_by_their_function() -> None:
    def make(shape: Any) -> tx.Initializer:
        return tx.Initializer(lambda key: jnp.zeros(shape))

    assert make((2,)) == make((2,))
    assert hash(make((2,))) == hash(make((2,)))
    assert make((2,)) != make((3,))
    assert make((2,)) != 3
    assert jax.tree.structure(make((2,))) == jax.tree.structure(make((2,)))


def test_an_initializer_prints_its_function() -> None:
    assert repr(tx.Initializer(jax.random.normal)).startswith("Initializer(")
    assert repr(tx.Initializer(len)) == "Initializer(len)"


@pytest.mark.parametrize("value", [None, 3, "zeros"])
def test_an_initializer_needs_a_function(value: Any) -> None:
    with pytest.raises(ArgumentError, match="a function of a PRNG key, received f="):
        tx.Initializer(value)


def test_uninitialised_modules_are_ordinary_trees() -> None:
    layer = Dense(2)
    again = jax.jit(lambda m: m)(layer)
    assert again.w is PENDING
    assert jax.tree.structure(again) == jax.tree.structure(Dense(2))
    assert again.init(0, X).w.shape == (4, 2)
    assert tx.jit(lambda m: m.copy())(layer).b is PENDING
