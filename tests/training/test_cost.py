"""What is read off the trace of a step."""

import jax
import jax.numpy as jnp
import numpy as np

from treexlite.training._cost import cost


def of(function: object, *args: object) -> object:
    return cost(jax.make_jaxpr(function)(*args).jaxpr)  # type: ignore[arg-type]


def test_products_are_counted_wherever_they_are() -> None:
    a, b = jnp.ones((3, 4)), jnp.ones((4, 5))
    assert of(lambda: a @ b).flops == 2 * 3 * 4 * 5
    batched = jnp.ones((7, 3, 4)), jnp.ones((7, 4, 5))
    assert of(jnp.matmul, *batched).flops == 7 * 2 * 3 * 4 * 5
    repeated = of(lambda: jax.lax.scan(lambda c, _: (c, a @ b), 0.0, length=6))
    assert repeated.flops == 6 * 2 * 3 * 4 * 5
    assert of(lambda: jax.jit(lambda: a @ b)()).flops == 2 * 3 * 4 * 5
    assert (
        of(lambda n: jax.lax.fori_loop(0, n, lambda i, c: c @ c, jnp.ones((2, 2))), 3).flops == 16
    )


def test_convolutions_are_found_and_counted() -> None:
    image, kernel = jnp.ones((2, 3, 8, 8)), jnp.ones((4, 3, 3, 3))
    found = of(lambda: jax.lax.conv_general_dilated(image, kernel, (1, 1), "SAME"))
    assert found.has_convolutions
    assert found.flops == 2 * (2 * 4 * 8 * 8) * (3 * 3 * 3)
    assert not of(lambda: image + 1).has_convolutions


def test_calls_of_python_are_found() -> None:
    shape = jax.ShapeDtypeStruct((), np.float32)
    assert of(lambda x: jax.pure_callback(np.sin, shape, x), 1.0).has_callbacks

    def shown(x: jax.Array) -> jax.Array:
        jax.debug.print("x = {}", x)
        return x

    assert of(lambda: jax.lax.fori_loop(0, 2, lambda i, x: shown(x), 1.0)).has_callbacks
    assert not of(jnp.sin, 1.0).has_callbacks
