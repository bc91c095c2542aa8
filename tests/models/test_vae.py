import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.models.overfit import losses
from treexlite.errors import ArgumentError
from treexlite.models import VAE

X = jax.random.uniform(jax.random.key(0), (6, 4, 3))


def test_the_divergence_is_that_of_the_two_distributions() -> None:
    """Against a Monte Carlo estimate of E[log q(z) - log p(z)]."""
    model = VAE((4, 3), 2, hidden=[8], beta=3.0).init(0, X)
    model(X)
    mean, log_var = (np.asarray(part) for part in model.encode(X))
    noise = np.random.default_rng(1).normal(size=(200_000, *mean.shape))
    z = mean + np.exp(log_var / 2) * noise
    log_ratio = (-(noise**2) / 2 - log_var / 2 + z**2 / 2).sum(-1)
    np.testing.assert_allclose(model.divergence, 3 * log_ratio.mean() / 12, rtol=0.02)


def test_training_draws_and_evaluation_does_not() -> None:
    model = VAE((4, 3), 2, hidden=[8]).init(0, X)
    key = model.key
    assert not jnp.allclose(model(X), model(X))
    assert not (model.key == key).all()
    model.eval(inplace=True)
    key = model.key
    assert (model(X) == model(X)).all()
    assert (model.key == key).all()


def test_it_learns_a_batch() -> None:
    model = VAE((4, 3), 4, hidden=[32], beta=0.01).init(0, X)
    error = tx.losses.MeanSquaredError()
    found = losses(model, lambda m: error(X, m(X)) + m.divergence, steps=150)
    assert found[-1] < 0.2 * found[0]


def test_the_trainer_adds_the_divergence() -> None:
    model = VAE((4, 3), 2, hidden=[8])
    trainer = tx.Trainer(model, loss=tx.losses.MeanSquaredError(), optimizer="adam")
    x = np.asarray(X)
    loss = trainer.fit(x, x, epochs=1, batch_size=6, verbose=0).history["loss"][0]
    trained = trainer.model
    trained(X)
    plain = float(tx.losses.MeanSquaredError()(X, trained(X)))
    assert loss > plain


def test_samples_differ_and_have_the_sizes_of_an_example() -> None:
    model = VAE((4, 3), 2, hidden=[8]).init(0, X)
    first, second = model.sample(5), tx.jit(lambda m: m.sample(5))(model)
    assert first.shape == (5, 4, 3)
    assert not jnp.allclose(first, second)


def test_a_latent_size_that_is_none_is_refused() -> None:
    with pytest.raises(ArgumentError, match="VAE: expected `latent` to be an integer of at least"):
        VAE((4, 4), 0)
