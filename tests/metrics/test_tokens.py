"""Rows of token ids, padded to one length."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import DataError, ShapeError
from treexlite.metrics._tokens import check_rows, texts, without_padding


def test_padding_moves_to_the_end_and_tokens_keep_their_order() -> None:
    tokens, lengths = without_padding(jnp.array([[9, 3, 9, 1], [2, 1, 9, 9], [9, 9, 9, 9]]), 9)
    np.testing.assert_array_equal(tokens, [[3, 1, 9, 9], [2, 1, 9, 9], [9, 9, 9, 9]])
    np.testing.assert_array_equal(lengths, [2, 2, 0])


def test_texts_are_rows_of_integers() -> None:
    message = r"X: expected `preds` of shape \(batch, length\), received preds.shape=\(2,\)"
    with pytest.raises(ShapeError, match=message):
        texts("X", "preds", jnp.array([1, 2]), (2,))
    message = r"X: expected `target` of shape \(batch, length\) or \(batch, references, length\)"
    with pytest.raises(ShapeError, match=message):
        texts("X", "target", jnp.array([1, 2]), (2, 3))
    message = "X: expected `preds` to hold token ids, which are integers, received preds.dtype=fl"
    with pytest.raises(DataError, match=message):
        texts("X", "preds", jnp.ones((2, 2)), (2,))


def test_each_text_has_a_reference() -> None:
    message = r"X: expected as many texts in `target` as in `preds`, received target.shape=\(2, 5\)"
    with pytest.raises(ShapeError, match=message):
        check_rows("X", jnp.ones((2, 5)), jnp.ones((3, 5)))
