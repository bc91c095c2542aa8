"""GRUCell: its two forms. Values are compared in `tests/parity`."""

import jax
import jax.numpy as jnp
import numpy as np

from treexlite import nn

X = jax.random.normal(jax.random.key(0), (2, 3))


def test_the_forms_agree_while_nothing_is_reset() -> None:
    after = nn.GRUCell(4).init(0, (None, X))
    before = nn.GRUCell(4, reset_after=False).init(0, (None, X))
    opened = jnp.repeat(jnp.array([100.0, 0.0, 0.0]), 4)
    kernel = after.recurrent.kernel
    before.input.kernel = after.input.kernel
    before.recurrent.kernel, before.candidate.kernel = kernel[:, :8], kernel[:, 8:]
    after.input.bias = before.input.bias = opened
    h = jax.random.normal(jax.random.key(1), (2, 4))
    np.testing.assert_allclose(after(h, X)[1], before(h, X)[1], rtol=1e-5)


def test_the_recurrent_bias_is_drawn_like_the_other() -> None:
    cell = nn.GRUCell(4, bias_init="normal").init(0, (None, X))
    assert cell.recurrent_bias.shape == (4,)
    assert (cell.recurrent_bias != 0).all()
    assert nn.GRUCell(4, reset_after=False).init(0, (None, X)).recurrent_bias is None
