"""Transformations in the hands of somebody who wants to break them."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import threading
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import no_tracers, untouched
from treexlite._errors import (
    ArgumentError,
    CapturedModuleError,
    ShapeError,
    StructureError,
)


class Count(tx.Module):
    """A counter, a parameter, and methods under every transformation."""

    n: jax.Array = tx.State.node()
    w: jax.Array = tx.Parameter.node()

    def __init__(self, value: int = 0) -> None:
        self.n = jnp.array(value, jnp.int32)
        self.w = jnp.ones(2) * value

    def __call__(self, x: Any = 1.0) -> jax.Array:
        self.n = self.n + 1
        return (self.w * x).sum() + self.n

    @tx.vmap(in_axes=(None, 0))
    def lanes(self, x: jax.Array) -> jax.Array:
        """Several at once."""
        return self(x)

    @tx.remat
    def again(self, x: jax.Array) -> jax.Array:
        return self(x)

    @tx.custom_vjp
    def custom(self, x: jax.Array) -> jax.Array:
        return self(x)

    custom.defvjp(lambda self, x: (self(x), None), lambda residuals, ct: (None, 7 * ct))

    @tx.jit
    @tx.vmap(in_axes=(None, 0))
    def fast_lanes(self, x: jax.Array) -> jax.Array:
        return self(x)


class Loud(Count):
    """Overrides decorated methods."""

    def lanes(self, x: jax.Array) -> jax.Array:
        return 2 * super().lanes(x)  # type: ignore[no-any-return]

    def again(self, x: jax.Array) -> jax.Array:
        return 3 * super().again(x)  # type: ignore[no-any-return]


def call(module: Any, x: Any) -> Any:
    return module(x)


@tx.jit
def compiled_call(module: Any, x: Any) -> Any:
    return module(x)


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "jit": lambda f, m: tx.jit(f)(m),
    "remat": lambda f, m: tx.remat(f)(m),
    "vmap": lambda f, m: tx.vmap(f, in_axes=None, axis_size=2)(m),
    "grad": lambda f, m: tx.grad(f)(m),
    "vjp": lambda f, m: tx.vjp(f, m),
    "jvp": lambda f, m: tx.jvp(f, (m,), (m,)),
    "jacrev": lambda f, m: tx.jacrev(f)(m),
    "jacfwd": lambda f, m: tx.jacfwd(f)(m),
    "hessian": lambda f, m: tx.hessian(f)(m),
    "scan": lambda f, m: tx.scan(lambda m, x: (m, f(m)), m, length=2),
    "fori_loop": lambda f, m: tx.fori_loop(0, 2, lambda i, m: (f(m), m)[1], m),
    "while_loop": lambda f, m: tx.while_loop(lambda m: m.n < 2, lambda m: (f(m), m)[1], m),
    "cond": lambda f, m: tx.cond(jnp.array(True), f, lambda m: 0.0, m),
    "switch": lambda f, m: tx.switch(0, [f], m),
    "eval_shape": lambda f, m: tx.eval_shape(f, m),
    "make_jaxpr": lambda f, m: tx.make_jaxpr(f)(m),
    "lift": lambda f, m: tx.lift(jax.jit)(f)(m),
    "pmap": lambda f, m: tx.pmap(lambda m, x: f(m), in_axes=(None, 0))(m, jnp.zeros(1)),
}
each_way = pytest.mark.parametrize("way", WAYS)


# Arguments


def test_what_a_partial_has_already_is_shared_by_all_lanes() -> None:
    one, two = Count(1), Count(2)

    def both(one: Count, scale: Any, x: Any, *, other: Count) -> Any:
        return one(x) * scale + other(x)

    known = functools.partial(both, one, 2, other=two)
    x = jnp.arange(2.0)
    expected = [float(2 * (2 * v + 2) + 4 * v + 3) for v in x]
    assert tx.vmap(known)(x).tolist() == expected
    assert (int(one.n), int(two.n)) == (2, 3)
    one.n, two.n = one.n - 1, two.n - 1
    assert tx.jit(tx.vmap(known))(x).tolist() == expected
    assert (int(one.n), int(two.n)) == (2, 3)


@pytest.mark.parametrize("transform", [tx.jit, tx.remat])
def test_static_arguments_beside_modules(transform: Any) -> None:
    def f(module: Count, repeat: int, x: float) -> Any:
        return sum(module(x) for _ in range(repeat))

    module = Count(1)
    lifted = transform(f, static_argnums=1)
    assert float(lifted(module, 2, 1.0)) == 4 + 5
    assert float(lifted(module, repeat=1, x=1.0)) == 6
    assert float(transform(functools.partial(f, module), static_argnums=0)(1, 1.0)) == 7
    with pytest.raises(ArgumentError, match=r"static argument 0 to hold no module.*a Count in it"):
        transform(f, static_argnums=0)(module, 2, 1.0)


def test_a_module_twice_has_one_choice_of_axes() -> None:
    pair = tx.stack([Count(1), Count(2)])

    def f(one: Count, two: Count) -> Any:
        assert one is two
        return one(1.0), two.n

    outputs, counts = tx.vmap(f)(pair, pair)
    assert (outputs.tolist(), counts.tolist()) == ([4.0, 7.0], [2, 3])
    with pytest.raises(ArgumentError, match=r"one choice of axes .* received 0 and None"):
        tx.vmap(f, in_axes=(0, None))(pair, pair)


def test_nothing_at_all_is_fine() -> None:
    class Empty(tx.Module):
        def __call__(self, x: Any = 1.0) -> Any:
            return x

    module = Empty()
    assert tx.scan(lambda c, x: (c, None), module, length=2) == (module, None)
    assert tx.fori_loop(0, 2, lambda i, c: c, module) is module
    assert tx.cond(jnp.array(True), lambda m: None, lambda m: None, module) is None
    assert tx.vmap(lambda m, x: None)(module, jnp.arange(2)) is None
    assert tx.vmap(module)(jnp.arange(2)).tolist() == [0, 1]
    assert isinstance(tx.grad(lambda m: 1.0)(module), Empty)


def test_loops_without_a_step_change_nothing() -> None:
    module = Count(1)
    before = module.n, module.w
    assert tx.fori_loop(0, 0, lambda i, m: (m(), m)[1], module) is module
    assert tx.while_loop(lambda m: m.n < 0, lambda m: (m(), m)[1], module) is module
    last, ys = tx.scan(lambda m, x: (m, m(x)), module, jnp.zeros(0))
    assert last is module
    assert ys.shape == (0,)
    none = jax.tree.map(lambda a: a[:0], tx.stack([module]))
    assert tx.scan(lambda k, m: (k, m(1.0)), 0, none)[1].shape == (0,)
    for now, old in zip((module.n, module.w), before, strict=True):
        np.testing.assert_array_equal(now, old)


def test_what_a_scan_cannot_slice_is_named() -> None:
    def step(carry: Any, x: Any) -> Any:
        return carry, x[0](x[1])

    with pytest.raises(ShapeError, match=r"first axis .* received field `n` of shape \(\).*stack"):
        tx.scan(step, 0, (Count(), jnp.arange(2.0)))
    pair = tx.stack([Count(1), Count(2)])
    with untouched(pair), pytest.raises(ShapeError, match=r"2 for field `n`, and 3 for `xs\[1\]`"):
        tx.scan(step, 0, (pair, jnp.arange(3.0)))
    assert tx.scan(step, 0, (pair, jnp.arange(2.0)))[1].tolist() == [2.0, 7.0]


# Outputs


def test_returned_modules_are_the_users_where_they_can_be() -> None:
    module, pair = Count(1), tx.stack([Count(1), Count(2)])
    one = jnp.array(True)
    assert tx.cond(one, lambda m: m, lambda m: m, module) is module
    assert tx.vmap(lambda m: m)(pair) is pair
    assert tx.vmap(lambda m, x: m, in_axes=(None, 0))(module, jnp.arange(2)) is module
    assert tx.remat(lambda m: [m, {"again": m}])(module)[1]["again"] is module
    assert tx.value_and_grad(lambda m: (m(), m), has_aux=True)(module)[0][1] is module
    made = tx.cond(one, lambda m: Count(7), lambda m: Count(9), module)
    assert int(made.n) == 7
    steps = tx.scan(lambda k, x: (k, Count(2)), 0, length=3)[1]
    assert steps.n.tolist() == [2, 2, 2]
    _, last = tx.while_loop(lambda c: c[0] < 2, lambda c: (c[0] + 1, Count(4)), (0, module))
    assert last is not module
    assert (int(last.n), int(module.n)) == (4, 2)


def test_branches_that_return_different_modules_are_refused() -> None:
    one, two = Count(1), Count(2)
    with untouched(one, two), pytest.raises(StructureError, match="true_fun, like false_fun"):
        tx.cond(jnp.array(True), lambda a, b: a, lambda a, b: b, one, two)


def test_a_weak_number_of_another_dtype_is_named() -> None:
    def half(module: Count) -> None:
        module.n = module.n + 0.5

    module = Count()
    with pytest.raises(ShapeError, match=r"field `n` .* int32\[\] after false_fun, float32\[\]"):
        tx.cond(jnp.array(True), half, lambda m: None, module)
    with pytest.raises(ShapeError, match=r"field `n` .*int32\[\], received float32\[\]"):
        tx.scan(lambda m, x: (m, half(m)), module, length=2)
    with pytest.raises(ShapeError, match=r"carry\[1\] .*int32\[\], received float32\[\]"):
        tx.scan(lambda c, x: ((c[0] + 0.5, c[1] + 0.5), x), (0, jnp.int32(0)), length=2)
    assert float(tx.scan(lambda c, x: (c + 0.5, x), 0, length=2)[0]) == 1.0  # as in JAX


# Failure


class Boom(Exception):
    pass


@each_way
def test_an_exception_in_a_body_leaves_everything_as_it_was(way: str) -> None:
    module = Count(1)

    def bad(m: Count) -> Any:
        m(2.0)
        m.w = m.w * 2
        m.late = Count(3)
        m.mode = "bad"
        raise Boom

    for _ in range(2):
        with untouched(module), pytest.raises(Boom):
            WAYS[way](bad, module)
    assert set(vars(module)) == {"n", "w"}
    WAYS[way](lambda m: m.w.sum(), module)  # the next call works
    assert no_tracers(module)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "vmap"])
def test_a_captured_module_is_never_left_with_a_tracer(way: str) -> None:
    captured, module = Count(1), Count(1)

    def write(m: Count) -> Any:
        captured.w = m.w * m.n
        return m.w.sum()

    with untouched(captured), pytest.raises(CapturedModuleError, match="field `w`"):
        WAYS[way](write, module)


def test_a_captured_module_in_lanes_is_never_left_with_a_tracer() -> None:
    captured = Count(1)

    def write(x: Any) -> Any:
        captured.w = captured.w * x
        return x

    with untouched(captured), pytest.raises(CapturedModuleError, match="field `w`"):
        tx.vmap(write)(jnp.arange(2.0))


# Initialisation inside


class Net(tx.Module):
    """A layer that is first called under a transformation."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run
        self.layer = tx.nn.Linear(3)

    def __call__(self, x: jax.Array) -> Any:
        return self.run(self.layer, x)


