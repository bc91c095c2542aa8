"""WeightNorm: lengths and directions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (6, 4))


@pytest.mark.parametrize("axis", [-1, 0, 1, None])
def test_wrapping_changes_no_output(axis: int | None) -> None:
    inner = nn.Linear(3, bias_init="normal").init(0, X)
    model = nn.WeightNorm(inner, axis=axis).init(0, X)
    np.testing.assert_allclose(model(X), inner(X), rtol=1e-5, atol=1e-6)
    shapes = {None: (), -1: (3,), 0: (4,), 1: (3,)}
    assert model.parts["kernel"].scale.shape == shapes[axis]


def test_scale_is_the_length_and_the_kernel_the_direction() -> None:
    model = nn.WeightNorm(nn.Conv(3, (2, 2))).init(0, jnp.ones((1, 4, 4, 2)))
    model.parts["kernel"].scale = jnp.array([1.0, 2.0, 3.0])
    model.layer.kernel = 7 * model.layer.kernel
    kernel = model.kernels()["kernel"]
    np.testing.assert_allclose((kernel**2).sum((0, 1, 2)) ** 0.5, [1, 2, 3], rtol=1e-5)


def test_the_gradient_of_the_direction_is_orthogonal_to_it() -> None:
    model = nn.WeightNorm(nn.Linear(3)).init(0, X)
    gradients = tx.grad(lambda model: (model(X) ** 3).sum())(model)
    product = (gradients.layer.kernel * model.layer.kernel).sum(0)
    size = abs(gradients.layer.kernel * model.layer.kernel).sum(0)
    np.testing.assert_allclose(product / size, np.zeros(3), atol=1e-5)


def test_a_column_of_zeros_stays_without_nan() -> None:
    model = nn.WeightNorm(nn.Linear(3, kernel_init="zeros")).init(0, X)
    gradients = tx.grad(lambda model: model(X).sum())(model)
    assert (model(X) == 0).all()
    assert all(jnp.isfinite(value).all() for value in gradients.state_dict().values())


def test_wrong_axes_are_refused() -> None:
    with pytest.raises(ArgumentError, match="WeightNorm: expected `axis` to be an integer or None"):
        nn.WeightNorm(nn.Linear(3), axis="features")
    with pytest.raises(ShapeError, match="WeightNorm: expected kernels to have the axis axis=2"):
        nn.WeightNorm(nn.Linear(3), axis=2).init(0, X)
