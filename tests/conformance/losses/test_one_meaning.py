"""A loss means the same eagerly, compiled, mapped, in half precision, and in any order."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS
from tests.conformance.losses.catalogue import BATCH, LOSSES, SAMPLED, LossRow, cast, ids, part


def value_and_gradient(row: LossRow, transform: Any = lambda f: f) -> Any:
    """The sum of unequal parts of the values, and its gradient by the predictions."""
    loss = row.make(reduction="none")

    def weighed(preds: Any, target: Any) -> tuple[jax.Array, jax.Array]:
        values = loss(target, preds)
        return (values * jnp.linspace(0.5, 2.0, values.size).reshape(values.shape)).sum(), values

    f = transform(jax.value_and_grad(weighed, has_aux=True))
    (_, values), gradient = f(row.preds, row.target)
    return values, gradient


# One of the two for each loss, in turns, unless all laws are run.
CASES = [
    pytest.param(row, compiled, id=f"{row.name}-{name}")
    for number, row in enumerate(SAMPLED)
    for turn, (name, compiled) in enumerate({"jax.jit": jax.jit, "tx.jit": tx.jit}.items())
    if ALL_LAWS or turn == number % 2
]


@pytest.mark.parametrize(("row", "compiled"), CASES)
def test_eager_and_compiled_agree_in_value_and_gradient(row: LossRow, compiled: Any) -> None:
    for expected, received in zip(
        jax.tree.leaves(value_and_gradient(row)),
        jax.tree.leaves(value_and_gradient(row, compiled)),
        strict=True,
    ):
        np.testing.assert_allclose(received, expected, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("row", LOSSES, ids=ids)
def test_the_gradient_is_finite_and_not_nothing(row: LossRow) -> None:
    values, gradient = value_and_gradient(row, jax.jit)
    assert values.shape[:1] == (BATCH,)
    leaves = jax.tree.leaves((values, gradient))
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    assert row.trained == any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))


@pytest.mark.parametrize("row", [row for row in LOSSES if row.awkward], ids=ids)
def test_awkward_points_have_finite_values_and_gradients(row: LossRow) -> None:
    loss = row.make()
    f = jax.jit(jax.value_and_grad(lambda preds, target: loss(target, preds)))
    for target, preds in row.awkward:
        value, gradient = f(preds, target)
        assert np.isfinite(value)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_vmap_does_what_a_loop_does(row: LossRow) -> None:
    order = np.arange(BATCH)[::-1]
    lanes = [(row.target, row.preds), (part(row.target, order), part(row.preds, order))]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *lanes)
    loss = row.make()
    compute = jax.jit(lambda batch: loss(*batch))
    mapped = jax.jit(jax.vmap(compute))(stacked)
    np.testing.assert_allclose(mapped, [compute(lane) for lane in lanes], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_the_order_of_examples_does_not_matter(row: LossRow) -> None:
    order = np.array([3, 0, 5, 1, 4, 2])
    loss = jax.jit(row.make(reduction="none"))
    values = loss(row.target, row.preds)
    moved = loss(part(row.target, order), part(row.preds, order))
    np.testing.assert_allclose(moved, values[order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", [row for row in SAMPLED if row.by_example], ids=ids)
def test_an_example_has_the_value_that_it_has_alone(row: LossRow) -> None:
    loss = jax.jit(row.make(reduction="none"))
    alone = [
        loss(part(row.target, slice(i, i + 1)), part(row.preds, slice(i, i + 1))) for i in (0, 3)
    ]
    values = loss(row.target, row.preds)
    np.testing.assert_allclose(
        jnp.concatenate(alone), values[np.array([0, 3])], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_half_precision_is_computed_in_single(row: LossRow, dtype: Any) -> None:
    preds = cast(row.preds, dtype)
    loss = row.make()
    value, gradient = jax.jit(jax.value_and_grad(lambda preds: loss(row.target, preds)))(preds)
    assert value.dtype == jnp.float32
    assert jax.tree.map(lambda x: x.dtype, gradient) == jax.tree.map(lambda x: x.dtype, preds)
    single = jax.jit(loss)(row.target, cast(preds, jnp.float32))
    np.testing.assert_allclose(value, single, rtol=1e-5)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_no_axes_are_broadcast_in_silence(row: LossRow) -> None:
    with jax.numpy_rank_promotion("raise"):
        assert jax.eval_shape(row.make(), row.target, row.preds, jnp.ones(BATCH)).shape == ()
