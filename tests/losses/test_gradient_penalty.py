"""The gradient penalty."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError, ShapeError
from treexlite.losses import gradient_penalty

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(2, 4, 3)).astype(np.float32)
WEIGHTS = np.array([1.0, 2.0, 2.0], np.float32)


class Counting(tx.nn.Linear):
    """A critic that counts its calls."""

    calls: jax.Array = tx.State.node()

    def __init__(self) -> None:
        super().__init__(1)
        self.calls = jnp.array(0)

    def __call__(self, x: jax.Array) -> jax.Array:
        self.calls += 1
        return super().__call__(x)


def test_a_plane_has_the_same_slope_everywhere() -> None:
    for key in (0, jax.random.key(1)):
        penalty = gradient_penalty(lambda x: x @ WEIGHTS, REAL, FAKE, key)
        np.testing.assert_allclose(penalty, (3 - 1) ** 2, rtol=1e-6)


def test_slopes_are_taken_between_real_and_fake_examples() -> None:
    seen = []

    def critic(x: jax.Array) -> jax.Array:
        jax.debug.callback(lambda x: seen.append(np.asarray(x)), x)
        return 0.5 * jnp.square(x).sum(-1)  # whose slope is x

    penalty = gradient_penalty(critic, REAL, FAKE, 3)
    jax.effects_barrier()
    (x,) = seen
    share = (x - FAKE) / (REAL - FAKE)  # one per example, in [0, 1]
    np.testing.assert_allclose(share, share[:, :1] * np.ones((1, 3)), rtol=1e-3, atol=1e-4)
    assert (share > 0).all()
    assert (share < 1).all()
    assert np.ptp(share[:, 0]) > 0.05
    norms = np.linalg.norm(x, axis=-1)
    np.testing.assert_allclose(penalty, ((norms - 1) ** 2).mean(), rtol=1e-5)


def test_a_flat_critic_has_a_finite_gradient() -> None:
    def loss(scale: jax.Array) -> jax.Array:
        return gradient_penalty(lambda x: scale * (x @ WEIGHTS), REAL, FAKE, 0)

    value, gradient = jax.value_and_grad(loss)(jnp.float32(0))
    assert value == 1
    assert jnp.isfinite(gradient)
    np.testing.assert_allclose(jax.grad(loss)(jnp.float32(1)), 2 * (3 - 1) * 3, rtol=1e-5)


def test_a_module_is_trained_through_it_and_keeps_what_it_changes() -> None:
    critic = Counting().init(0, REAL)
    critic.calls = jnp.array(0)
    kernel = np.asarray(critic.kernel)[:, 0]
    value, gradients = tx.value_and_grad(lambda critic: gradient_penalty(critic, REAL, FAKE, 0))(
        critic
    )
    norm = np.linalg.norm(kernel)
    np.testing.assert_allclose(value, (norm - 1) ** 2, rtol=1e-5)
    wanted = 2 * (norm - 1) * kernel / norm
    np.testing.assert_allclose(gradients.kernel[:, 0], wanted, rtol=1e-4)
    assert critic.calls == 1


def test_pictures_are_examples_too() -> None:
    real = RNG.normal(size=(2, 3, 3, 1)).astype(np.float32)
    penalty = gradient_penalty(lambda x: x.sum((1, 2, 3)), real, 0 * real, 0)
    np.testing.assert_allclose(penalty, (3 - 1) ** 2, rtol=1e-6)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"gradient_penalty: expected `real` and `fake` of one"):
        gradient_penalty(lambda x: x[:, 0], REAL, FAKE[:2], 0)
    with pytest.raises(ShapeError, match=r"expected one score per example .* \(4,\), .*\(4, 3\)"):
        gradient_penalty(lambda x: x, REAL, FAKE, 0)
    with pytest.raises(ArgumentError, match="gradient_penalty: expected `key`"):
        gradient_penalty(lambda x: x[:, 0], REAL, FAKE, "seed")  # type: ignore[arg-type]
