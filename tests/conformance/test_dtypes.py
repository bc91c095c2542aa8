"""Dtypes: parameters are stored in `param_dtype`, outputs come in `dtype`, and nothing drifts.

Dtypes are known when a call is traced, so most of these laws trace, and compile nothing.
"""

from typing import Any

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


def called(model: Any, x: jax.Array) -> tuple[Any, Any]:
    """The output of a call and the module after it, with shapes and dtypes in place of arrays."""
    return jax.eval_shape(lambda model, x: (model(x), model), model, x)


def output(model: Any, x: jax.Array) -> jnp.dtype:
    return called(model, x)[0].dtype


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
    assert output(row.abstract(), cast(row, "bfloat16")) == jnp.float32
    half = row.abstract(param_dtype=HALF)
    assert output(half, cast(row, "bfloat16")) == HALF
    assert output(half, cast(row, "float32")) == (jnp.float32 if row.floating else HALF)


@pytest.mark.parametrize("row", TYPED, ids=ids)
def test_parameters_are_stored_in_the_dtype_asked_for(row: Layer) -> None:
    before = row.abstract(param_dtype="float16")
    _, after = called(before, row.x)
    for info in [*before.fields(), *after.fields()]:
        half = issubclass(info.kind, tx.Parameter)
        assert info.value.dtype == (jnp.float16 if half else jnp.float32), info.path


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("row", UNTYPED, ids=ids)
def test_layers_without_parameters_keep_the_dtype(row: Layer, dtype: str) -> None:
    model = row.abstract()
    assert output(model, cast(row, dtype)) == dtype
    assert output(model.eval(), cast(row, dtype)) == dtype
