"""What users of other libraries complained about, and what happens here instead.

One test for each complaint; the docstring names the thread. Costs are shown as counts: traces,
Python calls, reads from the device, bytes that the compiler reports.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from treexlite._errors import ShapeError

X = jnp.linspace(-1.0, 1.0, 8).reshape(4, 2)


class Count(tx.Module):
    """A counter, and how often Python ran its method."""

    n: jax.Array = tx.State.node()

    def __init__(self) -> None:
        self.n = jnp.array(0, jnp.int32)

    def __call__(self, x: Any = 1) -> jax.Array:
        self.n = self.n + x
        return self.n


def net(depth: int = 1) -> Any:
    """Linear and BatchNorm layers, initialised."""
    layers = [layer for _ in range(depth) for layer in (tx.nn.Linear(2), tx.nn.BatchNorm())]
    return tx.nn.Sequential(*layers).init(0, X)


def loss_fn(model: Any, x: jax.Array) -> jax.Array:
    return (model(x) ** 2).mean()


def train_step(model: Any, optimizer: Any, x: jax.Array) -> jax.Array:
    loss, grads = tx.value_and_grad(loss_fn)(model, x)
    optimizer.update(grads, model)
    return loss  # type: ignore[no-any-return]


def profiled(call: Callable[[], Any]) -> Counter[str]:
    """Count the functions that Python calls, by name."""
    names: Counter[str] = Counter()

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            names[frame.f_code.co_name] += 1
        elif event == "c_call":
            names[getattr(argument, "__name__", "?")] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return names


# Mutation


def test_what_plain_jax_loses_is_said() -> None:
    """treex#69, equinox#1071: a mutation made under jit is lost, and nothing says so."""

    @jax.jit
    def step(count: Count) -> jax.Array:
        return count()

    count = Count()
    with pytest.warns(tx.LostMutationWarning, match=r"Count at count: .*`n` at .*which is lost"):
        step(count)
    assert int(count.n) == 0
    with tx.config(lost_mutation="error"), pytest.raises(tx.LostMutationError, match="`n`"):
        jax.jit(lambda count: count())(count)


def test_a_mutation_under_jit_is_not_lost() -> None:
    """treex#69, equinox#1071: a mutation made under jit is lost and nothing says so."""
    counter = Count()
    step = tx.jit(lambda counter, x: counter(x))
    assert [int(step(counter, 2)) for _ in range(3)] == [2, 4, 6]
    assert int(counter.n) == 6


