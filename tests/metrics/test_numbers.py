"""Targets and predictions that are numbers."""

import jax.numpy as jnp
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.metrics import MeanSquaredError, Sum
from treexlite.metrics._numbers import paired, paired_outputs, values_of


def test_a_last_axis_of_size_one_may_be_missing_on_one_side() -> None:
    for shapes in ((3,), (3, 1)), ((3, 1), (3,)), ((3, 1), (3, 1)):
        target, preds = paired("X", *map(jnp.zeros, shapes))
        assert target.shape == preds.shape == (3, 1)


def test_integers_and_half_precision_are_compared_in_float32() -> None:
    target, preds = paired("X", jnp.array([1, 2]), jnp.ones(2, jnp.float16))
    assert target.dtype == preds.dtype == jnp.float32
    # 2049 is no float16 number
    assert float(MeanSquaredError()(jnp.array([2049]), jnp.array([2048.0], jnp.float16))) == 1


def test_other_shapes_are_refused() -> None:
    message = (
        r"MeanSquaredError: expected `target` and `preds` of the same shape, received "
        r"target.shape=\(3,\), preds.shape=\(1, 3\)\. Reshape the targets"
    )
    with pytest.raises(ShapeError, match=message):
        MeanSquaredError()(jnp.zeros(3), jnp.zeros((1, 3)))


@pytest.mark.parametrize("missing", ["target", "preds"])
def test_both_are_needed(missing: str) -> None:
    batch = {"target": jnp.zeros(3), "preds": jnp.zeros(3), missing: None}
    message = f"MeanSquaredError: expected both `target` and `preds`, received .*{missing}=None"
    with pytest.raises(ArgumentError, match=message):
        MeanSquaredError()(**batch)


def test_values_are_needed() -> None:
    assert values_of("X", 2).dtype == jnp.float32
    message = "Sum: expected values to measure, received neither `values` nor `preds`"
    with pytest.raises(ArgumentError, match=message):
        Sum()(target=jnp.zeros(3))


def test_one_output_needs_no_axis() -> None:
    for shape in ((3,), (3, 1)):
        assert paired_outputs("X", jnp.zeros(shape), jnp.zeros(shape), 1)[0].shape == (3, 1)


@pytest.mark.parametrize(
    ("shape", "num_outputs", "wanted"),
    [
        ((3, 2), 1, r"\(batch,\) or \(batch, \.\.\., 1\), for num_outputs=1"),
        ((3,), 3, r"\(batch, \.\.\., 3\), for num_outputs=3"),
        ((), 1, r"\(batch,\) or"),
    ],
)
def test_outputs_must_be_as_many_as_were_said(
    shape: tuple[int, ...], num_outputs: int, wanted: str
) -> None:
    with pytest.raises(ShapeError, match=rf"X: expected `target` and `preds` of shape {wanted}"):
        paired_outputs("X", jnp.zeros(shape), jnp.zeros(shape), num_outputs)
