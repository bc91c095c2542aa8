"""First values of fused parameters: gate by gate."""

import jax
import jax.numpy as jnp
import numpy as np

from treexlite.nn._gate_init import ForgetBias, PerGate

KEY = jax.random.key(0)


def test_every_gate_is_orthogonal_by_itself() -> None:
    kernel = PerGate("orthogonal", 3)(KEY, (4, 12), jnp.float32)
    parts = np.split(np.asarray(kernel), 3, -1)
    for part in parts:
        np.testing.assert_allclose(part.T @ part, np.eye(4), atol=1e-5)
    assert not np.allclose(parts[0], parts[1])


def test_kernels_of_windows_and_half_precision() -> None:
    kernel = PerGate("orthogonal", 4)(KEY, (3, 2, 5, 8), jnp.bfloat16)
    assert kernel.shape == (3, 2, 5, 8)
    assert kernel.dtype == jnp.bfloat16


def test_the_forget_gate_alone_gets_more() -> None:
    bias = ForgetBias("zeros", 4, 1, 2.0)(KEY, (8,), jnp.float32)
    np.testing.assert_array_equal(bias, [0, 0, 2, 2, 0, 0, 0, 0])


def test_those_made_alike_are_equal() -> None:
    assert PerGate("zeros", 2) == PerGate("zeros", 2) != PerGate("zeros", 3)
    assert ForgetBias("zeros", 2, 0, 1.0) == ForgetBias("zeros", 2, 0, 1.0)
