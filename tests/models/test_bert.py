"""BERT: padding does not matter, types do, and the pooled features are those of the first token."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import models
from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.models._bert import exact_gelu

IDS = jnp.array([[1, 2, 3, 4], [5, 6, 7, 8]])


def bert(**options: Any) -> Any:
    return models.BERT(11, 8, num_layers=2, num_heads=2, max_length=12, **options).init(0, IDS)


def test_padding_does_not_matter() -> None:
    model = bert()
    valid = np.tile(np.arange(4) < 3, (2, 1))
    run = tx.jit(lambda model, ids, valid=None: model(ids, valid=valid))
    padded, short = run(model, IDS, valid), run(model, IDS[:, :3])
    np.testing.assert_allclose(padded.tokens[:, :3], short.tokens, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(padded.pooled, short.pooled, rtol=1e-5, atol=1e-5)
    assert not np.allclose(run(model, IDS).pooled, short.pooled, atol=1e-6)


def test_types_are_0_by_default() -> None:
    model = bert()
    np.testing.assert_array_equal(model(IDS).tokens, model(IDS, jnp.zeros_like(IDS)).tokens)
    assert (model(IDS).tokens != model(IDS, jnp.ones_like(IDS)).tokens).any()


def test_the_pooled_features_are_made_of_the_first_token() -> None:
    model = bert()
    output = model(IDS)
    expected = np.tanh(model.pooler(output.tokens[:, 0]))
    np.testing.assert_allclose(output.pooled, expected, rtol=1e-5)


def test_dropout_in_training_only() -> None:
    model = bert(dropout_rate=0.5)
    drawing = tx.jit(model)
    assert (drawing(IDS).pooled != drawing(IDS).pooled).any()
    still = tx.jit(model.eval())
    np.testing.assert_array_equal(still(IDS).pooled, still(IDS).pooled)


def test_no_batch_axis() -> None:
    model = bert()
    one = tx.jit(lambda model: model(IDS[0], valid=np.ones(4, bool)))(model)
    np.testing.assert_allclose(one.tokens, model(IDS).tokens[0], rtol=1e-5, atol=1e-5)
    assert one.pooled.shape == (8,)


def test_exact_gelu() -> None:
    x = jnp.linspace(-3, 3, 13)
    expected = x * jax.scipy.stats.norm.cdf(x)
    np.testing.assert_allclose(exact_gelu(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((IDS + 9,), RangeError, "`ids` from 0 to 10"),
        ((IDS, 2 * IDS), RangeError, "`ids` from 0 to 1"),
        ((IDS + 0.5,), ArgumentError, "integer `ids`"),
        ((IDS, None, jnp.ones((2, 3), bool)), ShapeError, "`mask` to broadcast"),
        ((jnp.array(1),), ShapeError, "at least two axes"),
    ],
)
def test_inputs_are_checked(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bert()(*arguments)
