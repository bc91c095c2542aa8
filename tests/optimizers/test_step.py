from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from treexlite.optimizers._step import choose, find, plain

PARAMS = {"x": jnp.float32(4.0)}


def test_a_plain_step_adds_the_updates() -> None:
    step = plain(optax.sgd(0.5))
    new, _ = step.advance(PARAMS, step.init(PARAMS), PARAMS, {})
    assert float(new["x"]) == 2.0


@pytest.mark.parametrize("condition", [True, False])
def test_a_choice_is_the_same_eagerly_and_compiled(condition: bool) -> None:
    def f(condition: Any) -> Any:
        return choose(condition, lambda: jnp.float32(2), lambda: jnp.float16(1))

    assert float(f(condition)) == float(jax.jit(f)(condition)) == (2.0 if condition else 1.0)
    assert jax.jit(f)(condition).dtype == jnp.float16


def test_a_choice_computes_one_branch_only() -> None:
    jaxpr = str(
        jax.make_jaxpr(lambda c: choose(c, lambda: jnp.ones(2), lambda: jnp.zeros(2)))(True)
    )
    assert "cond" in jaxpr
    ran: list[int] = []
    choose(np.bool_(False), lambda: ran.append(1), lambda: None)
    assert ran == []


class Inner(NamedTuple):
    n: int


def test_states_are_found_wherever_they_stand() -> None:
    state = ({"a": Inner(1)}, [Inner(2)], 3)
    assert [found.n for found in find(state, Inner)] == [1, 2]