INSIDE: dict[str, Callable[..., Any]] = {
    "jit": lambda m, x: tx.jit(m)(x),
    "remat": lambda m, x: tx.remat(m)(x),
    "vmap": lambda m, x: tx.vmap(m)(x),
    "vmap of scan": lambda m, x: tx.vmap(lambda x: tx.scan(lambda c, x: (c, m(x)), 0, x)[1])(
        x[None]
    ),
    "scan": lambda m, x: tx.scan(lambda m, x: (m, m(x)), m, x),
    "fori_loop": lambda m, x: tx.fori_loop(0, 2, lambda i, c: (m, m(x)), (m, jnp.zeros((4, 3)))),
    "cond": lambda m, x: tx.cond(True, m, m, x),
    "switch": lambda m, x: tx.switch(0, [m, m], x),
    "grad": lambda m, x: tx.grad(lambda m: m(x).sum())(m),
    "vjp": lambda m, x: tx.vjp(m, x)[0],
    "jvp": lambda m, x: tx.jvp(m, (x,), (x,)),
    "jacrev": lambda m, x: tx.jacrev(m)(x),
    "hessian": lambda m, x: tx.hessian(lambda x: m(x).sum())(x),
    "lift": lambda m, x: tx.lift(jax.checkpoint)(m)(x),
    "lift of lift": lambda m, x: tx.lift(jax.checkpoint)(tx.lift(jax.checkpoint)(m))(x),
}


