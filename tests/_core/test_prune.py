from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from treexlite._core._prune import pruned


def run(closed: Any, *args: Any) -> Any:
    return core.jaxpr_as_fun(closed)(*args)


def test_equations_that_no_output_needs_are_dropped_and_the_result_is_the_same() -> None:
    def f(x: Any, y: Any) -> Any:
        jnp.linalg.inv(jnp.outer(x, y))
        z = jnp.sin(x)
        jnp.cos(z)
        return z + 1, 3.0

    x = jnp.arange(3.0)
    closed = jax.make_jaxpr(f)(x, x)
    small = pruned(closed)
    assert [equation.primitive.name for equation in small.jaxpr.eqns] == ["sin", "add"]
    assert len(closed.jaxpr.eqns) > 3
    one, two = run(small, x, x)
    assert jnp.allclose(one, jnp.sin(x) + 1)
    assert float(two) == 3.0


def test_side_effects_are_dropped_with_the_equations_that_have_them() -> None:
    seen: list[float] = []

    def f(x: Any) -> Any:
        jax.debug.callback(lambda v: seen.append(float(v)), x, ordered=True)
        return x * 2

    closed = jax.make_jaxpr(f)(1.0)
    assert closed.effects
    small = pruned(closed)
    assert not small.effects
    assert float(run(small, 1.0)[0]) == 2.0
    jax.effects_barrier()
    assert seen == []


def test_what_outputs_need_is_kept_through_every_step() -> None:
    def f(x: Any) -> Any:
        for _ in range(5):
            x = jax.jit(jnp.sin)(x) * 2
        return x

    closed = jax.make_jaxpr(f)(1.0)
    assert len(pruned(closed).jaxpr.eqns) == len(closed.jaxpr.eqns)
    assert jnp.allclose(run(pruned(closed), 1.0)[0], f(1.0))


def test_a_program_that_returns_its_inputs_has_no_equations() -> None:
    closed = jax.make_jaxpr(lambda x, y: (y, x, jnp.sin(x))[:2])(1.0, 2.0)
    assert pruned(closed).jaxpr.eqns == []
    assert [float(v) for v in run(pruned(closed), 1.0, 2.0)] == [2.0, 1.0]
