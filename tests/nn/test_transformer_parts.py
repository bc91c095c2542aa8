"""Parts: what layers are put together from is alike, and `residual` adds in the right dtype."""

from typing import Any

import jax.numpy as jnp
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError
from treexlite.nn._transformer_parts import Parts, residual


def parts(**options: Any) -> Parts:
    return Parts(
        "Layer",
        num_heads=2,
        **{
            "activation": "relu",
            "dropout_rate": 0.0,
            "norm": "layer",
            "use_bias": False,
            "kernel_init": "ones",
            "bias_init": "zeros",
            "dtype": None,
            "param_dtype": "float16",
            **options,
        },
    )


def test_all_linear_layers_are_alike() -> None:
    attention = parts().attention(causal=True)
    feed_forward: Any = parts().feed_forward(3, None)
    for layer in (attention.query, attention.out, feed_forward.up, feed_forward.down):
        assert layer.kernel_init == "ones"
        assert layer.param_dtype == jnp.float16
        assert layer.bias is None
    assert attention.causal


def test_a_norm_is_new_each_time() -> None:
    for made in (parts(), parts(norm="rms"), parts(norm=nn.LayerNorm())):
        assert made.normalization() is not made.normalization()


def test_dropout_is_there_when_it_does_something() -> None:
    assert parts().dropout() is None
    assert isinstance(parts(dropout_rate=0.5).dropout(), nn.Dropout)
    with pytest.raises(ArgumentError, match="Layer: expected `dropout_rate` to be a number"):
        parts(dropout_rate="half").dropout()


def test_a_residual_has_the_dtype_of_its_part() -> None:
    x = jnp.ones(3)
    for norm_first in (True, False):
        y = residual(x, lambda x: x.astype("bfloat16"), lambda x: 2 * x, None, norm_first)
        assert y.dtype == jnp.bfloat16
        assert float(y[0]) == (3 if norm_first else 4)