@pytest.mark.parametrize("way", INSIDE)
def test_parameters_do_not_depend_on_the_transformation_that_created_them(way: str) -> None:
    x = jnp.linspace(-1.0, 1.0, 8).reshape(4, 2)
    expected = Net(call).init(0, x).state_dict()
    model = Net(INSIDE[way]).init(0, x)
    assert no_tracers(model)
    received = model.state_dict()
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)


@pytest.mark.parametrize("transform", [tx.jit, tx.remat, tx.vmap])
def test_inline_submodules_under_transformations(transform: Any) -> None:
    class Inline(tx.Module):
        @tx.compact
        def __call__(self, x: jax.Array) -> Any:
            return transform(tx.nn.Linear(3))(x)

    class Decorated(tx.Module):
        @tx.remat
        @tx.compact
        def __call__(self, x: jax.Array) -> Any:
            return tx.nn.Linear(3)(x)

    x = jnp.ones((4, 2))
    for model in (Inline().init(0, x), Decorated().init(0, x)):
        assert list(model.state_dict()) == ["linear/kernel", "linear/bias"]
        np.testing.assert_allclose(model(x), tx.jit(model)(x), rtol=1e-6)


# Odd data


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("eval_shape", "make_jaxpr")])
def test_numpy_arrays_and_plain_numbers_are_data(way: str) -> None:
    class Odd(tx.Module):
        a: Any = tx.State.node()
        n: Any = tx.State.node()

        def __init__(self) -> None:
            self.a, self.n, self.setup = np.arange(3.0, dtype=np.float32), 0, np.arange(2)

    def f(m: Odd) -> Any:
        m.a = m.a + 1
        m.n = m.n + 1
        return jnp.sum(m.a)

    module = Odd()
    WAYS[way](f, module)
    steps = 2 if way in ("scan", "fori_loop", "while_loop") else 1
    assert np.asarray(module.n).tolist() == steps
    assert np.asarray(module.a).tolist() == [steps, 1 + steps, 2 + steps]
    assert type(module.setup) is np.ndarray
    assert no_tracers(module)


