"""VAE: learn what data are made of, and make more of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from treexlite import nn
from treexlite._core import Initializer, LossLog, Module, Rng
from treexlite.nn._activations import Activation
from treexlite.nn._arguments import positive_int
from treexlite.nn._creation import same_key


class VAE(Module):
    """Encode examples as normal distributions over few numbers, and decode samples of them.

    The encoder gives mean and log-variance of `q(z | x)`; in training mode a sample of it is
    decoded, in evaluation mode its mean. Train it with a reconstruction error that is a mean over
    the values of an example. The model adds the other half of the evidence lower bound, the
    divergence of `q(z | x)` from the standard normal distribution, as a `LossLog`.

    Args:
        sizes: of one example, for example `(28, 28)`.
        latent: size of `z`.
        hidden: sizes of the encoder's hidden layers; the decoder has them the other way round.
        activation: name or function.
        beta: weight of the divergence; more than 1 asks for independent factors (beta-VAE).

    Shapes:
        x: `(batch, *sizes)`; y, what the decoder makes of it (logits, for values between 0 and 1):
            the same; z: `(batch, latent)`.

    State:
        key: replaced by each call in training mode, and by `sample`.
        divergence: `beta * KL(q(z | x) || p(z))`, averaged over the batch and divided by the number
            of values in an example; written by each call.

    Raises:
        ArgumentError: a number is outside its range.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite.models import VAE
        >>> model = VAE((4, 4), 2, hidden=[16]).init(0, jnp.ones((1, 4, 4)))
        >>> model(jnp.ones((3, 4, 4))).shape, model.sample(5).shape
        ((3, 4, 4), (5, 4, 4))

    Reference:
        Kingma and Welling, Auto-encoding variational Bayes (2013), appendices B and C; Higgins et
        al., beta-VAE (2017).
    """

    divergence: jax.Array = LossLog.node()
    key: jax.Array = Rng.node()

    def __init__(
        self,
        sizes: Sequence[int],
        latent: int,
        *,
        hidden: Sequence[int] = (512, 256),
        activation: str | Activation = "relu",
        beta: float = 1.0,
    ) -> None:
        self.sizes = tuple(sizes)
        self.latent = positive_int(type(self).__name__, "latent", latent)
        self.beta = beta
        values = math.prod(self.sizes)
        self.encoder = nn.MLP([*hidden, 2 * latent], activation=activation)
        self.decoder = nn.MLP([*reversed(hidden), values], activation=activation)
        self.divergence = jnp.zeros(())
        self.key = Initializer(same_key)  # type: ignore[assignment]  # until `init`

    def __call__(self, x: jax.Array) -> jax.Array:
        mean, log_var = self.encode(x)
        kl = 0.5 * (jnp.exp(log_var) + jnp.square(mean) - 1 - log_var).sum(-1)  # (batch,)
        self.divergence = self.beta * kl.mean() / math.prod(self.sizes)
        if not self.training:
            return self.decode(mean)
        self.key, key = jax.random.split(self.key)
        noise = jax.random.normal(key, mean.shape, mean.dtype)
        return self.decode(mean + jnp.exp(log_var / 2) * noise)

    def encode(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return mean and log-variance of `q(z | x)`, `(batch, latent)` each, in float32."""
        x = jnp.asarray(x)
        flat = x.reshape(*x.shape[: x.ndim - len(self.sizes)], -1)  # (batch, values)
        mean, log_var = jnp.split(self.encoder(flat).astype(jnp.float32), 2, axis=-1)
        return mean, log_var

    def decode(self, z: jax.Array) -> jax.Array:
        """Return what `z`, `(batch, latent)`, stands for: `(batch, *sizes)`."""
        return self.decoder(z).reshape(*z.shape[:-1], *self.sizes)

    def sample(self, num: int) -> jax.Array:
        """Return `num` new examples, `(num, *sizes)`; the key moves on."""
        self.key, key = jax.random.split(self.key)
        return self.decode(jax.random.normal(key, (num, self.latent)))
