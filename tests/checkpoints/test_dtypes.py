import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.checkpoints import _dtypes
from treexlite.checkpoints._dtypes import Stored, dtype_of, is_exact, stored


def test_the_names_of_the_format_are_used_where_it_has_one() -> None:
    assert stored("float32") == Stored("F32")
    assert stored("bfloat16") == Stored("BF16")
    assert stored("float8_e4m3fn") == Stored("F8_E4M3")
    assert stored("complex64") == Stored("F32", (2,))
    assert stored("int4") == Stored("U8")
    assert stored("object") is stored("<U3") is stored("longdouble") is None


@pytest.mark.parametrize(
    "name", ["bool", "int4", "uint64", "bfloat16", "float8_e5m2", "complex128"]
)
def test_a_name_leads_to_its_dtype(name: str) -> None:
    assert dtype_of(name) == jnp.dtype(name)
    assert dtype_of(name).name == name


@pytest.mark.parametrize("name", ["object", "float99", "O", "datetime64[s]"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the dtype"):
        dtype_of(name)


def test_a_dtype_that_jax_does_not_know_yet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_dtypes._CODES, "float2_future", Stored("U8"))
    with pytest.raises(ValueError, match="which this version of JAX has not"):
        dtype_of("float2_future")


@pytest.mark.parametrize(
    ("old", "new", "exact"),
    [
        ("float32", "float32", True),
        ("bfloat16", "float32", True),
        ("float8_e4m3fn", "bfloat16", True),
        ("float8_e5m2", "float16", True),
        ("int8", "bfloat16", True),
        ("bool", "int32", True),
        ("float32", "complex64", True),
        ("float32", "bfloat16", False),
        ("float16", "bfloat16", False),
        ("bfloat16", "float16", False),
        ("int32", "float32", False),
        ("float64", "float32", False),
    ],
)
def test_exact_is_what_loses_no_bit(old: str, new: str, exact: bool) -> None:
    assert is_exact(np.dtype(jnp.dtype(old)), np.dtype(jnp.dtype(new))) is exact