# The transformed thing itself


def test_decorated_methods_are_methods() -> None:
    x = jnp.arange(3.0)
    for cls, lanes, again in ((Count, 1, 1), (Loud, 2, 3)):
        module = cls(1)
        np.testing.assert_allclose(module.lanes(x), lanes * (2 * x + 2))
        np.testing.assert_allclose(module.again(1.0), again * 5.0)
        np.testing.assert_allclose(module.custom(1.0), 6.0)
        np.testing.assert_allclose(module.fast_lanes(x), 2 * x + 5)
        assert int(module.n) == 5
        assert float(tx.grad(lambda m, x: m.custom(x), argnums=1)(module, 1.0)) == 7.0
    assert inspect.getdoc(Count.lanes) == "Several at once."
    assert Count.lanes.__name__ == Count(1).lanes.__name__ == "lanes"


@pytest.mark.parametrize(
    ("thing", "signature"),
    [
        (Count.lanes, "(self, x: 'jax.Array') -> 'jax.Array'"),
        (Count(1).lanes, "(x: 'jax.Array') -> 'jax.Array'"),
        (tx.jit(Count(1)), "(x: 'Any' = 1.0) -> 'jax.Array'"),
        (tx.vmap(Count(1).__call__), "(x: 'Any' = 1.0) -> 'jax.Array'"),
        (tx.jit(tx.vmap(functools.partial(call, Count(1)))), "(x: 'Any') -> 'Any'"),
        (tx.jit(Count(1).fast_lanes), "(x: 'jax.Array') -> 'jax.Array'"),
    ],
)
def test_signatures_leave_out_what_is_known(thing: Any, signature: str) -> None:
    assert str(inspect.signature(thing)) == signature


