"""SimpleCell: the formula."""

import jax
import jax.numpy as jnp
import numpy as np

from treexlite import nn

X = jax.random.normal(jax.random.key(0), (2, 3))


def test_the_formula() -> None:
    cell = nn.SimpleCell(4, activation=jnp.sin, bias_init="normal").init(0, (None, X))
    h = jax.random.normal(jax.random.key(1), (2, 4))
    carry, y = cell(h, X)
    expected = np.sin(X @ cell.input.kernel + cell.input.bias + h @ cell.recurrent.kernel)
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    np.testing.assert_array_equal(carry, y)
