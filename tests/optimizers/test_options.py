from __future__ import annotations

import jax.numpy as jnp
import optax

import treexlite as tx
from treexlite.optimizers._options import NO_OPTIONS, Options, as_limit, as_options
from treexlite.optimizers._skip import Skipped


def test_defaults_are_no_options() -> None:
    assert as_options(1, False, None, None, None, None) == NO_OPTIONS
    assert tx.Optimizer("sgd", constraints={}).options == NO_OPTIONS
    assert as_limit("clip_norm", None) is None


def test_options_wrap_in_a_fixed_order() -> None:
    """Outside: what decides whether there is a step. Inside: what happens to the parameters."""
    options = Options(2, True, 0.9, (2, 0.5), ((..., jnp.abs),), jnp.dtype("float32"))
    params = {"x": jnp.ones(2, jnp.bfloat16)}
    state = options.step(optax.sgd(0.1), {}, True).init(params)
    assert isinstance(state, Skipped)
    names = []
    while hasattr(state, "inner"):
        names.append(type(state).__name__)
        state = state.inner
    assert names == ["Skipped", "Mastered", "Accumulated", "Averaged", "Lookahead"]


def test_without_options_the_state_is_that_of_optax() -> None:
    params = {"x": jnp.ones(2)}
    assert type(tx.Optimizer("adam").init(params).opt_state[0]) is optax.ScaleByAdamState