THINGS = {
    "jit of a module": lambda m: tx.jit(m),
    "jit of a method": lambda m: tx.jit(m.__call__),
    "jit of a partial": lambda m: tx.jit(functools.partial(call, m), donate=True),
    "jit of vmap": lambda m: tx.jit(tx.vmap(m.lanes, in_axes=None, axis_size=2)),
    "remat": lambda m: tx.remat(m),
    "vmap": lambda m: tx.vmap(m),
    "decorated": lambda m: m.fast_lanes,
}


@pytest.mark.parametrize("name", THINGS)
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]
)
def test_transformed_functions_can_be_copied_and_pickled(name: str, duplicate: Any) -> None:
    module = Count(1)
    thing = THINGS[name](module)
    x = jnp.arange(2.0)
    thing(x)  # compiled already
    other = duplicate(thing)
    assert int(module.n) == 2
    np.testing.assert_allclose(other(x), thing(x))  # on a module of its own
    assert int(module.n) == 3
    if isinstance(other, type(compiled_call)):
        assert other.cache_size() == 1


def test_a_decorated_function_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(compiled_call)) is compiled_call
    assert copy.deepcopy(compiled_call) is compiled_call


def test_compiled_transformations_are_traced_once() -> None:
    traces = []

    def f(module: Count, x: Any) -> Any:
        traces.append(1)
        return module(x)

    module, x = Count(1), jnp.arange(2.0)
    nested: list[Callable[..., Any]] = [
        tx.vmap(f, in_axes=(None, 0)),
        tx.remat(tx.vmap(f, in_axes=(None, 0))),
        tx.lift(jax.checkpoint)(f),
        tx.grad(lambda m, x: tx.remat(f)(m, x).sum()),
        tx.jacrev(f, argnums=1),
        lambda m, x: tx.scan(lambda m, x: (m, f(m, x)), m, x),
        lambda m, x: tx.switch(0, [f], m, x),
    ]
    for function in nested:
        traces.clear()
        compiled = tx.jit(function)
        for _ in range(3):
            compiled(module, x)
        assert len(traces) == compiled.cache_size() == 1
    traces.clear()
    inner = tx.vmap(tx.jit(f), in_axes=(None, 0))
    for _ in range(3):
        inner(module, x)
    assert len(traces) == 1


def test_threads_do_not_see_each_other() -> None:
    compiled = tx.jit(tx.vmap(call, in_axes=(None, 0)))
    counts = {}

    def work(number: int) -> None:
        module = Count(number)
        for _ in range(10):
            compiled(module, jnp.arange(2.0))
            tx.scan(lambda m, x: (m, m(x)), module, jnp.arange(2.0))
            tx.cond(jnp.array(True), module, module, 1.0)
        counts[number] = int(module.n)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {number: number + 40 for number in range(4)}
