import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Counter, Scale, Zoo, content, untouched
from treexlite.transforms._donation import distinct, usable
from treexlite.transforms._pack import pack


def test_a_slot_is_usable_when_an_output_can_take_its_memory() -> None:
    three, four, whole = jnp.ones(3), jnp.ones(4), jnp.ones(3, jnp.int32)
    leaves = [three, four, whole, {"a": three, "b": four}, None]
    assert usable(leaves, (0, 1, 2), [three, four, whole]) == (0, 1, 2)
    assert usable(leaves, (0, 1, 2), [four]) == (1,)
    assert usable(leaves, (0, 2), [three]) == (0,)
    assert usable(leaves, (3,), [three]) == ()
    assert usable(leaves, (3,), [four, three]) == (3,)
    assert usable(leaves, (4,), [three]) == ()


def test_each_output_takes_the_memory_of_one_slot() -> None:
    leaves = [jnp.ones(3), jnp.ones(3), jnp.ones(3)]
    assert usable(leaves, (0, 1, 2), [jax.ShapeDtypeStruct((3,), jnp.float32)] * 2) == (0, 1)


def same(one: list[jax.Array], two: list[jax.Array]) -> list[bool]:
    return [x is y for x, y in zip(one, two, strict=True)]


def test_a_donated_array_that_is_reached_once_is_passed_as_it_is() -> None:
    packed = pack((Scale(1.0), Scale(2.0)), {"x": jnp.ones(2)})
    assert same(distinct(packed, (0, 1)), packed.leaves) == [True, True]


def test_a_donated_array_that_is_reached_twice_is_copied_and_the_other_one_is_not() -> None:
    one = Scale(1.0)
    two = one.copy()
    packed = pack((one, two), {})
    data = distinct(packed, (0,))
    assert same(data, packed.leaves) == [False, True]
    assert data[0].tolist() == 1.0
    assert data[0].unsafe_buffer_pointer() != one.w.unsafe_buffer_pointer()
    assert same(distinct(packed, (0, 1)), packed.leaves) == [False, False]
    assert same(distinct(packed, ()), packed.leaves) == [True, True]


def test_a_donated_array_that_is_also_an_argument_is_copied() -> None:
    one = Scale(1.0)
    packed = pack((one, {"x": [one.w]}), {})
    assert same(distinct(packed, (0,)), packed.leaves) == [False]


def test_numbers_and_numpy_arrays_have_no_buffer_to_share() -> None:
    one, two = Scale(), Scale()
    one.w = two.w = np.ones(2)
    packed = pack((one, two), {})
    for data in distinct(packed, (0, 1)):
        np.testing.assert_array_equal(data, np.ones(2))


def test_inside_a_trace_nothing_is_copied() -> None:
    counts = []

    @jax.jit
    def f(x: jax.Array) -> jax.Array:
        one = Scale()
        one.w = x
        packed = pack((one, one.copy()), {})
        counts.append(same(distinct(packed, (0, 1)), packed.leaves))
        return x

    f(1.0)
    assert counts == [[True, True]]


def test_typed_keys_are_copied_too() -> None:
    one = Scale()
    one.w = jax.random.key(0)
    packed = pack((one, one.copy()), {})
    data = distinct(packed, (0,))
    assert jnp.array_equal(jax.random.key_data(data[0]), jax.random.key_data(one.w))


class Two(tx.Module):
    """Two arrays, of which a program writes one or the other."""

    a: Any = tx.State.node()
    b: Any = tx.State.node()

    def __init__(self) -> None:
        self.a, self.b = jnp.arange(3.0), jnp.arange(3.0)


def by_shape(model: Two, x: jax.Array) -> None:
    if x.shape == (1,):
        model.a = model.a + 1
    else:
        model.b = model.b + 10


# Whole calls


def test_changed_leaves_are_donated_and_the_rest_survives() -> None:
    model, x = Two(), jnp.ones(1)
    a, b = model.a, model.b
    fast = tx.jit(by_shape, donate=True)
    fast(model, x)
    assert a.is_deleted()
    assert not b.is_deleted()
    assert not x.is_deleted()
    assert model.b is b
    assert model.a.tolist() == [1.0, 2.0, 3.0]


def test_without_donation_nothing_is_deleted() -> None:
    model = Two()
    a = model.a
    tx.jit(by_shape)(model, jnp.ones(1))
    assert a.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("first", ["call", "eval_shape", "trace", "lower"])
def test_another_shape_that_writes_other_leaves_loses_nothing(first: str) -> None:
    fast, eager, model = tx.jit(by_shape, donate=True), Two(), Two()
    one, two = jnp.ones(1), jnp.ones(2)
    if first != "call":
        getattr(fast, first)(model, two)
    for x in (one, two, two, one, two):
        by_shape(eager, x), fast(model, x)
        assert content(model) == content(eager)


