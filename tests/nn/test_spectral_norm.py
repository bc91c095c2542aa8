"""SpectralNorm: the largest singular value, and when its vectors move."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError

X = jax.random.normal(jax.random.key(0), (6, 20))
IMAGES = jnp.ones((1, 5, 5, 3))


def largest(kernel: jax.Array) -> float:
    return float(np.linalg.norm(np.asarray(kernel).reshape(-1, kernel.shape[-1]), ord=2))


@pytest.mark.parametrize(("layer", "x"), [(nn.Linear(8), X), (nn.Conv(4, (3, 3)), IMAGES)])
def test_many_steps_find_the_largest_singular_value(layer: tx.Module, x: jax.Array) -> None:
    model = nn.SpectralNorm(layer, num_steps=200).init(0, x)
    model(x)
    kernel = model.layer.kernel
    np.testing.assert_allclose(model.kernels()["kernel"], kernel / largest(kernel), rtol=1e-4)


def test_init_makes_a_good_start() -> None:
    model = nn.SpectralNorm(nn.Linear(8)).init(0, X)
    assert 0.98 < largest(model.kernels()["kernel"]) < 1.1


def test_one_step_in_each_call_follows_a_kernel_that_changes() -> None:
    model = nn.SpectralNorm(nn.Linear(8)).init(0, X)
    model.layer.kernel = jax.random.normal(jax.random.key(3), (20, 8))
    run = tx.jit(model)
    for _ in range(100):
        run(X)
    np.testing.assert_allclose(largest(model.kernels()["kernel"]), 1, rtol=1e-4)


def test_several_steps_are_as_many_calls() -> None:
    once, thrice = (nn.SpectralNorm(nn.Linear(8), num_steps=n).init(0, X) for n in (1, 3))
    for _ in range(3):
        once(X)
    thrice(X)
    for name in ("u", "v"):
        mine, other = (getattr(model.parts["kernel"], name) for model in (once, thrice))
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", ["eval", "frozen"])
def test_in_evaluation_and_frozen_the_vectors_rest(mode: str) -> None:
    model = nn.SpectralNorm(nn.Linear(8)).init(0, X)
    model = model.eval() if mode == "eval" else model.freeze()
    u, v = model.parts["kernel"].u, model.parts["kernel"].v
    expected = X @ (model.layer.kernel / (v @ model.layer.kernel @ u))
    np.testing.assert_allclose(model(X), expected, rtol=1e-4, atol=1e-5)
    assert model.parts["kernel"].u is u
    assert model.parts["kernel"].v is v


def test_the_gradient_is_that_of_a_quotient_with_fixed_vectors() -> None:
    model = nn.SpectralNorm(nn.Linear(8, use_bias=False)).init(0, X)
    moved = model.copy()
    moved(X)
    u, v = moved.parts["kernel"].u, moved.parts["kernel"].v

    def by_hand(kernel: jax.Array) -> jax.Array:
        return ((X @ (kernel / (v @ kernel @ u))) ** 3).sum()

    gradient = tx.grad(lambda model: (model(X) ** 3).sum())(model).layer.kernel
    np.testing.assert_allclose(
        gradient, jax.grad(by_hand)(model.layer.kernel), rtol=1e-3, atol=1e-4
    )


def test_a_kernel_of_zeros_stays_without_nan() -> None:
    model = nn.SpectralNorm(nn.Linear(3, kernel_init="zeros")).init(0, X)
    gradient = tx.grad(lambda model: model(X).sum())(model).layer.kernel
    assert (model(X) == 0).all()
    assert jnp.isfinite(gradient).all()


def test_the_vectors_are_single_precision() -> None:
    model = nn.SpectralNorm(nn.Linear(3, param_dtype=jnp.bfloat16)).init(0, X)
    model(X)
    assert {value.dtype for value in model.batch_stats().state_dict().values()} == {
        jnp.dtype("float32")
    }


@pytest.mark.parametrize("num_steps", [0, 1.5, None])
def test_the_number_of_steps_is_checked(num_steps: object) -> None:
    with pytest.raises(ArgumentError, match="SpectralNorm: expected `num_steps` to be an integer"):
        nn.SpectralNorm(nn.Linear(3), num_steps=num_steps)
