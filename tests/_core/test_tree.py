import copy
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import (
    Counter,
    Dense,
    Scale,
    X,
    Zoo,
    content,
    make_net,
    sharing,
    untouched,
)
from treexlite._core._graph import walk
from treexlite._errors import StructureError, UnknownFieldError


class Tied(tx.Module):
    def __init__(self, w: float = 1.0) -> None:
        self.encoder = Scale(w)
        self.decoder = {"out": self.encoder, "own": Scale(2 * w)}


class Stats(tx.Module):
    stats: Any = tx.State.node()
    w: Any = tx.Parameter.node(1.0)

    def __init__(self, scale: int = 1) -> None:
        self.stats = {"z": jnp.array(1 * scale), "a": [jnp.array(2 * scale), jnp.array(3 * scale)]}
        self.mode = f"made with {scale}"


def leaves(tree: Any) -> list[float]:
    return [float(leaf) for leaf in jax.tree.leaves(tree)]


VERBS: dict[str, Any] = {
    "copy": lambda m: m.copy(),
    "filter": lambda m: m.filter(...),
    "merge": lambda m: m.merge(m),
    "update": lambda m: m.update(m.parameters()),
    "map": lambda m: m.map(lambda x: x),
    "apply": lambda m: m.apply(lambda member: None),
    "replace": lambda m: m.replace(),
    "partition": lambda m: tx.combine(*tx.partition(m, tx.Parameter)),
    "train": lambda m: m.train(),
    "unfreeze": lambda m: m.unfreeze(),
    "init": lambda m: m.init(0),
    "tx.jit": lambda m: tx.jit(lambda m: m.copy())(m),
    "tx.copy": tx.copy,
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
def test_every_verb_gives_a_new_module_with_the_same_sharing(verb: Any) -> None:
    model = Tied()
    with untouched(model):
        again = verb(model)
    assert again is not model
    assert again.encoder is not model.encoder
    assert again.encoder is again.decoder["out"]
    assert again.decoder is not model.decoder
    assert again.decoder["own"] is not again.encoder
    assert content(again) == content(model)
    assert sharing(again) == sharing(model)


@pytest.mark.parametrize(
    "verb", [tx.Module.copy, lambda m: m.train(), lambda m: m.freeze(), lambda m: m.filter(...)]
)
def test_copies_share_the_arrays(verb: Any) -> None:
    model = Zoo()
    pairs = zip(jax.tree.leaves(model), jax.tree.leaves(verb(model)), strict=True)
    assert all(x is y for x, y in pairs)


def test_a_copy_is_independent_in_every_part() -> None:
    model = Zoo()
    clone = model.copy()
    with untouched(model):
        clone.kids.append(Scale())
        clone.named["new"] = Scale()
        clone.a = jnp.array(9.0)
        clone.kids[0].w = jnp.array(9.0)
        clone.hits = 9
        clone.eval(inplace=True)


def test_copies_of_containers_are_containers() -> None:
    tree = {"b": [Scale(1.0)], "a": (Scale(2.0), 3.0)}
    clone = tx.copy(tree)
    assert list(clone) == ["b", "a"]
    assert clone["b"] is not tree["b"]
    assert float(clone["b"][0].w) == 1.0


# filter, partition, combine


def test_filter_puts_nothing_in_place_of_the_rest() -> None:
    filtered = Zoo().filter(tx.State)
    assert filtered.a is tx.Nothing
    assert filtered.kids[0].w is tx.Nothing
    assert leaves(filtered) == [0.0]
    assert filtered.hits == 0
    assert type(filtered) is Zoo


def test_filter_works_leaf_by_leaf_inside_a_tree() -> None:
    filtered = Stats().filter("stats/a/1")
    assert filtered.stats == {"z": tx.Nothing, "a": [tx.Nothing, 3]}
    assert filtered.w is tx.Nothing


NAMED = {
    "parameters": ["w"],
    "states": ["key", "metric", "opt", "state", "stat", "cache"],
    "rngs": ["key"],
    "batch_stats": ["stat"],
    "model_states": ["stat", "cache"],
    "caches": ["cache"],
    "logs": ["log", "loss", "shown"],
    "loss_logs": ["loss"],
    "metric_logs": ["shown"],
}


class Kinds(tx.Module):
    w: Any = tx.Parameter.node(1.0)
    key: Any = tx.Rng.node(2)
    metric: Any = tx.MetricState.node(3.0)
    opt: Any = tx.OptState.node(4.0)
    state: Any = tx.State.node(5.0)
    stat: Any = tx.BatchStat.node(6.0)
    cache: Any = tx.Cache.node(7.0)
    log: Any = tx.Log.node(8.0)
    loss: Any = tx.LossLog.node(9.0)
    shown: Any = tx.MetricLog.node(10.0)
    plain: Any = tx.node(11.0)


@pytest.mark.parametrize(("verb", "expected"), NAMED.items())
def test_named_selections_are_filters_by_kind(verb: str, expected: list[str]) -> None:
    model = Kinds()
    assert list(getattr(model, verb)().state_dict()) == expected
    assert list(getattr(model, verb)(lambda info: info.name == expected[0]).state_dict()) == [
        expected[0]
    ]


def test_trainable_parameters_are_floating_and_not_frozen() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node(1.0)
        half: Any = tx.Parameter.node()
        index: Any = tx.Parameter.node(3)
        wave: Any = tx.Parameter.node(1j)
        state: Any = tx.State.node(2.0)

        def __init__(self) -> None:
            self.half = jnp.ones(1, jnp.bfloat16)
            self.frozen_part = Scale().freeze()
            self.part = Scale()

    model = Model()
    assert list(model.trainable_parameters().state_dict()) == ["w", "half", "part/w"]
    assert list(model.trainable_parameters("part/*").state_dict()) == ["part/w"]
    assert list(model.freeze().trainable_parameters().state_dict()) == []


def test_partition_gives_each_leaf_to_the_first_filter_that_takes_it() -> None:
    model = Zoo()
    first, second, rest = tx.partition(model, "kids/**", tx.Parameter)
    assert list(first.state_dict()) == ["kids/0/w", "kids/1/w"]
    assert list(second.state_dict()) == ["a", "named/z/w", "named/a/w"]
    assert list(rest.state_dict()) == ["n"]
    for order in ((first, second, rest), (rest, first, second), (second, rest, first)):
        assert content(tx.combine(*order)) == content(model)


def test_partition_without_filters_gives_everything_as_the_rest() -> None:
    (rest,) = tx.partition(Zoo())
    assert content(rest) == content(Zoo())


def test_filtered_modules_go_through_jax() -> None:
    params, rest = tx.partition(Zoo(), tx.Parameter)

    def loss(params: Zoo, rest: Zoo) -> Any:
        model = tx.combine(params, rest)
        return model.a * model.kids[0].w + model.n

    grads = jax.grad(loss)(params, rest)
    assert leaves(grads) == [1.0, 2.0, 0.0, 0.0, 0.0]
    assert grads.n is tx.Nothing


# merge, update


def test_merge_lays_data_over_data_and_later_ones_win() -> None:
    model = Zoo()
    two, three = Zoo().map(lambda x: x + 10), Zoo().filter("kids/0/w").map(lambda x: x + 100)
    merged = model.merge(two, three)
    assert leaves(merged) == [12.0, 10.0, 101.0, 12.0, 13.0, 14.0]
    assert content(merged) == content(tx.merge(model, two, three))


def test_merge_keeps_the_left_sides_statics_modes_and_containers() -> None:
    left, right = Stats(1).eval().freeze(), Stats(10)
    merged = left.merge(right)
    assert (merged.mode, merged.training, merged.frozen) == ("made with 1", False, True)
    assert merged.stats == {"z": 10, "a": [20, 30]}
    assert list(merged.stats) == ["z", "a"]


def test_merge_of_a_part_of_a_tree_keeps_the_other_part() -> None:
    part = Stats(10).filter("stats/a/1")
    assert Stats().merge(part).stats == {"z": 1, "a": [2, 30]}


def test_merge_fills_what_is_nothing_or_pending_on_the_left() -> None:
    hole = Zoo().filter(tx.State)
    assert leaves(hole.merge(Zoo())) == leaves(Zoo())
    assert Dense(2).merge(Dense(2).init(0, X)).b.tolist() == [0.0, 0.0]


def test_nothing_and_pending_on_the_right_cover_nothing() -> None:
    model = Dense(2).init(0, X)
    assert content(model.merge(Dense(2), model.filter(tx.State))) == content(model)


def test_none_on_the_right_covers_no_array() -> None:
    model = Dense(2).init(0, X)
    assert model.merge(Dense(2, bias=False)).b is model.b


def test_an_array_covers_another_of_any_shape() -> None:
    assert Scale(1.0).merge(Scale([1.0, 2.0])).w.shape == (2,)


def test_merge_needs_the_same_paths() -> None:
    class Bigger(Zoo):
        def __init__(self) -> None:
            super().__init__()
            self.extra = Scale()

    with pytest.raises(StructureError, match="data at 'extra/w'") as caught:
        Zoo().merge(Bigger())
    assert str(caught.value).startswith("merge into Zoo")
    assert leaves(Bigger().merge(Zoo().map(lambda x: x * 2)).extra) == [1.0]


def test_merge_of_different_trees_in_one_field_is_refused() -> None:
    left, right = Stats(), Stats()
    left.stats = [1.0, 2.0]
    right.stats = [1.0, tx.Nothing, 3.0]
    with pytest.raises(StructureError, match="the same tree at `stats`"):
        left.merge(right)


def test_a_shared_module_is_overlaid_once() -> None:
    merged = Tied(1.0).merge(Tied(5.0))
    assert (float(merged.encoder.w), float(merged.decoder["own"].w)) == (5.0, 10.0)
    assert merged.encoder is merged.decoder["out"]


def test_a_right_side_without_the_sharing_still_fits() -> None:
    split = jax.tree.map(lambda x: x * 3, Tied(1.0))  # plain JAX cannot keep the sharing
    merged = Tied(1.0).merge(split)
    assert float(merged.encoder.w) == 3.0
    assert merged.encoder is merged.decoder["out"]


def test_update_returns_a_copy_and_with_inplace_writes() -> None:
    model, other = Zoo(), Zoo().map(lambda x: x + 1)
    kids = model.kids
    with untouched(model):
        updated = model.update(other)
    assert content(updated) == content(other)
    assert model.update(other, inplace=True) is model
    assert model.kids is kids
    assert content(model) == content(other)


def test_a_failing_update_in_place_changes_nothing() -> None:
    class Bigger(Zoo):
        def __init__(self) -> None:
            super().__init__()
            self.extra = Scale()

    model = Zoo()
    with untouched(model), pytest.raises(StructureError, match="extra"):
        model.update(Zoo().map(lambda x: x + 1), Bigger(), inplace=True)


def test_update_in_place_reaches_into_tuples() -> None:
    class Pair(NamedTuple):
        left: Any
        right: Any

    class Model(tx.Module):
        pair: Any = tx.State.node()

        def __init__(self) -> None:
            self.pair = Pair(Scale(1.0), jnp.array(2.0))

    model = Model()
    left = model.pair.left
    model.update(Model().map(lambda x: x * 10), inplace=True)
    assert leaves(model) == [10.0, 20.0]
    assert model.pair.left is left
    assert type(model.pair) is Pair


def test_the_treex_pattern_updates_from_plain_gradients_arguments() -> None:
    net = make_net()

    def loss(params: Any, net: Any) -> Any:
        net = net.update(params)
        return jnp.mean(net(X) ** 2), net

    (value, after), grads = jax.value_and_grad(loss, has_aux=True)(net.parameters(), net)
    assert np.isfinite(value)
    assert grads.norm.mean is tx.Nothing
    assert not np.allclose(after.norm.mean, net.norm.mean)


# map, apply, replace


def test_map_applies_to_chosen_leaves_and_keeps_the_rest() -> None:
    model = Zoo()
    mapped = model.map(lambda x: x * 10, tx.Parameter, "kids/*/w")
    assert leaves(mapped) == [2.0, 0.0, 10.0, 20.0, 3.0, 4.0]
    assert mapped.a is model.a
    assert content(tx.map(lambda x: x * 10, model, tx.Parameter, "kids/*/w")) == content(mapped)


def test_map_reaches_into_trees_and_skips_what_is_not_there() -> None:
    mapped = Stats().map(lambda x: x + 1)
    assert mapped.stats == {"z": 2, "a": [3, 4]}
    assert Dense(2).map(lambda x: x + 1).initialized is False


def test_map_sees_a_shared_leaf_once() -> None:
    calls = []
    tx.map(lambda x: calls.append(x), Tied())
    assert len(calls) == 2


def test_apply_changes_a_copy_inner_modules_first() -> None:
    seen = []

    def visit(module: tx.Module) -> None:
        seen.append(type(module).__name__)
        if isinstance(module, Scale):
            module.w = module.w + 1
            module.note = "seen"

    model = Tied()
    with untouched(model):
        applied = model.apply(visit)
    assert seen == ["Scale", "Scale", "Tied"]
    assert leaves(applied.decoder["own"]) == [3.0]
    assert applied.encoder.note == "seen"


def test_apply_in_place_changes_the_module_itself() -> None:
    model = Tied()
    assert model.apply(lambda m: setattr(m, "tag", 1), inplace=True) is model
    assert model.encoder.tag == 1


def test_apply_walks_several_trees_side_by_side() -> None:
    def add(one: Any, two: Any) -> None:
        if isinstance(one, Scale):
            one.w = one.w + two.w

    assert leaves(tx.apply(add, Tied(1.0), Tied(10.0)).encoder) == [11.0]
    with pytest.raises(StructureError, match="trees with the same 3 modules, received one with 1"):
        tx.apply(add, Tied(), Scale())


def test_replace_changes_attributes_of_a_copy() -> None:
    model = Zoo()
    with untouched(model):
        replaced = model.replace(hits=3, a=jnp.array(5.0), kids=[Counter(4)])
    assert (replaced.hits, leaves(replaced)) == (3, [5.0, 0.0, 4.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("name", "fix"), [("hit", "Did you mean hits"), ("zzzzz", "Check the spelling")]
)
def test_replace_refuses_unknown_names_and_offers_close_ones(name: str, fix: str) -> None:
    model = Zoo()
    with untouched(model), pytest.raises(UnknownFieldError, match=fix) as caught:
        model.replace(**{"a": 1.0, name: 2})
    assert "names of attributes (" in str(caught.value)
    assert isinstance(caught.value, AttributeError)


def test_replace_of_a_module_without_attributes_says_so() -> None:
    class Empty(tx.Module):
        pass

    with pytest.raises(UnknownFieldError, match=r"\(there are none\)"):
        Empty().replace(a=1)


# modules, fields, modes


def test_modules_come_with_their_first_path_root_first() -> None:
    model = Tied()
    assert list(model.modules()) == [
        ("", model),
        ("encoder", model.encoder),
        ("decoder/own", model.decoder["own"]),
    ]


def test_modes_are_set_on_everything_below_and_only_there() -> None:
    model = Zoo()
    model.kids[0].eval(inplace=True)
    assert [m.training for _, m in model.modules()] == [True, False, True, True, True]
    with untouched(model):
        evaluated = model.eval()
    assert {m.training for _, m in evaluated.modules()} == {False}
    assert {m.training for _, m in evaluated.train().modules()} == {True}
    assert model.freeze(inplace=True) is model
    assert {m.frozen for _, m in model.modules()} == {True}


def test_modes_survive_every_border() -> None:
    model = Zoo()
    model.kids[1].eval(inplace=True)
    model.named["z"].freeze(inplace=True)
    wanted = [(m.training, m.frozen) for _, m in model.modules()]
    for again in (
        model.copy(),
        jax.jit(lambda m: m)(model),
        tx.jit(lambda m: m.copy())(model),
        jax.tree.map(lambda x: x, model),
        model.filter(tx.Parameter),
        model.merge(Zoo()),
        model.init(0),
    ):
        assert [(m.training, m.frozen) for _, m in again.modules()] == wanted


def test_mode_arguments_are_truth_values() -> None:
    assert Zoo().train(0).training is False  # type: ignore[arg-type]
    assert Zoo().freeze("yes").frozen is True  # type: ignore[arg-type]
    assert Zoo().freeze().unfreeze().frozen is False
    assert Zoo().freeze(False).frozen is False


@pytest.mark.parametrize("inplace", [False, True])
def test_modules_in_other_modes_have_the_layouts_that_they_would_be_given(inplace: bool) -> None:
    model = make_net()
    walk(model)
    model.layers[0].freeze(inplace=True)
    moded = model.eval(inplace=inplace)
    found = walk(moded)
    again = copy.deepcopy(moded)  # its layouts are made anew
    assert walk(again).spec is found.spec
    assert [m.training for _, m in moded.modules()] == [False] * found.spec.num_modules
    assert moded.layers[0].frozen
    assert not moded.layers[1].frozen
    assert walk(model.eval()).spec is found.spec
    assert moded.train().layers[0].training


def test_a_list_that_changed_is_seen_after_a_change_of_modes() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.sizes = [1]

    model = Model()
    spec = walk(model).spec
    model.sizes.append(2)
    model.eval(inplace=True)
    assert model.copy().sizes == [1, 2]
    assert model.train().sizes == [1, 2]
    assert walk(model.train()).spec is not spec
