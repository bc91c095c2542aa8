"""Losses of generators and discriminators."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError
from treexlite.losses import (
    gan_discriminator_loss,
    gan_generator_loss,
    hinge_discriminator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)

RNG = np.random.default_rng(0)
REAL = (2 * RNG.normal(size=(5, 1))).astype(np.float32)
FAKE = (2 * RNG.normal(size=(3, 1))).astype(np.float32)
P, Q = (1 / (1 + np.exp(-np.float64(x))) for x in (REAL, FAKE))

DISCRIMINATORS = [
    gan_discriminator_loss,
    least_squares_discriminator_loss,
    hinge_discriminator_loss,
    wasserstein_critic_loss,
]
GENERATORS = [gan_generator_loss, least_squares_generator_loss, wasserstein_generator_loss]


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [
        (gan_discriminator_loss(REAL, FAKE), -np.log(P).mean() - np.log(1 - Q).mean()),
        (
            gan_discriminator_loss(REAL, FAKE, label_smoothing=0.1),
            -(0.9 * np.log(P) + 0.1 * np.log(1 - P)).mean() - np.log(1 - Q).mean(),
        ),
        (gan_generator_loss(FAKE), -np.log(Q).mean()),
        (gan_generator_loss(FAKE, saturating=True), np.log(1 - Q).mean()),
        (
            least_squares_discriminator_loss(REAL, FAKE),
            ((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2,
        ),
        (least_squares_generator_loss(FAKE), ((FAKE - 1) ** 2).mean() / 2),
        (
            hinge_discriminator_loss(REAL, FAKE),
            np.maximum(1 - REAL, 0).mean() + np.maximum(1 + FAKE, 0).mean(),
        ),
        (wasserstein_critic_loss(REAL, FAKE), FAKE.mean() - REAL.mean()),
        (wasserstein_generator_loss(FAKE), -FAKE.mean()),
    ],
)
def test_the_losses_are_their_formulas(loss: jax.Array, wanted: float) -> None:
    assert loss.shape == ()
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


@pytest.mark.parametrize("loss", DISCRIMINATORS)
def test_discriminators_want_real_scores_up_and_fake_ones_down(loss: Any) -> None:
    up, down = jax.grad(loss, argnums=(0, 1))(jnp.zeros(2), jnp.full(2, 0.5))
    assert (up < 0).all()
    assert (down > 0).all()


@pytest.mark.parametrize("loss", [*GENERATORS, lambda x: gan_generator_loss(x, saturating=True)])
def test_generators_want_fake_scores_up(loss: Any) -> None:
    assert (jax.grad(loss)(jnp.zeros(2)) < 0).all()


@pytest.mark.parametrize("size", [-1e4, 1e4])
def test_sure_discriminators_have_finite_losses_and_gradients(size: float) -> None:
    scores = jnp.full(2, size)
    for loss in (lambda x: gan_discriminator_loss(x, -x), gan_generator_loss):
        value, gradient = jax.value_and_grad(loss)(scores)
        assert jnp.isfinite(value)
        assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize("loss", DISCRIMINATORS)
def test_half_precision_is_computed_in_single(loss: Any) -> None:
    values = loss(REAL.astype(np.float16), FAKE.astype(jnp.bfloat16))
    assert values.dtype == jnp.float32


@pytest.mark.parametrize("smoothing", [-0.1, 1.1])
def test_smoothing_out_of_range_is_refused(smoothing: float) -> None:
    message = r"gan_discriminator_loss: expected `label_smoothing` in \[0, 1\]"
    with pytest.raises(ArgumentError, match=message):
        gan_discriminator_loss(REAL, FAKE, label_smoothing=smoothing)


@pytest.mark.parametrize("loss", DISCRIMINATORS)
def test_what_holds_no_numbers_is_refused(loss: Any) -> None:
    with pytest.raises(DataError, match=f"{loss.__name__}: expected `fake` to be an array"):
        loss(REAL, None)
