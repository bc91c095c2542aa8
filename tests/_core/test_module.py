from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import (
    Counter,
    Dense,
    Net,
    Noise,
    Scale,
    X,
    Zoo,
    assert_one_meaning,
    assert_same,
    content,
    make_net,
)
from treexlite._core._lazy import PENDING
from treexlite._errors import ContextError, FieldError


def test_a_new_module_trains_and_is_not_frozen() -> None:
    model = Zoo()
    assert (model.training, model.frozen, model.initialized) == (True, False, True)
    assert not model.initializing()


@pytest.mark.parametrize("name", ["training", "frozen", "initialized"])
def test_modes_are_changed_by_their_verbs_only(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Zoo(), name, False)


def test_initializing_is_true_inside_init_only() -> None:
    seen = []

    class Model(tx.Module):
        w: Any = tx.Parameter.node()

        def __call__(self, x: Any) -> Any:
            seen.append(self.initializing())
            if self.initializing():
                self.w = x
            return x

    model = Model().init(0, X)
    model(X)
    assert seen == [True, False]


def test_an_unset_static_field_is_refused_after_the_constructor() -> None:
    class Model(tx.Module):
        rate: float = tx.static()

    with pytest.raises(
        FieldError, match="`__init__` to set every declared static field, here `rate`"
    ):
        Model()


def test_attributes_of_every_sort_are_assigned_read_and_deleted() -> None:
    model = Zoo()
    model.late = "x"
    model.kids = None
    del model.hits
    assert model.late == "x"
    assert not hasattr(model, "hits")
    with pytest.raises(AttributeError, match="hits"):
        del model.hits
    with pytest.raises(AttributeError, match="nowhere"):
        _ = model.nowhere


def test_deleting_a_declared_node_makes_it_pending() -> None:
    model = Zoo()
    del model.a
    assert model.a is PENDING
    assert not model.initialized
    assert next(iter(model.state_dict())) == "n"
    model.a = jnp.array(1.0)
    assert next(iter(model.state_dict())) == "a"


def test_state_is_written_by_plain_assignment_in_every_way_of_running() -> None:
    def program(counter: Counter) -> Any:
        counter.n += 2
        return counter.count()

    assert int(assert_one_meaning(program, Counter).n) == 6


def test_a_plain_int_counts_under_jit() -> None:
    class Plain(tx.Module):
        def __init__(self) -> None:
            self.n = 0

        def count(self) -> int:
            self.n += 1
            return self.n

    counter = Plain()
    fast = tx.jit(counter.count)
    assert [int(fast()) for _ in range(3)] == [1, 2, 3]
    assert counter.n == 3
    assert type(counter.n) is int


# pickle and copy


def test_pickle_keeps_everything() -> None:
    net = make_net()
    net.layers[0].freeze(inplace=True)
    net.eval(inplace=True)
    net.tied = net.layers[1]
    again = pickle.loads(pickle.dumps(net))
    assert_same(again, net)
    assert again.tied is again.layers[1]
    assert (again.training, again.layers[0].frozen) == (False, True)
    np.testing.assert_allclose(tx.jit(again)(X), net(X), rtol=1e-6)


def test_a_pickle_of_an_uninitialised_module_can_be_initialised() -> None:
    again = pickle.loads(pickle.dumps(Net()))
    assert not again.initialized
    assert content(again.init(0, X)) == content(make_net())


def test_deepcopy_shares_nothing_and_keeps_sharing_inside() -> None:
    net = make_net()
    net.tied = net.layers[1]
    again = copy.deepcopy(net)
    assert_same(again, net)
    assert again.tied is again.layers[1]
    assert again.layers[0] is not net.layers[0]
    again.layers[0].w = again.layers[0].w + 1
    again.layers.append(Scale())
    assert not np.allclose(net.layers[0].w, again.layers[0].w)
    assert len(net.layers) == 2


def test_shallow_copy_is_a_new_module_with_the_same_attributes() -> None:
    net = make_net().eval()
    again = copy.copy(net)
    assert again is not net
    assert again.layers is net.layers
    assert again.training is False
    again.calls = 100
    again.extra = Scale()
    assert net.calls == 0
    assert not hasattr(net, "extra")


