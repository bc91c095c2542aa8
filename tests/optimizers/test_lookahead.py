from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError


def test_the_numbers_are_those_of_optax() -> None:
    params = {"x": jnp.array([4.0, -2.0])}
    optimizer = tx.Optimizer(optax.adam(0.1), lookahead=(3, 0.5)).init(params)
    theirs = optax.lookahead(optax.adam(0.1), sync_period=3, slow_step_size=0.5)
    pair = optax.LookaheadParams.init_synced(params)
    state = theirs.init(pair)
    for _ in range(7):
        params = optimizer.update(params, params)
        updates, state = theirs.update(pair.fast, state, pair)
        pair = optax.apply_updates(pair, updates)
        np.testing.assert_allclose(params["x"], pair.fast["x"], rtol=1e-6)
        np.testing.assert_allclose(optimizer.opt_state.slow["x"], pair.slow["x"], rtol=1e-6)


def test_half_precision_keeps_its_dtypes() -> None:
    params = {"x": jnp.ones(2, jnp.bfloat16)}
    optimizer = tx.Optimizer("sgd", 0.5, lookahead=(1, 0.5)).init(params)
    params = optimizer.update(params, params)
    assert params["x"].dtype == optimizer.opt_state.slow["x"].dtype == jnp.bfloat16
    assert params["x"].tolist() == [0.75, 0.75]


@pytest.mark.parametrize("value", [3, (0, 0.5), (2, 0.0), (2, 1.5), (2.5, 0.5), (2, 0.5, 1)])
def test_lookahead_is_steps_and_a_share(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"expected `lookahead` to be \(steps, alpha\)"):
        tx.Optimizer("sgd", lookahead=value)
