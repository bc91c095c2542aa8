"""The catalogue of losses is complete, and so are their functions and names."""

import inspect

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.losses.catalogue import LOSSES, SAMPLE, LossRow, ids
from treexlite._names import snake_case
from treexlite.losses._registry import REGISTRY

CLASSES = {
    value
    for value in vars(tx.losses).values()
    if isinstance(value, type) and issubclass(value, tx.losses.Loss) and value is not tx.losses.Loss
}


def test_every_loss_has_a_row() -> None:
    assert {type(row.make()) for row in LOSSES} == CLASSES


def test_names_are_unique_and_those_of_the_sample_are_there() -> None:
    names = {row.name for row in LOSSES}
    assert len(names) == len(LOSSES)
    assert names >= SAMPLE


def test_every_loss_is_a_function_and_a_name_too() -> None:
    for cls in CLASSES:
        assert inspect.isfunction(getattr(tx.losses, snake_case(cls.__name__))), cls
        assert REGISTRY.find(cls.__name__) is cls


@pytest.mark.parametrize("row", LOSSES, ids=ids)
def test_the_loss_is_its_function_for_each_example(row: LossRow) -> None:
    assert row.function is not None
    values = row.make(reduction="none")(row.target, row.preds)
    np.testing.assert_array_equal(values, row.function(row.target, row.preds))


@pytest.mark.parametrize("row", LOSSES, ids=ids)
def test_losses_built_alike_have_equal_structures_and_no_leaves(row: LossRow) -> None:
    structure = jax.tree.structure(row.make(weight=2.0, on=["a", 0]))
    assert structure == jax.tree.structure(row.make(weight=np.float32(2), on=("a", 0)))
    assert structure != jax.tree.structure(row.make(weight=3.0, on=("a", 0)))
    assert structure.num_leaves == 0
