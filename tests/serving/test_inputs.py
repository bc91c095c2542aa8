from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError, StructureError
from treexlite.serving._inputs import checked, require_64_bits
from treexlite.serving._specs import ArraySpec


def spec(*shape: int | str, dtype: str = "float32") -> ArraySpec:
    return ArraySpec(shape, np.dtype(dtype))


def ones(*shape: int) -> np.ndarray[Any, Any]:
    return np.ones(shape, np.float32)


def test_inputs_that_fit_pass() -> None:
    specs = ({"a": [spec("n", 3), None]}, (spec("n"), spec("2*n", "n + 1")), spec())
    inputs = ({"a": [ones(4, 3), None]}, (jnp.ones(4), ones(8, 5)), 2)
    tree, pair, number = checked("f", specs, inputs)
    assert tree["a"][0] is inputs[0]["a"][0]
    assert type(pair) is tuple
    assert (number.dtype, number) == (np.float32, 2)


def test_inputs_may_be_traced() -> None:
    jax.jit(lambda x: checked("f", (spec("n", 3),), (x,)))(ones(2, 3))


@pytest.mark.parametrize(
    ("specs", "inputs", "message"),
    [
        ((spec(2),), (), "f: expected 1 inputs, received 0"),
        (([spec(2)],), ((ones(2),),), r"a list of 1 as `inputs\[0\]`, received a tuple of 1"),
        (([spec(2)],), ([ones(2)] * 2,), "received a list of 2"),
        (({"a": spec(2)},), ({"b": ones(2)},), "a dict of 'a' as .* received a dict of 'b'"),
        (({"a": None},), ({"a": ones(2)},), r"None as `inputs\[0\]\['a'\]`, received array"),
        (({},), (None,), "a dict of nothing as"),
    ],
)
def test_other_containers_are_refused(specs: Any, inputs: Any, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        checked("f", specs, inputs)


@pytest.mark.parametrize(
    ("specs", "inputs", "message"),
    [
        ((spec("n", 3),), (ones(3),), r"shape \(n, 3\) and dtype float32 as `inputs\[0\]`"),
        ((spec("n", 3),), (ones(2, 4),), r"received array of shape \(2, 4\)"),
        ((spec("n"),), (ones(0),), "any size of at least 1"),
        ((spec("n"), spec("n", 1)), (ones(2), ones(3, 1)), r"\(n is 2 by `inputs\[0\]`\)"),
        (
            (spec("n", "n"),),
            (ones(2, 3),),
            r"\(n, n\) and dtype float32 as `inputs\[0\]`, received",
        ),
    ],
)
def test_other_shapes_are_refused(specs: Any, inputs: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        checked("f", specs, inputs)


@pytest.mark.parametrize(
    ("form", "value", "message"),
    [
        (spec(1), np.ones(1), r"float64. Convert it: `x.astype\(\"float32\"\)`"),
        (spec(1), jnp.ones(1, jnp.bfloat16), "bfloat16"),
        (spec(1), [1.0], "Make an array of it"),
        (spec(1), "text", "Make an array of it"),
        (spec(dtype="int32"), 0.5, "a number that this dtype holds"),
        (spec(dtype="uint8"), 300, "a number that this dtype holds"),
        (spec(1), 3.0, "Make an array of it"),
        (spec(1), None, "Make an array of it"),
        (spec(1), jax.ShapeDtypeStruct((1,), np.float32), "ShapeDtypeStruct, array of .* Make an"),
        (spec(1), np.ma.masked_array(ones(1), mask=True), "MaskedArray, array of .*`x.filled.0.`"),
    ],
)
def test_nothing_is_converted(form: ArraySpec, value: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        checked("f", (form,), (value,))


def test_64_bits_need_the_setting_of_jax() -> None:
    specs = [spec(1, dtype="float64"), spec(1)]
    with pytest.raises(ArgumentError, match=r"f: expected JAX to be set to 64.*with float64"):
        require_64_bits("f", specs)
    require_64_bits("f", specs[1:])
