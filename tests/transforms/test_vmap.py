from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, InitializationError, MappedWriteError, ShapeError
from treexlite.transforms._lanes import lanes


class Counter(tx.Module):
    n: jax.Array = tx.State.node()

    def __init__(self) -> None:
        self.n = jnp.array(0)

    @tx.vmap(in_axes=(None, 0))
    def add(self, x: Any) -> Any:
        self.n = self.n + 1
        return x + self.n

    def mean(self, x: Any) -> Any:
        self.n = self.n + jax.lax.pmean(x, "lanes")
        return x


def test_a_mapped_module_is_an_ensemble() -> None:
    """Every lane has a module of its own, and writes to its own slice."""
    members = [Stateful() for _ in range(4)]
    for number, member in enumerate(members):
        member.key = jax.random.PRNGKey(number)
    stacked = tx.stack(members)
    out = tx.vmap(lambda model, x: model(x))(stacked, X)
    expected = jnp.stack([member(x) for member, x in zip(members, X, strict=True)])
    assert_same(out, expected)
    assert_same(stacked, tx.stack(members))


def test_vmap_over_init_makes_an_ensemble() -> None:
    keys = jax.random.split(jax.random.PRNGKey(0), 3)
    x = jnp.ones((1, 2))
    models = tx.vmap(lambda key: tx.nn.Linear(4).init(key, x))(keys)
    assert_same(models, tx.stack([tx.nn.Linear(4).init(key, x) for key in keys]))


def test_a_shared_field_may_be_written_if_all_lanes_agree() -> None:
    counter = Counter()
    assert counter.add(jnp.arange(3)).tolist() == [1, 2, 3]
    assert int(counter.n) == 1
    tx.vmap(counter.mean, axis_name="lanes")(jnp.array([1.0, 3.0]))
    assert float(counter.n) == 3.0


def test_writing_different_values_to_a_shared_field_is_an_error_that_names_it() -> None:
    model = Stateful()
    with untouched(model), pytest.raises(MappedWriteError, match=r"`mean` \(BatchStat\)") as info:
        tx.vmap(model)(X)
    assert "in_axes={tx.BatchStat" in str(info.value)
    assert "pmean" in str(info.value)


class Mine(tx.State):
    """A kind that is not one of the library's."""


@pytest.mark.parametrize(("kind", "name"), [(tx.State, r"tx\.State"), (Mine, "Mine")])
def test_the_way_out_names_the_kind_as_the_user_writes_it(kind: type[tx.Kind], name: str) -> None:
    class Last(tx.Module):
        value: jax.Array = kind.node(default=0.0)

        def __call__(self, x: Any) -> None:
            self.value = x

    with pytest.raises(MappedWriteError, match=rf"`in_axes={{{name}: 0, \.\.\.: None}}`"):
        tx.vmap(Last())(jnp.arange(3.0))


def test_an_output_that_differs_needs_an_axis() -> None:
    with pytest.raises(MappedWriteError, match=r"the output\['a'\]"):
        tx.vmap(lambda x: {"a": x}, out_axes=None)(X)


def test_axes_by_kind() -> None:
    """The most specific kind wins; `...` is the rest."""
    model = Stateful()
    model.mean, model.memory, model.log = jnp.zeros((4, 3)), jnp.zeros((3, 4)), jnp.zeros(4)
    axes = {tx.BatchStat: 0, tx.Cache: 1, tx.Log: 0, ...: None}
    out = tx.vmap(lambda model, x: model(x), in_axes=(axes, 0))(model, X)
    _, keys = lanes(jax.random.PRNGKey(1), 4)
    for number, (x, key) in enumerate(zip(X, keys, strict=True)):
        one = Stateful()
        one.key = key
        assert_same(out[number], one(x))
        assert_same(model.mean[number], one.mean)
        assert_same(model.memory[:, number], one.memory)
    assert int(model.count) == 1


def test_each_lane_has_its_own_key_and_the_users_key_advances_once() -> None:
    dropout = tx.nn.Dropout(0.5).init(0)
    before = dropout.key
    rows = tx.vmap(dropout)(jnp.ones((8, 64)))
    assert len({tuple(row) for row in np.asarray(rows).tolist()}) == 8
    advanced, _ = lanes(before, 8)
    assert_same(dropout.key, advanced)


def test_keys_are_shared_on_demand() -> None:
    dropout, alone = tx.nn.Dropout(0.5).init(0), tx.nn.Dropout(0.5).init(0)
    rows = tx.vmap(dropout, split_rngs=False)(jnp.ones((8, 64)))
    expected = alone(jnp.ones(64))
    assert all((row == expected).all() for row in rows)
    assert_same(dropout.key, alone.key)


def test_a_key_that_no_lane_uses_stays() -> None:
    dropout = tx.nn.Dropout(0.5).init(0).eval()
    before = dropout.key
    tx.vmap(dropout)(jnp.ones((2, 3)))
    assert dropout.key is before


@pytest.mark.parametrize("make", [jax.random.PRNGKey, jax.random.key])
def test_arrays_of_keys_are_split_too(make: Any) -> None:
    class Keys(tx.Module):
        keys: jax.Array = tx.Rng.node()

        def __init__(self) -> None:
            self.keys = jax.random.split(make(0), 2)

        def __call__(self, x: Any) -> Any:
            return jax.vmap(lambda key: jax.random.uniform(key, ()))(self.keys) + x

    out = tx.vmap(Keys())(jnp.zeros(3))
    assert len(set(np.asarray(out).ravel().tolist())) == 6


