"""GaussianNoise and GaussianDropout: the distribution of what they add and multiply."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError

N = 40_000
# Five standard errors: of the mean 5 / sqrt(N), of the standard deviation 5 / sqrt(2 N), and of
# the skewness and the excess kurtosis 5 sqrt(6 / N) and 5 sqrt(24 / N).
MEAN, STD, SKEWNESS, KURTOSIS = 0.025, 0.018, 0.062, 0.123


def check_normal(noise: jnp.ndarray) -> None:
    noise = np.asarray(noise, np.float64)
    np.testing.assert_allclose(noise.mean(), 0, atol=MEAN)
    np.testing.assert_allclose(noise.std(), 1, atol=STD)
    np.testing.assert_allclose((noise**3).mean(), 0, atol=SKEWNESS + 3 * MEAN)
    np.testing.assert_allclose((noise**4).mean(), 3, atol=KURTOSIS + 12 * STD)


def test_noise_is_added() -> None:
    x = jnp.full(N, 3.0)
    check_normal((nn.GaussianNoise(0.5).init(0)(x) - x) / 0.5)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_noise_is_multiplied_with_the_variance_of_dropout(rate: float) -> None:
    x = jnp.full(N, 3.0)
    check_normal((nn.GaussianDropout(rate).init(0)(x) / x - 1) / (rate / (1 - rate)) ** 0.5)
    assert (nn.GaussianDropout(rate).init(0)(jnp.zeros(9)) == 0).all()


@pytest.mark.parametrize("layer", [nn.GaussianNoise(0.5), nn.GaussianDropout(0.5)])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "complex64"])
def test_the_dtype_is_kept(layer: nn.GaussianNoise, dtype: str) -> None:
    assert layer.init(0)(jnp.ones(8, dtype)).dtype == dtype


def test_rate_1_would_have_infinite_variance() -> None:
    with pytest.raises(ArgumentError, match="GaussianDropout: expected `rate` to be below 1"):
        nn.GaussianDropout(1.0)


@pytest.mark.parametrize("stddev", [-1.0, float("inf"), None])
def test_the_standard_deviation_is_checked(stddev: object) -> None:
    with pytest.raises(ArgumentError, match="GaussianNoise: expected `stddev` to be a finite"):
        nn.GaussianNoise(stddev)
