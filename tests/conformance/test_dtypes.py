"""Dtypes: parameters are stored in `param_dtype`, outputs come in `dtype`, and nothing drifts."""

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import LAYERS, Layer, ids, sampled

SAMPLED = sampled(__name__)

TYPED = [row for row in LAYERS if row.has_dtype]
UNTYPED = [row for row in LAYERS if not row.has_dtype and row.floating and not row.parameters]
HALF = jnp.dtype("bfloat16")


def cast(row: Layer, dtype: str) -> jax.Array:
    return row.x.astype(dtype) if row.floating else row.x


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("row", [row for row in TYPED if row in SAMPLED], ids=ids)
def test_the_output_has_the_dtype_asked_for(row: Layer, dtype: str, compiled: bool) -> None:
    model = row.build(dtype=HALF)
    call = tx.jit(model) if compiled else model
    assert call(cast(row, dtype)).dtype == HALF
    assert {value.dtype for value in model.state_dict().values()} == {jnp.dtype("float32")}


@pytest.mark.parametrize("row", TYPED, ids=ids)
def test_without_one_it_is_what_input_and_parameters_promote_to(row: Layer) -> None:
    assert row.build()(cast(row, "bfloat16")).dtype == jnp.float32
    half = row.build(param_dtype=HALF)
    assert half(cast(row, "bfloat16")).dtype == HALF
    assert half(cast(row, "float32")).dtype == (jnp.float32 if row.floating else HALF)


@pytest.mark.parametrize("row", TYPED, ids=ids)
def test_parameters_are_stored_in_the_dtype_asked_for(row: Layer) -> None:
    model = row.build(param_dtype="float16")
    model(row.x)
    for info in model.fields():
        half = issubclass(info.kind, tx.Parameter)
        assert info.value.dtype == (jnp.float16 if half else jnp.float32), info.path


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("row", UNTYPED, ids=ids)
def test_layers_without_parameters_keep_the_dtype(row: Layer, dtype: str) -> None:
    model = row.build()
    assert model(cast(row, dtype)).dtype == dtype
    assert model.eval()(cast(row, dtype)).dtype == dtype
