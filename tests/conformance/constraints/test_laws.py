"""Constraints hold, do nothing to what is allowed, and are pure functions like any other."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.constraints.catalogue import CONSTRAINTS, KERNEL, ConstraintRow, ids
from treexlite._names import snake_case
from treexlite.constraints import Constraint
from treexlite.constraints._registry import REGISTRY

CLASSES = {
    value
    for value in vars(tx.constraints).values()
    if isinstance(value, type) and issubclass(value, Constraint) and value is not Constraint
}
each = pytest.mark.parametrize("row", CONSTRAINTS, ids=ids)


def test_every_constraint_has_a_row_a_function_and_a_name() -> None:
    assert {row.cls for row in CONSTRAINTS} == CLASSES
    for cls in CLASSES:
        assert inspect.isfunction(getattr(tx.constraints, snake_case(cls.__name__))), cls
        assert REGISTRY.find(cls.__name__) is cls


@each
def test_the_constraint_is_its_function_and_holds(row: ConstraintRow) -> None:
    allowed = row.make()(KERNEL)
    np.testing.assert_array_equal(allowed, row.function(KERNEL, **row.options))
    assert not row.holds(KERNEL)
    assert row.holds(np.asarray(allowed))


@each
def test_twice_is_once(row: ConstraintRow) -> None:
    constraint = row.make()
    once = constraint(KERNEL)
    np.testing.assert_allclose(constraint(once), once, rtol=3e-7)


@each
def test_what_is_allowed_stays(row: ConstraintRow) -> None:
    allowed = jnp.array([[0.0, 0.0], [0.0, 0.0]]) if row.cls is not tx.constraints.MaxNorm else None
    allowed = jnp.array([[0.3, 0.5], [0.1, 0.7]]) if allowed is None else allowed
    np.testing.assert_array_equal(row.make()(allowed), allowed)


@each
def test_eager_and_compiled_and_mapped_agree(row: ConstraintRow) -> None:
    constraint = row.make()
    expected = constraint(KERNEL)
    for compiled in (jax.jit, tx.jit):
        np.testing.assert_allclose(compiled(constraint)(KERNEL), expected, rtol=1e-6)
    lanes = jnp.stack([KERNEL, KERNEL[::-1]])
    mapped = jax.vmap(constraint)(lanes)
    np.testing.assert_allclose(mapped, [constraint(x) for x in lanes], rtol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
@each
def test_the_dtype_is_kept_and_half_precision_computed_in_single(
    row: ConstraintRow, dtype: Any
) -> None:
    kernel = jnp.asarray(KERNEL, dtype)
    allowed = row.make()(kernel)
    assert allowed.dtype == dtype
    wide = row.make()(kernel.astype(jnp.float32))
    np.testing.assert_array_equal(allowed, wide.astype(dtype))


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30])
@each
def test_values_and_gradients_are_finite(row: ConstraintRow, value: float) -> None:
    x = jnp.full((4, 3), value, jnp.float32).at[:, 0].set(0)
    constraint = row.make()
    assert row.holds(np.asarray(constraint(x)))
    assert np.isfinite(jax.grad(lambda x: constraint(x).sum())(x)).all()


@each
def test_what_is_not_a_number_is_not_hidden(row: ConstraintRow) -> None:
    assert np.isnan(row.make()(jnp.array([[jnp.nan], [1.0]]))[0, 0])


@each
def test_no_axes_are_broadcast_in_silence(row: ConstraintRow) -> None:
    with jax.numpy_rank_promotion("raise"):
        row.make()(KERNEL)
        row.make()(np.ones((2, 2, 3), np.float32))


@each
def test_built_alike_they_have_equal_structures_and_no_leaves(row: ConstraintRow) -> None:
    structure = jax.tree.structure(row.make(which="a"))
    assert structure == jax.tree.structure(row.make(which="a"))
    assert structure != jax.tree.structure(row.make())
    assert structure.num_leaves == 0
