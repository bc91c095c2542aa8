"""The losses of adversarial pairs: a generator, and the discriminator that it has to deceive.

What flows in: the scores that a discriminator gave, any real numbers, for real examples and for
generated ("fake") ones. What flows out: one number to minimise, at least in float32.

These are functions and no `Loss`: there is no target beside the predictions, and each side
minimises its own number. The number of real and of fake examples may differ. `gradient_penalty`
goes with `wasserstein_critic_loss`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ArgumentError
from treexlite.losses._arguments import floating


def gan_discriminator_loss(
    real: ArrayLike, fake: ArrayLike, *, label_smoothing: float = 0.0
) -> jax.Array:
    """Compute -mean log p(real) - mean log(1 - p(fake)), where p = sigmoid of the score.

    Args:
        real: scores of real examples.
        fake: scores of generated ones.
        label_smoothing: how far below 1 the label of real examples is, in [0, 1]; 0.1 is common.

    Shapes:
        real, fake: any.
        returns: ().

    Raises:
        ArgumentError: `label_smoothing` is not between 0 and 1.
        DataError: an argument does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> round(float(tx.losses.gan_discriminator_loss(jnp.zeros(3), jnp.zeros(3))), 3)
        1.386

    Reference:
        Goodfellow et al., "Generative Adversarial Nets" (2014); Salimans et al., "Improved
        Techniques for Training GANs" (2016), for one-sided smoothing.
    """
    where = "gan_discriminator_loss"
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            where,
            expected="`label_smoothing` in [0, 1]",
            received=f"label_smoothing={label_smoothing!r}",
            fix="Use 0 for hard labels; 0.1 is common.",
        )
    scores, fakes = floating(where, "real", real), floating(where, "fake", fake)
    on_real = jnp.mean(jax.nn.softplus(-scores) + label_smoothing * scores)
    return on_real + jnp.mean(jax.nn.softplus(fakes))


def gan_generator_loss(fake: ArrayLike, *, saturating: bool = False) -> jax.Array:
    """Compute -mean log p(fake), where p = sigmoid of the score.

    Args:
        fake: scores of generated examples.
        saturating: whether to compute mean log(1 - p(fake)), the other side of the discriminator's
            game. Its gradient vanishes while the discriminator is sure of itself, that is at the
            beginning.

    Shapes:
        fake: any.
        returns: ().

    Raises:
        DataError: `fake` does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> round(float(tx.losses.gan_generator_loss(jnp.zeros(3))), 3)
        0.693

    Reference:
        Goodfellow et al., "Generative Adversarial Nets" (2014).
    """
    scores = floating("gan_generator_loss", "fake", fake)
    return jnp.mean(-jax.nn.softplus(scores) if saturating else jax.nn.softplus(-scores))


def least_squares_discriminator_loss(real: ArrayLike, fake: ArrayLike) -> jax.Array:
    """Compute ½ · mean (real - 1)² + ½ · mean fake².

    Args:
        real: scores of real examples.
        fake: scores of generated ones.

    Shapes:
        real, fake: any.
        returns: ().

    Raises:
        DataError: an argument does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.losses.least_squares_discriminator_loss(jnp.zeros(3), jnp.ones(2)))
        1.0

    Reference:
        Mao et al., "Least Squares Generative Adversarial Networks" (2017).
    """
    where = "least_squares_discriminator_loss"
    scores, fakes = floating(where, "real", real), floating(where, "fake", fake)
    return (jnp.mean(jnp.square(scores - 1)) + jnp.mean(jnp.square(fakes))) / 2


def least_squares_generator_loss(fake: ArrayLike) -> jax.Array:
    """Compute ½ · mean (fake - 1)².

    Args:
        fake: scores of generated examples.

    Shapes:
        fake: any.
        returns: ().

    Raises:
        DataError: `fake` does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.losses.least_squares_generator_loss(jnp.zeros(3)))
        0.5

    Reference:
        Mao et al., "Least Squares Generative Adversarial Networks" (2017).
    """
    scores = floating("least_squares_generator_loss", "fake", fake)
    return jnp.mean(jnp.square(scores - 1)) / 2


def hinge_discriminator_loss(real: ArrayLike, fake: ArrayLike) -> jax.Array:
    """Compute mean max(1 - real, 0) + mean max(1 + fake, 0).

    Its generator minimises `wasserstein_generator_loss`.

    Args:
        real: scores of real examples.
        fake: scores of generated ones.

    Shapes:
        real, fake: any.
        returns: ().

    Raises:
        DataError: an argument does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.losses.hinge_discriminator_loss(jnp.array([0.5, 2.0]), jnp.array([-2.0, 0.0])))
        0.75

    Reference:
        Lim and Ye, "Geometric GAN" (2017); Miyato et al., "Spectral Normalization for Generative
        Adversarial Networks" (2018).
    """
    where = "hinge_discriminator_loss"
    scores, fakes = floating(where, "real", real), floating(where, "fake", fake)
    return jnp.mean(jnp.maximum(1 - scores, 0)) + jnp.mean(jnp.maximum(1 + fakes, 0))


def wasserstein_critic_loss(real: ArrayLike, fake: ArrayLike) -> jax.Array:
    """Compute mean fake - mean real.

    Minus this is a distance between the two distributions if the critic is 1-Lipschitz; add
    `gradient_penalty` to make it so.

    Args:
        real: scores of real examples.
        fake: scores of generated ones.

    Shapes:
        real, fake: any.
        returns: ().

    Raises:
        DataError: an argument does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.losses.wasserstein_critic_loss(jnp.full(3, 2.0), jnp.full(2, 0.5)))
        -1.5

    Reference:
        Arjovsky et al., "Wasserstein GAN" (2017).
    """
    where = "wasserstein_critic_loss"
    scores, fakes = floating(where, "real", real), floating(where, "fake", fake)
    return jnp.mean(fakes) - jnp.mean(scores)


def wasserstein_generator_loss(fake: ArrayLike) -> jax.Array:
    """Compute -mean fake, also the generator's side of `hinge_discriminator_loss`.

    Args:
        fake: scores of generated examples.

    Shapes:
        fake: any.
        returns: ().

    Raises:
        DataError: `fake` does not hold numbers.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.losses.wasserstein_generator_loss(jnp.full(2, 0.5)))
        -0.5

    Reference:
        Arjovsky et al., "Wasserstein GAN" (2017).
    """
    return -jnp.mean(floating("wasserstein_generator_loss", "fake", fake))
