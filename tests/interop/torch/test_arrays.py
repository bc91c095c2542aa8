"""Tensors become arrays of the same bits."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import DataError
from treexlite.interop.torch._arrays import as_numpy


def test_arrays_are_taken_as_they_are() -> None:
    given = np.ones(2)
    assert as_numpy("f", "a", given) is given
    assert as_numpy("f", "a", jnp.ones(2, jnp.bfloat16)).dtype == jnp.bfloat16


@pytest.mark.parametrize("value", [[1, 2], "weights", np.array([None]), {"x": 1}])
def test_what_is_no_array_is_refused(value: Any) -> None:
    with pytest.raises(DataError, match="f: expected an array or tensor of numbers as 'a', rece"):
        as_numpy("f", "a", value)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float8_e4m3fn", "int64"])
def test_tensors_keep_their_bits(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([[1.0, -2.5, 3.0]]).to(getattr(torch, dtype)).T
    found = as_numpy("f", "a", tensor)
    assert (found.dtype.name, found.shape) == (dtype, (3, 1))
    assert found.astype(np.float32).tolist() == tensor.float().tolist()
    needing = torch.ones(2, requires_grad=True)
    assert as_numpy("f", "a", needing).tolist() == [1, 1]
