"""Pools under the names of their ranks: the same layers, with the number of axes known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

VOLUME = jax.random.normal(jax.random.key(0), (2, 6, 5, 4, 3))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Max", "Min", "Avg", "LP"])
def test_an_integer_stands_for_every_axis(kind: str, rank: int) -> None:
    order = (2,) if kind == "LP" else ()
    named = getattr(nn, f"{kind}Pool{rank}D")
    general = getattr(nn, f"{kind}Pool")(*order, (2,) * rank)
    np.testing.assert_array_equal(named(*order, 2)(VOLUME), general(VOLUME))
    assert isinstance(named(*order, 2), type(general))
    with pytest.raises(ArgumentError, match=f"`window` to be a positive integer, or {rank} of"):
        named(*order, (2,) * (rank + 1))
    with pytest.raises(ShapeError, match="Channels come last"):
        named(*order, 1)(jnp.ones((4,) * rank))
