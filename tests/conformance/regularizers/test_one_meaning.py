"""A regularizer means the same eagerly, compiled, mapped, in half precision and on a model."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.regularizers.catalogue import KERNEL, REGULARIZERS, RegularizerRow, ids

each = pytest.mark.parametrize("row", REGULARIZERS, ids=ids)


@each
def test_eager_and_compiled_agree_in_value_and_gradient(row: RegularizerRow) -> None:
    value, gradient = jax.value_and_grad(row.make())(KERNEL)
    assert (value.shape, value.dtype) == ((), jnp.float32)
    assert np.abs(gradient).max() > 0
    for compiled in (jax.jit, tx.jit):
        received, received_gradient = compiled(jax.value_and_grad(row.make()))(KERNEL)
        np.testing.assert_allclose(received, value, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(received_gradient, gradient, rtol=1e-4, atol=1e-6)


@each
def test_the_gradient_is_the_slope(row: RegularizerRow) -> None:
    kernel = np.abs(KERNEL) + 0.1  # probabilities are positive
    direction = np.random.default_rng(1).normal(size=KERNEL.shape).astype(np.float32)
    gradient = jax.jit(jax.grad(row.compute))(kernel, 1.0)
    step, compute = 5e-3, jax.jit(row.compute)
    slope = compute(kernel + step * direction, 1.0) - compute(kernel - step * direction, 1.0)
    np.testing.assert_allclose(jnp.sum(gradient * direction), slope / (2 * step), rtol=2e-2)


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-25, 1e15])
@each
def test_awkward_points_have_finite_values_and_gradients(row: RegularizerRow, value: float) -> None:
    if value == 1e15 and row.cls is tx.regularizers.Orthonormal:
        value = 1e8  # its value has the fourth power
    x = jnp.full(KERNEL.shape, value, jnp.float32).at[:, 0].set(0)
    penalty, gradient = jax.jit(jax.value_and_grad(row.make()))(x)
    assert np.isfinite(penalty)
    assert np.isfinite(gradient).all()


@each
def test_of_zeros(row: RegularizerRow) -> None:
    value, gradient = jax.jit(jax.value_and_grad(row.make()))(jnp.zeros((4, 3)))
    assert (value == 0) == row.at_zero
    assert np.isfinite(gradient).all()
    if not row.signed:
        np.testing.assert_array_equal(gradient, 0)


@each
def test_vmap_does_what_a_loop_does(row: RegularizerRow) -> None:
    lanes = jnp.stack([KERNEL, KERNEL[::-1] + 1, jnp.zeros_like(KERNEL)])
    regularizer = jax.jit(row.make())
    mapped = jax.jit(jax.vmap(regularizer))(lanes)
    np.testing.assert_allclose(mapped, [regularizer(x) for x in lanes], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@each
def test_half_precision_is_computed_in_single(row: RegularizerRow, dtype: Any) -> None:
    half = jnp.asarray(KERNEL, dtype)
    value, gradient = jax.jit(jax.value_and_grad(row.make()))(half)
    assert value.dtype == jnp.float32
    assert gradient.dtype == dtype
    np.testing.assert_allclose(value, jax.jit(row.make())(half.astype(jnp.float32)), rtol=1e-6)


@each
def test_no_axes_are_broadcast_in_silence(row: RegularizerRow) -> None:
    with jax.numpy_rank_promotion("raise"):
        gradient = jax.eval_shape(jax.grad(row.make()), jnp.asarray(KERNEL))
        assert gradient.shape == KERNEL.shape


@each
def test_of_modules_it_is_the_sum_over_their_kernels(row: RegularizerRow) -> None:
    x = jnp.ones((1, 4))
    layers = [tx.nn.Linear(3, bias_init="ones").init(seed, x) for seed in range(2)]
    value, gradients = tx.jit(tx.value_and_grad(row.make()))(layers)
    compute = jax.jit(jax.value_and_grad(row.compute))
    expected = [compute(layer.kernel) for layer in layers]
    np.testing.assert_allclose(value, sum(penalty for penalty, _ in expected), rtol=1e-5)
    for gradient, (_, expected_gradient) in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient.kernel, expected_gradient, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(gradient.bias, 0)


@pytest.mark.parametrize(
    "row",
    [row for row in REGULARIZERS if "axis" not in row.options and row.name != "Entropy"],
    ids=ids,
)
def test_a_kernel_of_a_convolution_is_a_matrix(row: RegularizerRow) -> None:
    regularizer = row.make()
    value = regularizer(KERNEL.reshape(2, 1, 2, 3))  # (*window, in, out)
    np.testing.assert_allclose(value, regularizer(KERNEL), rtol=1e-5)
