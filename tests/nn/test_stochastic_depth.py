"""StochasticDepth: what is dropped together."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ShapeError, UnknownNameError


def test_examples_are_dropped_one_by_one_and_the_rest_scaled_up() -> None:
    y = nn.StochasticDepth(0.2).init(0)(jnp.ones((4000, 3, 2)))
    assert (y == y[:, :1, :1]).all()
    values, counts = np.unique(y[:, 0, 0], return_counts=True)
    np.testing.assert_allclose(values, [0, 1 / 0.8], rtol=1e-6)
    np.testing.assert_allclose(counts[0] / 4000, 0.2, atol=0.032)  # five standard deviations


def test_the_batch_is_dropped_as_one() -> None:
    layer = nn.StochasticDepth(0.5, mode="batch").init(0)
    x = jnp.ones((5, 2))
    outputs = [np.unique(layer(x)) for _ in range(200)]
    assert all(len(values) == 1 for values in outputs)
    dropped = np.mean([values[0] == 0 for values in outputs])
    np.testing.assert_allclose(dropped, 0.5, atol=0.177)  # five standard deviations
    assert layer(jnp.ones(())).shape == ()


def test_drop_path_is_another_name() -> None:
    assert nn.DropPath is nn.StochasticDepth


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_dtype_is_kept(dtype: str) -> None:
    assert nn.StochasticDepth(0.5).init(0)(jnp.ones((8, 2), dtype)).dtype == dtype


@pytest.mark.parametrize("training", [True, False])
def test_a_scalar_has_no_rows(training: bool) -> None:
    layer = nn.StochasticDepth(0.5).init(0).train(training)
    with pytest.raises(ShapeError, match="StochasticDepth: expected `x` to have a batch axis"):
        layer(jnp.ones(()))


@pytest.mark.parametrize("mode", ["rows", 3])
def test_the_mode_is_checked(mode: object) -> None:
    with pytest.raises(UnknownNameError, match=r"expected the name of a mode \(one of 'batch', "):
        nn.StochasticDepth(0.5, mode=mode)
