"""The lifting core: taking a call apart, and bringing home what the function did."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Counter, Scale, Zoo, content, no_tracers, untouched
from treexlite._errors import CycleError, FieldError, StructureError
from treexlite.transforms._lift import Inside, commit
from treexlite.transforms._pack import pack


def run(function: Any, *args: Any) -> Any:
    """Pack, run on copies, close and commit, without any transformation in between."""
    packed = pack(args, {})
    inside = Inside(packed.key, packed.leaves)
    filled, named = inside.fill(packed.arguments)
    payload, node = inside.close(function(*filled, **named))
    return commit(packed, payload, node.value), node.value


def test_the_copies_inside_are_not_the_users_objects() -> None:
    model = Zoo()
    with untouched(model):
        packed = pack((model,), {})
        inside = Inside(packed.key, packed.leaves)
        (copy,), _ = inside.fill(packed.arguments)
        assert copy is not model
        assert copy.kids is not model.kids
        copy.kids.clear()
        copy.a = jnp.array(5.0)
        copy.eval(inplace=True)


def test_a_call_that_changes_nothing_has_an_empty_effect() -> None:
    model = Zoo()
    with untouched(model):
        result, effect = run(lambda m: m.a * 2, model)
    assert float(result) == 4.0
    assert effect.spec is None
    assert effect.written == ((),)
    assert effect.consumed == ()


def test_a_changed_array_is_the_only_thing_that_is_written() -> None:
    model = Zoo()
    _, effect = run(lambda m: setattr(m.kids[1], "w", jnp.array(9.0)), model)
    assert effect.spec is None
    assert effect.written == ((3,),)
    assert float(model.kids[1].w) == 9.0


def test_writing_the_same_value_back_is_no_change() -> None:
    _, effect = run(lambda m: setattr(m, "a", m.a), Zoo())
    assert effect.consumed == ()


def test_exchanged_arrays_are_both_written() -> None:
    class Two(tx.Module):
        a: Any = tx.State.node(1.0)
        b: Any = tx.State.node(2.0)

    def exchange(model: Two) -> None:
        model.a, model.b = model.b, model.a

    model = Two()
    _, effect = run(exchange, model)
    assert effect.consumed == (0, 1)
    assert (model.a, model.b) == (2.0, 1.0)


def test_changes_inside_a_tree_are_seen_and_do_not_touch_the_users_tree() -> None:
    class Model(tx.Module):
        stats: Any = tx.State.node()

        def __init__(self) -> None:
            self.stats = {"a": [jnp.array(1.0)], "b": (jnp.array(2.0),)}

    def program(model: Model) -> None:
        model.stats["a"][0] = model.stats["a"][0] + 1
        model.stats["c"] = jnp.array(3.0)
        if fails:
            raise RuntimeError("stop")

    fails = True
    model = Model()
    with untouched(model), pytest.raises(RuntimeError, match="stop"):
        run(program, model)
    assert list(model.stats) == ["a", "b"]
    fails = False
    for way in (lambda m: run(program, m), tx.jit(program)):
        model = Model()
        way(model)
        assert {k: float(jax.tree.leaves(v)[0]) for k, v in model.stats.items()} == {
            "a": 2.0,
            "b": 2.0,
            "c": 3.0,
        }


def test_data_that_moves_to_another_slot_is_not_computed_again() -> None:
    def program(model: Zoo) -> None:
        model.kids.append(Scale())
        model.kids[2].w = model.a

    model = Zoo()
    a = model.a
    _, effect = run(program, model)
    assert model.kids[2].w is a
    assert effect.consumed == ()


def test_arguments_that_cannot_be_taken_apart_are_refused_before_anything_runs() -> None:
    loop = Zoo()
    loop.kids.append(loop)
    undeclared = Zoo()
    undeclared.__dict__["late"] = [jnp.ones(2)]
    undeclared.hits = 1
    for module, error in ((loop, CycleError), (undeclared, FieldError)):
        with pytest.raises(error):
            tx.jit(lambda m: 1 / 0)(module)


def test_a_cycle_that_is_made_inside_is_refused() -> None:
    model = Zoo()
    with untouched(model), pytest.raises(CycleError, match="kids/0"):
        tx.jit(lambda m: m.kids.__setitem__(0, m))(model)


@pytest.mark.parametrize(
    "program",
    [
        lambda models: models.append(Scale()),
        lambda models: models.pop(),
        lambda models: models.reverse(),
        lambda models: models.__setitem__(0, Scale()),
    ],
)
def test_a_list_argument_whose_elements_change_is_refused(program: Any) -> None:
    models = [Scale(1.0), Scale(2.0)]
    with pytest.raises(StructureError, match="another list after the call than before") as caught:
        tx.jit(program)(models)
    assert "Keep the container in an attribute" in str(caught.value)
    assert [float(model.w) for model in models] == [1.0, 2.0]


def test_a_list_argument_whose_modules_change_is_fine() -> None:
    models = [Scale(1.0), Scale(2.0)]
    tx.jit(lambda models: setattr(models[1], "w", models[0].w + 9))(models)
    assert float(models[1].w) == 10.0


def test_state_inside_tuples_is_written_back() -> None:
    class Model(tx.Module):
        pair: Any = tx.State.node()

        def __init__(self) -> None:
            self.pair = (jnp.array(1.0), Scale(2.0), [jnp.array(3.0)])

    def program(model: Model) -> None:
        one, scale, rest = model.pair
        scale.w = scale.w + 10
        model.pair = (one + 10, scale, [rest[0] + 10])

    model, eager = Model(), Model()
    scale = model.pair[1]
    fast = tx.jit(program)
    for _ in range(3):
        program(eager), fast(model)
    assert content(model) == content(eager)
    assert model.pair[1] is scale
    assert fast.cache_size() == 1
    assert no_tracers(model)


def test_unregistered_containers_of_modules_in_arguments_are_refused_by_jax() -> None:
    class Opaque:
        def __init__(self) -> None:
            self.scale = Scale()

    with pytest.raises(TypeError, match="Opaque"):
        tx.jit(lambda o: 0)(Opaque())


def test_both_versions_of_an_argument_list_tell_modules_from_arrays() -> None:
    # the same structure of holes with another module class must not reuse a trace
    fast = tx.jit(lambda pair: pair[0].count() if isinstance(pair[0], Counter) else pair[0].w)
    assert int(fast((Counter(1), 2.0))) == 2
    assert float(fast((Scale(5.0), 2.0))) == 5.0


class Drawer(tx.Module):
    """A dict of data that traced code replaces."""

    items: dict[str, Any] = tx.State.node()

    def __init__(self) -> None:
        self.items = {"a": jnp.zeros(3)}

    @tx.jit
    def visit(self) -> None:
        for item in self.items.values():
            if isinstance(item, Counter):
                item.count()
        self.items["a"] = self.items["a"] + 1


def test_a_module_put_into_a_container_that_traced_code_wrote_keeps_its_identity() -> None:
    drawer = Drawer()
    box = [drawer]
    tx.jit(lambda box: box[0].visit())(box)  # a walk of another root knows the container, too
    drawer.visit()
    counter = drawer.items["counter"] = Counter(0)
    drawer.visit()
    assert drawer.items["counter"] is counter
    assert int(counter.n) == 1
    assert drawer.items["a"].tolist() == [3, 3, 3]


def test_the_data_of_a_container_that_traced_code_wrote_is_not_kept_alive() -> None:
    drawer = Drawer()
    first = weakref.ref(drawer.items["a"])
    drawer.visit(), drawer.visit()
    gc.collect()
    assert first() is None


def test_where_values_go_is_worked_out_once() -> None:
    counter = Counter(0)
    packed = pack((counter,), {})
    inside = Inside(packed.key, packed.leaves)
    inside.units[0].n = jnp.array(5)
    payload, node = inside.close(None)
    commit(packed, payload, node.value)
    target = packed.walks[0].cache[node.value]
    commit(packed, payload, node.value)
    assert packed.walks[0].cache[node.value] is target
    assert (target.names, target.watched) == (["n"], ())
    assert target.owners[0] is vars(counter)
