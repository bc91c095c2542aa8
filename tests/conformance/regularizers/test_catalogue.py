"""The catalogue of regularizers is complete, and so are their functions and names."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.regularizers.catalogue import KERNEL, REGULARIZERS, RegularizerRow, ids
from treexlite._errors import ArgumentError
from treexlite._names import snake_case
from treexlite.regularizers import Regularizer
from treexlite.regularizers._registry import REGISTRY

CLASSES = {
    value
    for value in vars(tx.regularizers).values()
    if isinstance(value, type) and issubclass(value, Regularizer) and value is not Regularizer
}
each = pytest.mark.parametrize("row", REGULARIZERS, ids=ids)


def test_every_regularizer_has_a_row() -> None:
    assert {row.cls for row in REGULARIZERS} == CLASSES
    assert len({row.name for row in REGULARIZERS}) == len(REGULARIZERS)


def test_every_regularizer_is_a_function_and_a_name_too() -> None:
    for cls in CLASSES:
        assert inspect.isfunction(getattr(tx.regularizers, snake_case(cls.__name__))), cls
        assert REGISTRY.find(cls.__name__) is cls


@each
def test_the_regularizer_is_its_function(row: RegularizerRow) -> None:
    np.testing.assert_array_equal(row.make()(KERNEL), row.compute(KERNEL))


@each
def test_built_alike_they_have_equal_structures_and_no_leaves(row: RegularizerRow) -> None:
    structure = jax.tree.structure(row.make(which="**/kernel"))
    assert structure == jax.tree.structure(row.make(np.float32(0.5), which="**/kernel"))
    assert structure != jax.tree.structure(row.make(0.25, which="**/kernel"))
    assert structure != jax.tree.structure(row.make())
    assert structure.num_leaves == 0


@each
def test_the_strength_is_a_factor(row: RegularizerRow) -> None:
    np.testing.assert_allclose(row.make(1.5)(KERNEL), 3 * row.make()(KERNEL), rtol=1e-6)
    assert row.make(0.0)(KERNEL) == 0
    traced = jax.jit(row.compute)(KERNEL, jnp.float32(0.5))
    np.testing.assert_allclose(traced, row.compute(KERNEL), rtol=1e-5)


@each
def test_a_strength_is_a_finite_number(row: RegularizerRow) -> None:
    name = "l1" if row.cls is tx.regularizers.L1L2 else "strength"
    for value in (float("nan"), float("inf"), "1", True):
        with pytest.raises(ArgumentError, match=f"{row.cls.__name__}: expected `{name}` to be a"):
            row.make(value)
    if row.signed:
        np.testing.assert_allclose(row.make(-0.5)(KERNEL), -row.make()(KERNEL), rtol=1e-6)
    else:
        with pytest.raises(ArgumentError, match=f"`{name}` to be a finite number of at least 0, "):
            row.make(-0.5)