def test_copies_are_structures_of_their_own() -> None:
    model = Zoo()
    list(model.modules())
    for clone in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        clone.new = Scale()
        assert len(list(clone.modules())) == 6
        assert len(list(model.modules())) == 5


def test_a_copy_made_inside_a_trace_may_be_written() -> None:
    @jax.jit
    def f(model: Zoo, x: Any) -> Any:
        clone = copy.deepcopy(model)
        clone.a = x
        return clone.a + model.a

    assert float(f(Zoo(), 1.0)) == 3.0


# plain JAX


def test_tree_map_over_two_instances_works() -> None:
    summed = jax.tree.map(lambda x, y: x + y, make_net(), make_net())
    np.testing.assert_allclose(summed.layers[0].w, 2 * make_net().layers[0].w)


def test_jit_grad_and_vmap_take_modules_as_they_are() -> None:
    scale = Scale(3.0)
    assert float(jax.jit(lambda m, x: m(x))(scale, 2.0)) == 6.0
    assert float(jax.grad(lambda m: m(2.0))(scale).w) == 2.0
    batch = Scale([1.0, 2.0])
    np.testing.assert_allclose(
        jax.vmap(lambda m, x: m(x))(batch, jnp.array([3.0, 4.0])), [3.0, 8.0]
    )
    np.testing.assert_allclose(
        jax.vmap(lambda m, x: m(x), in_axes=(None, 0))(scale, jnp.arange(2.0)), [0.0, 3.0]
    )
    carried, _ = jax.lax.scan(lambda m, x: (m.replace(w=m.w + x), None), scale, jnp.arange(3.0))
    assert float(carried.w) == 6.0


def test_vmap_over_counters_maps_their_state() -> None:
    def count(counter: Counter) -> Any:
        return counter.count(), counter

    values, counters = jax.vmap(count)(Counter(jnp.arange(3)))
    assert values.tolist() == counters.n.tolist() == [1, 2, 3]


def test_plain_jit_returns_mutated_modules() -> None:
    @jax.jit
    def step(net: Net, x: Any) -> Any:
        return net(x), net

    net, eager = make_net(), make_net()
    for _ in range(3):
        y, net = step(net, X)
        np.testing.assert_allclose(y, eager(X), rtol=1e-5)
    assert_same(net, eager)
    assert net.calls == 3


def test_modules_are_static_under_eval_shape_and_linearize() -> None:
    net = make_net()
    assert jax.eval_shape(net.eval(), X).shape == (2, 2)
    _, pullback = jax.vjp(lambda m: m(X).sum(), Scale(2.0))
    assert float(pullback(1.0)[0].w) == float(X.sum())


# threads


def test_eight_threads_do_not_see_each_others_contexts() -> None:
    class Inline(tx.Module):
        @tx.compact
        def __call__(self, x: Any) -> Any:
            return Dense(2)(Noise()(x))

    fast = tx.jit(lambda model, x: model(x))

    def work(number: int) -> Any:
        model = Inline().init(number, X)
        keys = []
        with tx.rng_key(number):
            for _ in range(5):
                keys.append(tx.next_key().tolist())
                with tx.config(lost_mutation="off"):  # the new key of the noise
                    shape = jax.eval_shape(lambda m: m(X), model)  # traces in every thread
                assert shape.shape == (2, 2)
        outputs = [np.asarray(fast(model, X)).tolist() for _ in range(2)]
        clone = model.copy().eval()
        with pytest.raises(ContextError):
            tx.next_key()
        assert (model.training, clone.training) == (True, False)
        assert not model.initializing()
        return keys, outputs, content(model)[1]

    expected = {number: work(number) for number in range(8)}
    received: dict[int, Any] = {}
    errors: list[BaseException] = []
    barrier = threading.Barrier(8)

    def run(number: int) -> None:
        try:
            barrier.wait()
            received[number] = work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert received == expected


def test_threads_may_build_equal_structures_at_once() -> None:
    class Fresh(tx.Module):
        def __init__(self) -> None:
            self.table = np.arange(100)
            self.kids = [Scale() for _ in range(5)]

    barrier = threading.Barrier(8)
    structures = []

    def build() -> None:
        barrier.wait()
        for _ in range(20):
            structures.append(jax.tree.structure(Fresh()))

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(structures)) == 1
