"""What attention is given, and what it refuses."""

from typing import Any

import jax.numpy as jnp
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError
from treexlite.nn import _attention_inputs as inputs

FULL = (2, 4, 3, 5)


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ((), (1, 1, 1, 1)),
        ((5,), (1, 1, 1, 5)),
        ((3, 5), (1, 1, 3, 5)),
        ((2, 3, 5), (2, 1, 3, 5)),
        ((2, 1, 5), (2, 1, 1, 5)),
        ((1, 4, 3, 1), (1, 4, 3, 1)),
        (FULL, FULL),
    ],
)
def test_the_axis_of_the_heads_may_be_missing(given: Any, full: Any) -> None:
    mask = inputs.with_heads("A", "mask", jnp.ones(given, bool), FULL, True)
    assert mask is not None
    assert mask.shape == full
    assert inputs.with_heads("A", "mask", None, FULL, True) is None


@pytest.mark.parametrize("given", [(4, 3, 5), (2, 5), (3, 4), (1, 2, 4, 3, 5), (2, 4, 3, 4)])
def test_what_does_not_broadcast_is_refused(given: Any) -> None:
    message = r"`bias` to broadcast to \(\*batch, heads, time, context_time\)=\(2, 4, 3, 5\), or wi"
    with pytest.raises(ShapeError, match=message):
        inputs.with_heads("A", "bias", jnp.ones(given), FULL, False)


def test_masks_are_bool_and_biases_are_not() -> None:
    with pytest.raises(ArgumentError, match="A: expected `mask` to be bool, received mask=array"):
        inputs.with_heads("A", "mask", jnp.ones(5), FULL, True)
    with pytest.raises(ArgumentError, match="A: expected `bias` to be numbers"):
        inputs.with_heads("A", "bias", jnp.ones(5, bool), FULL, False)


def test_inputs_whose_axes_do_not_belong_together_are_refused() -> None:
    x, context = jnp.ones((2, 3, 4)), jnp.ones((2, 5, 6))
    inputs.check_inputs("A", x, context, context[..., :1])
    with pytest.raises(ShapeError, match="`x` to have at least two axes"):
        inputs.check_inputs("A", jnp.ones(4), context, context)
    with pytest.raises(ShapeError, match=r"`context` to have the batch axes of `x`, \(2,\)"):
        inputs.check_inputs("A", x, context[:1], context)
    with pytest.raises(ShapeError, match=r"`value` to have the batch and time axes .*, \(2, 5\)"):
        inputs.check_inputs("A", x, context, context[:, :1])


@pytest.mark.parametrize("given", [(5,), (1, 5), (2, 5)])
def test_positions_broadcast(given: Any) -> None:
    positions = inputs.checked_positions("A", jnp.zeros(given, int), (2, 5))
    assert positions is not None
    assert positions.shape == given


@pytest.mark.parametrize("given", [(), (1,), (2, 1), (3, 5), (1, 2, 5)])
def test_positions_that_do_not_are_refused(given: Any) -> None:
    with pytest.raises(ShapeError, match=r"`positions` to broadcast to \(\*batch, time\)=\(2, 5\)"):
        inputs.checked_positions("A", jnp.zeros(given, int), (2, 5))


def test_heads_and_windows() -> None:
    assert inputs.divisor("A", None, 6) == 6
    assert inputs.divisor("A", 2, 6) == 2
    assert inputs.window_sizes("A", None) is None
    assert inputs.window_sizes("A", 2) == (2, 2)
    assert inputs.window_sizes("A", [2, 0]) == (2, 0)
    with pytest.raises(ArgumentError, match="`num_kv_heads` to divide num_heads=6, received"):
        inputs.divisor("A", 4, 6)
    for window in (-1, (1,), (1, -1), (1, 2, 3), 1.0, "ab"):
        with pytest.raises(ArgumentError, match="`window` to be a number of positions, or a pair"):
            inputs.window_sizes("A", window)


@pytest.mark.parametrize("name", ["rotary", "position_bias"])
def test_parts_that_cannot_be_called_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{name}` to be a module or None, .*{name}=True"):
        nn.MultiHeadAttention(2, **{name: True})


def test_a_kernel_that_jax_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"an implementation .*'cudnn', 'xla'.*'flash'"):
        nn.MultiHeadAttention(2, implementation="flash")