@pytest.mark.parametrize("transform", [tx.jit, tx.remat])
def test_bound_methods_and_modules_are_functions(transform: Any) -> None:
    """flax#3997, flax#5053: jit or remat of a bound method or a module is refused."""
    model = net()
    twin = model.copy()
    expected = twin(X), twin(X)
    received = transform(model)(X), transform(model.__call__)(X)
    for one, other in zip(expected, received, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    np.testing.assert_allclose(model.layers[1].mean, twin.layers[1].mean, rtol=1e-6)


# Costs


def test_the_python_work_of_a_call_does_not_grow_with_the_model() -> None:
    """flax#4045, #4459, tpu-inference#2607, equinox#973, #897, #961: one flatten per variable."""
    counts = []
    for depth in (2, 8):
        model = net(depth)
        optimizer = tx.Optimizer(optax.adam(1e-3)).init(model)
        step = tx.jit(train_step)
        for _ in range(3):
            step(model, optimizer, X)
        counts.append(profiled(lambda: step(model, optimizer, X)).total())  # noqa: B023
        assert step.cache_size() == 1
    assert counts[0] == counts[1] < 200


def test_a_call_waits_for_nothing() -> None:
    """equinox#988: every call of the compiled function blocks the host."""
    waits = {"_value", "block_until_ready", "try_to_block", "__array__", "device_get", "item"}
    model = net()
    assert waits & set(profiled(lambda: float(loss_fn(model, X))))  # reading is seen
    optimizer = tx.Optimizer(optax.adam(1e-3)).init(model)
    for options in ({}, {"donate": True}):
        step = tx.jit(train_step, **options)
        for _ in range(2):
            step(model, optimizer, X)
        assert not waits & set(profiled(lambda: step(model, optimizer, X)))  # noqa: B023


def _arrays(*modules: Any) -> dict[str, jax.Array]:
    return {f"{n}/{k}": v for n, m in enumerate(modules) for k, v in m.state_dict().items()}


def test_donation_gives_back_the_memory_of_all_state() -> None:
    """flax#5026, flax#4848: twice the memory, because donation is opt-in variable by variable."""
    model = net(3)
    optimizer = tx.Optimizer(optax.adam(1e-3)).init(model)
    size = sum(array.nbytes for array in _arrays(model, optimizer).values())
    memory = tx.jit(train_step, donate=True).lower(model, optimizer, X).compile().memory_analysis()
    assert memory.alias_size_in_bytes == size
    table = 8 * (len(_arrays(model, optimizer)) + 1)  # where each output is
    assert memory.output_size_in_bytes <= size + table + 8


def test_a_gradient_needs_no_more_memory_than_in_plain_jax() -> None:
    """flax#5116: the gradient of a module needs twice the temporary memory."""
    model = tx.nn.MLP((64, 64, 1)).init(0, X)
    parameters = jax.tree.map(jnp.asarray, model.state_dict())

    def plain(parameters: Any, x: jax.Array) -> jax.Array:
        model_copy = model.copy()
        model_copy.load_state_dict(parameters)
        return loss_fn(model_copy, x)

    x = jnp.ones((256, 2))
    raw = jax.jit(jax.value_and_grad(plain)).lower(parameters, x).compile().memory_analysis()
    ours = tx.jit(tx.value_and_grad(loss_fn)).lower(model, x).compile().memory_analysis()
    assert raw.temp_size_in_bytes > 0
    assert ours.temp_size_in_bytes <= raw.temp_size_in_bytes
    assert ours.output_size_in_bytes <= raw.output_size_in_bytes


def test_many_steps_are_one_trace() -> None:
    """keras#20411: N steps in one execution traced the model N times."""
    traces = []

    class Traced(tx.nn.Linear):
        def __call__(self, x: jax.Array) -> jax.Array:
            traces.append(1)
            return super().__call__(x)

    def epoch(model: Any, optimizer: Any, batches: jax.Array) -> Any:
        def step(state: Any, x: jax.Array) -> Any:
            return state, train_step(*state, x)

        return tx.scan(step, (model, optimizer), batches)[1]

    counts = []
    for steps in (2, 20):
        model = Traced(1).init(0, X)
        optimizer = tx.Optimizer(optax.sgd(0.1)).init(model)
        traces.clear()
        losses = tx.jit(epoch)(model, optimizer, jnp.stack([X] * steps))
        counts.append(len(traces))
        assert int(optimizer.step) == steps
        assert losses.shape == (steps,)
        assert losses[-1] < losses[0]
    assert counts[0] == counts[1] <= 2


# Random numbers


class Dice(tx.Module):
    """A key, and a draw that advances it."""

    key: jax.Array = tx.Rng.node()

    def __init__(self, key: jax.Array) -> None:
        self.key = key

    def __call__(self, _: Any = None) -> jax.Array:
        self.key, key = jax.random.split(self.key)
        return jax.random.bits(key)


both_sorts_of_keys = pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey])
BY_LANE = [390137614, 3202701683, 3646506523]
BY_STEP = [31327077, 447923887, 354781001]


@both_sorts_of_keys
@jax.threefry_partitionable(True)
def test_keys_are_split_over_lanes_in_a_defined_way(make: Any) -> None:
    """flax#4153, flax#4589, flax#4971: splitting under vmap confuses, and changed its results."""
    dice, key = Dice(make(0)), make(0)
    drawn = tx.vmap(dice, axis_size=3)()
    lanes = jax.random.split(key, 4)  # the first is the key afterwards
    assert drawn.tolist() == [int(Dice(lane)()) for lane in lanes[1:]]
    assert drawn.tolist() == BY_LANE
    assert jnp.array_equal(_data(dice.key), _data(lanes[0]))
    shared = Dice(make(0))
    same = tx.vmap(shared, axis_size=3, split_rngs=False)().tolist()
    assert same == [int(Dice(make(0))())] * 3


@both_sorts_of_keys
@jax.threefry_partitionable(True)
def test_keys_in_a_scan_are_those_of_a_python_loop(make: Any) -> None:
    """flax#4153, flax#4589, flax#4971: the same for scan."""
    dice, loop = Dice(make(0)), Dice(make(0))

    def roll(dice: Dice, _: Any) -> Any:
        return dice, dice()

    _, drawn = tx.scan(roll, dice, length=3)
    assert drawn.tolist() == [int(loop()) for _ in range(3)]
    assert drawn.tolist() == BY_STEP
    assert jnp.array_equal(_data(dice.key), _data(loop.key))
    stacked = tx.stack([Dice(make(seed)) for seed in range(3)])
    assert tx.scan(lambda c, d: (c, d()), 0, stacked)[1].tolist() == [
        int(Dice(make(seed))()) for seed in range(3)
    ]


