"""Numbers that JAX would cut off are narrowed; weights are checked and brought to a mean of 1."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from treexlite import errors
from treexlite.interop.sklearn._inputs import narrowed, weights


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2], np.int64, np.int32),
        ([1, 2**40], np.int64, np.float32),
        ([-(2**31), 2**31 - 1], np.int64, np.int32),
        ([0, 2**32 - 1], np.uint32, np.float32),
        ([1, 2], np.uint8, np.uint8),
        ([1.5], np.float32, np.float32),
    ],
)
def test_integers_stay_whole_while_they_fit(
    values: list[float], dtype: type, expected: type
) -> None:
    x = narrowed(np.array(values, dtype))
    assert x.dtype == expected
    np.testing.assert_array_equal(x, np.array(values).astype(expected))


LABELS = np.array(["a", "a", "a", "b"])


def test_without_weights_there_are_none() -> None:
    assert weights("fit", None, None, LABELS, rescale=True) is None


def test_weights_are_divided_by_their_mean() -> None:
    given = [1, 2, 0, 5]
    rescaled = weights("fit", given, None, LABELS, rescale=True)
    np.testing.assert_allclose(rescaled, [0.5, 1, 0, 2.5])
    np.testing.assert_allclose(weights("fit", given, None, LABELS, rescale=False), given)


def test_weights_of_classes_multiply_those_of_examples() -> None:
    by_class = weights("fit", [1, 2, 3, 4], {"a": 1, "b": 10}, LABELS, rescale=False)
    np.testing.assert_allclose(by_class, [1, 2, 3, 40])
    balanced = weights("fit", None, "balanced", LABELS, rescale=False)
    np.testing.assert_allclose(balanced, [2 / 3, 2 / 3, 2 / 3, 2])


@pytest.mark.parametrize("given", [[1, 2], [[1], [1], [1], [1]], [1, -1, 1, 1]])
def test_weights_that_are_none_are_refused(given: object) -> None:
    with pytest.raises(errors.DataError, match=r"fit: expected `sample_weight` to be 4 numbers"):
        weights("fit", given, None, LABELS, rescale=True)


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(errors.DataError, match=r"fit: expected a weight that is not zero"):
        weights("fit", [0, 0, 0, 0], None, LABELS, rescale=True)