def test_a_module_returned_by_the_lanes() -> None:
    """One that was an argument comes back as itself; a new one is stacked, by kind if asked."""
    counter = Counter()

    def f(counter: Counter, x: Any) -> Any:
        counter.n = counter.n + 1
        return counter, x, Stateful()

    axes = (0, 0, {tx.Parameter: None, ...: 0})
    same, out, new = tx.vmap(f, in_axes=(None, 0), out_axes=axes)(counter, jnp.arange(2.0))
    assert same is counter
    assert int(counter.n) == 1
    assert out.tolist() == [0.0, 1.0]
    assert new.w.shape == (3,)
    assert new.mean.shape == (2, 3)


def test_structure_changed_by_the_lanes_comes_out() -> None:
    model = Stateful()

    def f(model: Stateful, x: Any) -> Any:
        model.calls += 1
        model.extra = Counter()
        return model.bump(x), model.extra.n

    out, n = tx.vmap(f, in_axes=(None, 0), out_axes=(0, None))(model, X)
    assert out.shape == (4, 3)
    assert (model.calls, int(model.count), int(model.extra.n), int(n)) == (1, 1, 0, 0)


def test_structure_changed_by_the_lanes_without_a_module_in_the_output() -> None:
    model = Stateful()

    def f(model: Stateful, x: Any) -> Any:
        model.calls += 1
        return x, {"twice": 2 * x}

    one, two = tx.vmap(f, in_axes=(None, 0), out_axes=(0, 1))(model, X)
    assert_same((one, two["twice"]), (X, 2 * X.T))
    assert model.calls == 1


def test_functions_methods_partials_and_keywords() -> None:
    def scaled(x: Any, factor: Any, *, shift: Any = 0.0) -> Any:
        return x * factor + shift

    half = functools.partial(scaled, factor=0.5)
    assert tx.vmap(half)(jnp.array([2.0, 4.0])).tolist() == [1.0, 2.0]
    out = tx.vmap(scaled, in_axes=(0, None))(
        jnp.array([1.0, 2.0]), 3.0, shift=jnp.array([0.0, 1.0])
    )
    assert out.tolist() == [3.0, 7.0]
    assert tx.vmap(scaled)(jnp.ones(2), jnp.ones(2), shift=1.0).tolist() == [2.0, 2.0]
    assert tx.vmap(lambda x, mode: x if mode == "same" else -x)(jnp.ones(2), "same").sum() == 2


def test_it_works_under_jit_and_inside_grad() -> None:
    traces: list[int] = []

    def loss(model: Stateful, xs: Any) -> Any:
        traces.append(1)
        return tx.vmap(Stateful.bump, in_axes=(None, 0))(model, xs).sum()

    step = tx.jit(tx.grad(loss))
    model = Stateful()
    for _ in range(3):
        grads = step(model, X)
    assert_same(grads.w, X.sum(0))
    assert int(model.count) == 3
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: tx.vmap(lambda m, x: x)(m, X), ShapeError, "field `count` of shape"),
        (lambda m: tx.vmap(lambda x, y: x)(X, X[:2]), ShapeError, r"4 for argument .*2 for"),
        (lambda m: tx.vmap(lambda x: x, in_axes=(0, 0))(X), ArgumentError, "in_axes"),
        (lambda m: tx.vmap(lambda x: x, in_axes=({tx.Rng: 0},))(X), ArgumentError, "by kind"),
        (lambda m: tx.vmap(lambda x: x, in_axes=("a",))(X), ArgumentError, "in_axes"),
        (lambda m: tx.vmap(lambda x: x, out_axes=(0, 0))(X), ArgumentError, "out_axes"),
        (
            lambda m: tx.vmap(lambda a, b: 0, in_axes=(None, {...: None}))(m, m),
            ArgumentError,
            "shared? .*|one choice of axes",
        ),
    ],
)
def test_axes_that_do_not_fit(call: Any, error: Any, message: str) -> None:
    model = Stateful()
    with untouched(model), pytest.raises(error, match=message):
        call(model)


def test_layers_are_created_inside_init() -> None:
    class Net(tx.Module):
        def __init__(self) -> None:
            self.layer = tx.nn.Linear(2)

        def __call__(self, xs: Any) -> Any:
            return tx.vmap(self.layer)(xs)

    net = Net().init(0, jnp.ones((4, 3)))
    assert net.layer.kernel.shape == (3, 2)
    assert net(jnp.ones((5, 3))).shape == (5, 2)


def test_layers_are_created_inside_init_without_any_lane_too() -> None:
    model = tx.nn.Mapped(tx.nn.Linear(2), -1).init(0, jnp.ones((4, 3, 0)))
    assert model.layer.kernel.shape == (3, 2)
    assert model(jnp.ones((4, 3, 0))).shape == (4, 2, 0)


def test_a_mapped_module_cannot_be_created_inside_init() -> None:
    class Net(tx.Module):
        def __init__(self) -> None:
            self.layer = tx.nn.Linear(2)

        def __call__(self, xs: Any) -> Any:
            return tx.vmap(lambda layer, x: layer(x))(self.layer, xs)

    with pytest.raises(InitializationError, match="mapped modules to be initialised"):
        Net().init(0, jnp.ones((4, 3)))