def _data(key: jax.Array) -> jax.Array:
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(key) if typed else key


# Containers and control flow


def test_plain_lists_of_modules_are_modules() -> None:
    """bonsai#47, jasmine#228, GPJax#554: plain lists of modules became errors."""

    class Stack(tx.Module):
        def __init__(self) -> None:
            self.layers = [tx.nn.Linear(2) for _ in range(2)]
            self.by_name = {"out": tx.nn.Linear(1)}

        def __call__(self, x: jax.Array) -> jax.Array:
            for layer in self.layers:
                x = layer(x)
            return self.by_name["out"](x)

    model = Stack().init(0, X)
    model.layers.append(tx.nn.Linear(2).init(1, X))
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model)
    before = model.layers[2].kernel
    tx.jit(train_step)(model, optimizer, X)
    assert not jnp.array_equal(before, model.layers[2].kernel)
    assert "layers/2/kernel" in model.state_dict()


def test_loops_take_modules() -> None:
    """flax#4522, flax#5051, flax#5571, flax#5113: while, scan and fori with modules fail."""
    counter = Count()
    assert tx.while_loop(lambda c: c.n < 3, lambda c: (c(), c)[1], counter) is counter
    tx.fori_loop(0, 4, lambda i, c: (c(i), c)[1], counter)
    tx.scan(lambda c, x: (c, c(x)), counter, jnp.array([10, 20], jnp.int32))
    assert int(counter.n) == 3 + 6 + 30


@pytest.mark.parametrize(
    "loop",
    [
        lambda step, counter: tx.fori_loop(0, 2, lambda i, c: step(c), counter),
        lambda step, counter: tx.while_loop(lambda c: c.n < 3, step, counter),
        lambda step, counter: tx.scan(lambda c, x: (step(c), None), counter, length=2),
    ],
)
def test_errors_of_loops_name_the_field_and_the_remedy(loop: Any) -> None:
    """The same threads: what is wrong in a loop is shown as a dump of tree structures."""

    def widened(counter: Count) -> Count:
        counter.n = counter.n + 0.5
        return counter

    counter = Count()
    with pytest.raises(ShapeError, match=r"field `n` .* int32\[\], received float32.*astype"):
        loop(widened, counter)
    assert counter.n.dtype == jnp.int32


# State


def test_running_statistics_follow_without_threading() -> None:
    """equinox#448, #336, #586, #934, #707: BatchNorm state is threaded by hand."""
    model, eager = net(2), net(2)
    optimizer = tx.Optimizer(optax.sgd(0.0)).init(model)
    step = tx.jit(train_step)
    for _ in range(3):
        step(model, optimizer, X)
        eager(X)
    for one, other in zip(model.batch_stats().fields(), eager.batch_stats().fields(), strict=True):
        np.testing.assert_allclose(one.value, other.value, rtol=1e-5, atol=1e-7)
    assert float(abs(model.layers[1].mean).sum()) > 0
    evaluated = model.eval()
    before = evaluated.layers[1].mean
    tx.jit(evaluated)(X)
    assert evaluated.layers[1].mean is before


def test_state_under_vmap_and_grad_needs_no_threading() -> None:
    """equinox#336, equinox#934: the same inside vmap, where statistics are those of all lanes."""
    model = tx.nn.BatchNorm(momentum=0.0, axis_name="lane").init(0, X)
    tx.vmap(model, axis_name="lane")(X[:, None])
    np.testing.assert_allclose(model.mean, X.mean(0), rtol=1e-5)


def test_a_custom_loop_trains_and_keeps_state_by_default() -> None:
    """keras#20378: the custom loop forgot `training=True` and the non-trainable state."""
    model = tx.nn.Sequential(tx.nn.Linear(2), tx.nn.BatchNorm(), tx.nn.Dropout(0.5)).init(0, X)
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model)
    step = tx.jit(train_step)
    losses = {float(step(model, optimizer, X)) for _ in range(4)}
    assert len(losses) == 4  # dropout drops, by a new key each time
    assert float(abs(model.layers[1].mean).sum()) > 0
    evaluated = model.eval()
    assert float(loss_fn(evaluated, X)) == float(loss_fn(evaluated, X))
    assert evaluated.layers[1].mean is model.layers[1].mean
