"""Programs inside of programs."""

import jax
import jax.numpy as jnp

from treexlite.transforms._inner import inner_programs


def names(jaxpr: object) -> list[str]:
    return [equation.primitive.name for equation in jaxpr.eqns]  # type: ignore[attr-defined]


def test_bodies_of_loops_branches_and_calls_are_found_and_nothing_else() -> None:
    x = jnp.ones(2)

    def program(x: jax.Array) -> jax.Array:
        x = jax.lax.fori_loop(0, x.size, lambda _, y: jnp.sin(y), x)
        x = jax.lax.cond(x[0] > 0, jnp.cos, jnp.tan, x)
        return jax.jit(jnp.exp)(x)

    outer = jax.make_jaxpr(program)(x).jaxpr
    found = [names(inner) for equation in outer.eqns for inner in inner_programs(equation)]
    together = [name for inner in found for name in inner]
    assert {"sin", "cos", "tan", "exp"} <= set(together)
    assert not {"sin", "cos", "tan", "exp"} & set(names(outer))