def test_one_buffer_reached_twice_is_copied() -> None:
    def program(model: Two) -> None:
        model.a, model.b = model.a + 1, model.b + 2

    fast = tx.jit(program, donate=True)
    model = Two()
    model.b = model.a
    for start in (0.0, 1.0):
        fast(model)
        assert model.a.tolist() == [start + 1, start + 2, start + 3]
        model.b = model.a
    fast(model)
    assert model.b.tolist() == [4.0, 5.0, 6.0]


def test_an_alias_between_a_changed_and_an_unchanged_leaf_is_copied() -> None:
    fast = tx.jit(lambda m: setattr(m, "a", m.a + m.b), donate=True)
    model = Two()
    fast(model)
    model.b = model.a
    fast(model)
    assert model.a.tolist() == [0.0, 4.0, 8.0]
    assert model.b.tolist() == [0.0, 2.0, 4.0]


def test_batch_data_is_never_donated_even_when_it_is_state() -> None:
    fast = tx.jit(lambda m, x: setattr(m, "a", m.a + x), donate=True)
    model = Two()
    fast(model, jnp.ones(3))
    batch = model.a
    fast(model, batch)
    assert batch.tolist() == [1.0, 2.0, 3.0]
    assert model.a.tolist() == [2.0, 4.0, 6.0]


def test_two_models_that_share_an_array_keep_both() -> None:
    fast = tx.jit(by_shape, donate=True)
    one = Two()
    two = one.copy()  # shares the arrays
    kept = np.asarray(two.a)
    fast(one, jnp.ones(1))
    assert one.a.tolist() == [1.0, 2.0, 3.0]
    assert kept.tolist() == [0.0, 1.0, 2.0]


def test_a_target_network_that_is_passed_beside_the_model_survives() -> None:
    online = Two()
    target = online.copy()  # shares the arrays
    fast = tx.jit(lambda m, n: setattr(m, "a", m.a + n.b + 1), donate=True)
    for _ in range(2):
        fast(online, target)
        assert target.a.tolist() == [0.0, 1.0, 2.0]
        assert target.b.tolist() == [0.0, 1.0, 2.0]
    assert online.a.tolist() == [2.0, 5.0, 8.0]
    target.a = online.a
    fast(online, target)
    assert target.a.tolist() == [2.0, 5.0, 8.0]


def test_donation_with_changes_of_structure() -> None:
    def program(model: Zoo) -> None:
        model.a = model.a + 1
        model.kids.append(Scale(model.a))
        model.hits += 1

    eager, model = Zoo(), Zoo()
    fast = tx.jit(program, donate=True)
    for _ in range(3):
        program(eager), fast(model)
        assert content(model) == content(eager)


def test_donated_leaves_that_move_or_vanish_do_not_warn() -> None:
    def program(model: Two) -> None:
        model.a, model.b = model.b, model.a.sum()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Two()
        tx.jit(program, donate=True)(model)
    assert (model.a.tolist(), float(model.b)) == ([0.0, 1.0, 2.0], 3.0)


def test_numpy_and_python_state_can_be_donated() -> None:
    model = Two()
    model.a, model.b = 1, np.ones(2)

    @tx.jit(donate=True)
    def fast(model: Two) -> None:
        model.a, model.b = model.a + 1, model.b + 1

    fast(model), fast(model)
    assert (int(model.a), model.b.tolist()) == (3, [3.0, 3.0])


def test_typed_keys_can_be_donated() -> None:
    class Model(tx.Module):
        key: Any = tx.Rng.node()

        def __init__(self) -> None:
            self.key = jax.random.key(0)

        def draw(self) -> Any:
            self.key, key = jax.random.split(self.key)
            return jax.random.normal(key)

    eager, jitted = Model(), Model()
    draw = tx.jit(Model.draw, donate=True)
    for _ in range(3):
        np.testing.assert_allclose(eager.draw(), draw(jitted), rtol=1e-6)


@pytest.mark.parametrize("donate", [False, True])
def test_the_function_runs_once_per_trace(donate: bool) -> None:
    runs = []

    @tx.jit(donate=donate)
    def program(model: Two, x: Any) -> None:
        runs.append(x.shape)
        by_shape(model, x)

    model = Two()
    for x in (jnp.ones(1), jnp.ones(1), jnp.ones(2), jnp.ones(1)):
        program(model, x)
    assert len(runs) == program.cache_size() == 2


def test_lowering_knows_what_is_donated() -> None:
    model = Two()
    fast = tx.jit(by_shape, donate=True)
    with untouched(model):
        text = fast.lower(model, jnp.ones(1)).as_text()
    assert text.count("tf.aliasing_output") + text.count("jax.buffer_donor") == 1


@pytest.mark.parametrize("outer", [jax.jit, tx.jit])
def test_an_inner_jit_that_donates_is_harmless_inside_another(outer: Any) -> None:
    inner = tx.jit(lambda m: m.count(), donate=True)
    counter = Counter()

    def program(counter: Counter) -> Any:
        inner(counter)
        return inner(counter)

    with tx.config(lost_mutation="off"):  # `jax.jit` does not bring the counter back
        assert int(outer(program)(counter)) == 2
