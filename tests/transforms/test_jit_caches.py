"""Jitted methods have the whole interface; caches are shared, bounded, and keep nothing alive."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests._core.modules import Counter, Scale, X, make_net, untouched


class Model(tx.Module):
    w: Any = tx.Parameter.node()
    n: Any = tx.State.node()

    def __init__(self, size: int = 2) -> None:
        self.w, self.n = jnp.ones(size), jnp.array(0)

    @tx.jit
    def step(self, x: Any) -> Any:
        self.n = self.n + 1
        return self.w * x

    @tx.jit(static_argnums=1, static_argnames="mode")
    def power(self, times: int, x: Any, *, mode: str = "up") -> Any:
        self.n = self.n + times
        return x**times if mode == "up" else x

    @tx.jit(donate=True)
    def move(self, x: Any) -> None:
        self.w = self.w + x


def test_a_jitted_method_has_the_whole_interface() -> None:
    model = Model()
    Model.step.clear_cache()
    with untouched(model):
        assert model.step.eval_shape(1.0).shape == (2,)
        assert "mul" in str(model.step.trace(1.0).jaxpr)
        assert model.step.lower(1.0).compile() is not None
        assert model.move.eval_shape(1.0) is None
        assert model.move.lower(1.0).as_text()
    traces = model.step.cache_size()
    model.step(1.0)
    assert model.step.cache_size() == Model.step.cache_size() == traces == 1
    model.step.clear_cache()
    assert model.step.cache_size() == 0
    model.step(1.0)
    assert (model.step.cache_size(), int(model.n)) == (1, 2)


def test_static_arguments_of_a_jitted_method_count_self() -> None:
    model = Model()
    Model.power.clear_cache()
    assert float(model.power(3, 2.0)) == 8.0
    assert float(model.power(times=3, x=2.0, mode="off")) == 2.0
    assert float(model.power(3, 3.0)) == 27.0
    assert (model.power.cache_size(), int(model.n)) == (2, 9)
    assert model.power.eval_shape(2, 2.0).shape == ()


def test_bound_methods_have_it_too() -> None:
    model = Model()
    fast = tx.jit(model.step, static_argnames=())
    with untouched(model):
        fast.lower(1.0), fast.trace(1.0), fast.eval_shape(1.0)
    fast(1.0)
    assert (fast.cache_size(), int(model.n)) == (1, 1)
    fast.clear_cache()
    assert fast.cache_size() == 0


def test_another_instance_that_was_built_alike_is_not_traced_again() -> None:
    Model.step.clear_cache()
    for _ in range(3):
        Model().step(1.0)
        Model().copy().step(2.0)
    assert Model.step.cache_size() == 1
    Model(3).step(1.0)
    assert Model.step.cache_size() == 2


# Nothing is kept alive


def alive(*things: Any) -> list[weakref.ref[Any]]:
    return [weakref.ref(thing) for thing in things]


@pytest.mark.parametrize("donate", [False, True])
def test_jit_keeps_no_module_no_array_and_no_result(donate: bool) -> None:
    @tx.jit(donate=donate)
    def step(model: Model, optimizer: Any, x: Any) -> Any:
        loss, grads = tx.value_and_grad(lambda model: model.step(x).sum())(model)
        optimizer.update(grads, model)
        return loss

    model, x = Model(), jnp.ones(2)
    optimizer = tx.Optimizer(optax.adam(0.1)).init(model)
    refs = alive(model, optimizer, x, model.w, model.n)
    for _ in range(3):
        loss = step(model, optimizer, x)
        refs += alive(model.w, model.n, loss, *jax.tree.leaves(optimizer))
    tx.explain_retrace(step)
    del model, optimizer, x, loss
    gc.collect()
    assert [ref() for ref in refs if ref() is not None] == []


def test_grad_and_init_keep_none() -> None:
    refs = []
    for size in range(1, 3):
        net = make_net()
        x = jnp.ones((size, X.shape[-1]))
        grads = tx.grad(lambda net, x: net(x).sum())(net, x)
        refs += alive(net, x, grads, *jax.tree.leaves(net), *jax.tree.leaves(grads))
        del net, grads, x
    gc.collect()
    assert [ref() for ref in refs if ref() is not None] == []


def test_a_static_argument_and_a_failing_trace_keep_no_module() -> None:
    @tx.jit(static_argnums=1)
    def fails(model: Model, what: str) -> None:
        model.n = model.n + 1
        raise KeyError(what)

    model = Model()
    refs = alive(model, model.w)
    for what in "ab":
        with pytest.raises(KeyError):
            fails(model, what)
    del model
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def test_the_history_of_many_shapes_and_structures_is_bounded() -> None:
    fast = tx.jit(lambda model, x: x)
    refs = []
    for n in range(30):
        model = Scale()
        model.late = n % 15
        refs += alive(model)
        with tx.config(retrace="off"):
            fast(model, jnp.ones(n % 10))
    del model
    gc.collect()
    assert len(fast.history.traces) < 30
    assert len(fast._plans) == 15
    assert [ref() for ref in refs if ref() is not None] == []


@pytest.mark.parametrize("donate", [False, True])
def test_a_jitted_function_goes_with_its_last_reference(donate: bool) -> None:
    fast = tx.jit(lambda model, x: model.count(), donate=donate)
    for size in range(3):
        fast(Counter(), jnp.ones(size))
    ref = weakref.ref(fast)
    del fast
    gc.collect()
    assert ref() is None


# Threads


def run_together(work: Any, count: int = 4) -> list[Any]:
    barrier, results, errors = threading.Barrier(count, timeout=60), [None] * count, []

    def start(number: int) -> None:
        try:
            barrier.wait()
            results[number] = work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("alike", [True, False])
def test_threads_that_call_one_function_get_their_own_results(donate: bool, alike: bool) -> None:
    @tx.jit(donate=donate)
    def step(model: Model, x: Any) -> Any:
        model.n = model.n + 1
        model.w = model.w + x
        return model.w.sum()

    models = [Model(2 if alike else 2 + number) for number in range(4)]

    def work(number: int) -> Any:
        return [float(step(models[number], float(number))) for _ in range(20)]

    for number, results in enumerate(run_together(work)):
        size = models[number].w.size
        expected = [size * (1.0 + number * (call + 1)) for call in range(20)]
        np.testing.assert_allclose(results, expected)
        assert int(models[number].n) == 20


def test_threads_may_trace_and_count_at_once() -> None:
    fast = tx.jit(lambda counter, x: (counter.count(), x.sum())[1])
    counters = [Counter() for _ in range(4)]

    def work(number: int) -> None:
        for size in range(8):
            fast(counters[number], jnp.ones(size))

    run_together(work)
    assert [int(counter.n) for counter in counters] == [8] * 4
    assert "`<lambda>` was traced" in tx.explain_retrace(fast)
