"""Structure: layers built alike are one structure to JAX; leaves come in the order of fields."""

import jax
import pytest

from tests.conformance.catalogue import Layer, ids, sampled

SAMPLED = sampled(__name__)

structure = jax.tree_util.tree_structure


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_two_layers_built_alike_have_one_structure(row: Layer) -> None:
    assert structure(row.make()) == structure(row.make())
    assert structure(row.build(seed=0)) == structure(row.build(seed=1))


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_calling_and_copying_keep_the_structure(row: Layer) -> None:
    model = row.build()
    before = structure(model)
    model(row.x)
    assert structure(model) == structure(model.copy()) == before
    assert structure(model.eval()) != before
    assert structure(model.eval().train()) == before


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_leaves_come_in_the_order_of_the_fields(row: Layer) -> None:
    model = row.build()
    leaves, treedef = jax.tree_util.tree_flatten_with_path(model)
    paths = ["/".join(str(entry).strip(".[]'") for entry in path) for path, _ in leaves]
    assert paths == list(row.fields)
    again = jax.tree_util.tree_unflatten(treedef, [value for _, value in leaves])
    assert structure(again) == treedef
    assert all(a is b for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(model), strict=True))
