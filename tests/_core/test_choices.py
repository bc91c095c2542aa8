"""Which data a verb is about: whole slots by kind, leaves by everything else."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import X, make_net
from treexlite._core._choices import first, is_leaf, mapped, select, slot_infos, whole_slots
from treexlite._core._graph import walk
from treexlite._core._lazy import PENDING
from treexlite._errors import PathError


class Mixed(tx.Module):
    w: Any = tx.Parameter.node()
    tree: Any = tx.State.node()
    late: Any = tx.Parameter.node()

    def __init__(self) -> None:
        self.w = jnp.ones(2)
        self.tree = {"a": jnp.zeros(1), "b": jnp.zeros(3)}


def parameter(info: tx.FieldInfo) -> bool:
    return issubclass(info.kind, tx.Parameter)


def test_a_slot_has_one_info_for_each_leaf() -> None:
    model = Mixed()
    infos = slot_infos(model, walk(model))
    assert [[info.path for info in slot] for slot in infos] == [["w"], ["tree/a", "tree/b"], []]
    assert all(info.module is model for slot in infos for info in slot)
    assert [is_leaf(value) for value in walk(model).values()] == [True, False, False]


KINDS: list[Any] = [
    tx.Parameter,
    ...,
    tx.All(),
    tx.Any(tx.Parameter, tx.State),
    tx.Not(tx.State),
    tx.All(tx.State, tx.Not(tx.Any(tx.Rng, tx.OptState))),
]


@pytest.mark.parametrize("filter_", KINDS, ids=str)
def test_filters_of_kinds_choose_whole_slots_as_predicates_choose_leaves(filter_: Any) -> None:
    model = Mixed()
    found = walk(model)
    whole = whole_slots(found, (filter_,))
    assert whole is not None
    assert whole_slots(found, (filter_,)) is whole  # remembered on the structure
    always = select("test", model, found, (filter_, lambda info: True))
    for chosen, leaves in zip(whole, always, strict=True):
        assert isinstance(leaves, list)
        assert all(leaf == chosen for leaf in leaves)


@pytest.mark.parametrize("filter_", ["w", parameter, tx.All("w"), tx.Not(parameter)])
def test_other_filters_are_asked_about_every_leaf(filter_: Any) -> None:
    assert whole_slots(walk(Mixed()), (filter_,)) is None
    assert whole_slots(walk(Mixed()), (tx.Parameter, filter_)) is None


def test_combinations_that_are_made_anew_share_what_is_remembered() -> None:
    found = walk(Mixed())
    before = len(found.spec.cache)
    one = whole_slots(found, (tx.All(tx.Not(tx.State)),))
    assert all(whole_slots(found, (tx.All(tx.Not(tx.State)),)) is one for _ in range(5))
    assert len(found.spec.cache) <= before + 2  # this, and the paths


def test_a_pattern_without_a_match_is_refused() -> None:
    model = Mixed()
    with pytest.raises(PathError, match="'nothing', which matches none"):
        select("test", model, walk(model), (tx.Parameter, "nothing"))


def test_each_leaf_is_changed_by_the_function_chosen_for_it() -> None:
    model = Mixed()
    found = walk(model)
    plus = [lambda x: x, lambda x: x + 1]
    w, tree, late = mapped(found, [1, [0, 1], 1], plus)
    assert (w.tolist(), tree["a"].tolist(), tree["b"].tolist()) == ([2, 2], [0], [1, 1, 1])
    assert late is PENDING
    w, tree, _ = mapped(found, [0, 1, 0], plus)
    assert w is model.w
    assert (tree["a"].tolist(), tree is model.tree) == ([1], False)
    with pytest.raises(ValueError, match="zip"):
        mapped(found, [0, [1], 0], plus)


def test_first_is_the_number_of_the_first_that_holds() -> None:
    assert first([False, True, True]) == 1
    assert first([False, False]) == 2
    assert first([]) == 0
    assert first([False, [True, False, False], [True, True, False]]) == [1, 2, 3]
    assert first([True, [True, False]]) == [0, 0]


def test_verbs_choose_alike_whether_asked_by_kind_or_by_predicate() -> None:
    model = make_net()
    by_kind, by_predicate = model.filter(tx.Parameter), model.filter(parameter)
    assert jax.tree.structure(by_kind) == jax.tree.structure(by_predicate)
    assert list(model.state_dict(tx.Parameter)) == list(model.state_dict(parameter))
    assert [i.path for i in model.fields(tx.State)] == list(model.state_dict(tx.Not(parameter)))
    for kinds, predicates in zip(
        tx.partition(model, tx.Parameter), tx.partition(model, parameter), strict=True
    ):
        assert jax.tree.structure(kinds) == jax.tree.structure(predicates)
    assert model.merge(by_kind)(X).shape == model(X).shape
