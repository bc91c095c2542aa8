"""Layers made of layers and functions."""

from typing import Any

import jax
import jax.numpy as jnp

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, SEQUENCES, WEIGHTS, Layer, Staged
from treexlite import nn


def network() -> tx.Module:
    """A small network in which all kinds of state are alive."""
    return nn.Sequential(
        nn.Conv(4, (3, 3), strides=2, use_bias=False),
        nn.BatchNorm(momentum=0.9),
        jax.nn.relu,
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(3),
    )


def staged(layer: tx.Module) -> Staged:
    """A merge layer, called with two arrays that differ everywhere."""
    return Staged(layer, two)


def two(layer: Any, x: jax.Array) -> jax.Array:
    """Call a layer with two arrays."""
    return layer(x, jnp.cos(x))


ROWS = [
    Layer(
        "Sequential",
        network,
        IMAGES,
        {
            "layers/0/kernel": tx.Parameter,
            "layers/1/scale": tx.Parameter,
            "layers/1/bias": tx.Parameter,
            "layers/1/mean": tx.BatchStat,
            "layers/1/var": tx.BatchStat,
            "layers/3/key": tx.Rng,
            "layers/5/kernel": tx.Parameter,
            "layers/5/bias": tx.Parameter,
        },
        by_example=False,  # because of Flatten
    ),
    Layer("Lambda", lambda: nn.Lambda(jnp.sin), FEATURES, random=False),
    Layer(
        "Repeated",
        lambda: nn.Repeated(nn.Sequential(nn.Linear(5), nn.BatchNorm(momentum=0.9)), 2),
        FEATURES,
        {
            "block/layers/0/kernel": tx.Parameter,
            "block/layers/0/bias": tx.Parameter,
            "block/layers/1/scale": tx.Parameter,
            "block/layers/1/bias": tx.Parameter,
            "block/layers/1/mean": tx.BatchStat,
            "block/layers/1/var": tx.BatchStat,
        },
    ),
    Layer(
        "Sequential with names",
        lambda: nn.Sequential(stem=nn.Linear(4), act=jnp.tanh, drop=nn.Dropout(0.5)),
        FEATURES,
        {"layers/stem/kernel": tx.Parameter, "layers/stem/bias": tx.Parameter}
        | {"layers/drop/key": tx.Rng},
    ),
    Layer(
        "Residual",
        lambda: nn.Residual(nn.Linear(3), nn.Linear(3, use_bias=False)),
        FEATURES,
        {"layer/kernel": tx.Parameter, "layer/bias": tx.Parameter}
        | {"shortcut/kernel": tx.Parameter},
    ),
    Layer(
        "Parallel",
        lambda: nn.Parallel(nn.Linear(2), nn.Linear(3), merge="concat"),
        FEATURES,
        {f"layers/{n}/{name}": kind for n in (0, 1) for name, kind in WEIGHTS.items()},
    ),
    Layer("Identity", lambda: nn.Identity(), FEATURES, random=False),
    Layer("Add", lambda: staged(nn.Add()), FEATURES, random=False),
    Layer("Subtract", lambda: staged(nn.Subtract()), FEATURES, random=False),
    Layer("Multiply", lambda: staged(nn.Multiply()), FEATURES, random=False),
    Layer("Average", lambda: staged(nn.Average()), FEATURES, random=False),
    Layer("Maximum", lambda: staged(nn.Maximum()), FEATURES, random=False),
    Layer("Minimum", lambda: staged(nn.Minimum()), FEATURES, random=False),
    Layer("Concatenate", lambda: staged(nn.Concatenate()), FEATURES, random=False),
    Layer("Stack", lambda: staged(nn.Stack()), FEATURES, random=False),
    # By example, Dot takes the features for the batch.
    Layer("Dot", lambda: staged(nn.Dot(normalize=True)), FEATURES, by_example=False, random=False),
    Layer(
        "EinMix",
        lambda **d: nn.EinMix("... (h c) -> ... (h d)", "h c d", "h d", h=2, d=3, **d),
        SEQUENCES,
        WEIGHTS,
        has_dtype=True,
    ),
    # By example, TimeDistributed takes the features for the steps.
    Layer(
        "TimeDistributed",
        lambda: nn.TimeDistributed(nn.Linear(3)),
        SEQUENCES,
        {"layer/kernel": tx.Parameter, "layer/bias": tx.Parameter},
        by_example=False,
    ),
    Layer(
        "Mapped",
        lambda: nn.Mapped(nn.Sequential(nn.Linear(3), nn.Dropout(0.5)), -2),
        SEQUENCES,
        {
            "layer/layers/0/kernel": tx.Parameter,
            "layer/layers/0/bias": tx.Parameter,
            "layer/layers/1/key": tx.Rng,
        },
    ),
    Layer(
        "Repeated residuals",
        lambda: nn.Repeated(nn.Residual(nn.Sequential(norm=nn.LayerNorm(), mix=nn.Linear(5))), 2),
        FEATURES,
        {
            "block/layer/layers/norm/scale": tx.Parameter,
            "block/layer/layers/norm/bias": tx.Parameter,
            "block/layer/layers/mix/kernel": tx.Parameter,
            "block/layer/layers/mix/bias": tx.Parameter,
        },
    ),
]
