from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from treexlite.transforms._types import described_type, differ


def test_types_are_described_as_jax_does() -> None:
    assert described_type(jnp.zeros((2, 3))) == "float32[2, 3]"
    assert described_type(1) == "int32[]"


def test_weak_types_fit_every_dtype() -> None:
    assert differ(jnp.zeros(2), jnp.zeros(3))
    assert differ(jnp.zeros(2), jnp.zeros(2, int))
    assert differ(np.float32(1), np.int32(1))
    assert not differ(jnp.float32(1), 1.0)
    assert not differ(jnp.asarray(1.0), jnp.float32(1))
