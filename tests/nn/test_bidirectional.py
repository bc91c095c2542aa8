"""Bidirectional: its two RNNs. Values are compared in `tests/parity`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (2, 5, 3))


def gru(**options: Any) -> nn.RNN:
    return nn.RNN(nn.GRUCell(4), **options)


def test_the_backward_rnn_is_built_alike_and_has_its_own_values() -> None:
    model = nn.Bidirectional(gru()).init(0, X)
    assert model.backward.reverse
    assert not model.forward.reverse
    assert not np.allclose(model.forward.cell.input.kernel, model.backward.cell.input.kernel)


def test_it_is_its_two_rnns() -> None:
    model = nn.Bidirectional(gru(return_state=True)).init(0, X)
    start = (jnp.ones((2, 4)), -jnp.ones((2, 4)))
    (first, second), y = model(X, lengths=jnp.array([2, 5]), initial_carry=start)
    for rnn, carry, part, begin in zip(
        (model.forward, model.backward),
        (first, second),
        jnp.split(y, 2, -1),
        start,
        strict=True,
    ):
        expected = rnn(X, lengths=jnp.array([2, 5]), initial_carry=begin)
        jax.tree.map(np.testing.assert_array_equal, (carry, part), expected)


def test_the_verbs_of_modules_work() -> None:
    one, two = (nn.Bidirectional(gru()).init(seed, X) for seed in (0, 1))
    np.testing.assert_array_equal(one.merge(two)(X), two(X))


def test_it_cannot_stream() -> None:
    model = nn.Bidirectional(gru()).init(0, X)
    with pytest.raises(ArgumentError, match="which read from the first step to the last"):
        model.start_cache(2)
    assert model.forward.carry is None
    model.forward.start_cache(2)
    model.clear_cache()
    assert model.forward.carry is None


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Bidirectional(gru(), merge="plus"), UnknownNameError, "a way to merge"),
        (lambda: nn.Bidirectional(nn.GRUCell(4)), ArgumentError, "`forward` to be an RNN with"),
        (lambda: nn.Bidirectional(gru(reverse=True)), ArgumentError, "received reverse=True"),
        (lambda: nn.Bidirectional(gru(), gru()), ArgumentError, "`backward` to be an RNN with rev"),
        (
            lambda: nn.Bidirectional(gru(), gru(reverse=True, return_state=True)),
            ArgumentError,
            "with the same `return_state`, received False and True",
        ),
        (
            lambda: nn.Bidirectional(gru().init(0, X)),
            ArgumentError,
            "in `cell/recurrent_bias`",
        ),
    ],
)
def test_others_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("carry", [jnp.ones((2, 4)), (None,), (None, None, None)])
def test_a_carry_that_is_no_pair_is_refused(carry: Any) -> None:
    model = nn.Bidirectional(gru()).init(0, X)
    with pytest.raises(ArgumentError, match="`initial_carry` to be a pair of carries, forward"):
        model(X, initial_carry=carry)
