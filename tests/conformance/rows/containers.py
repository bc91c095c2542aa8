"""Layers made of layers and functions."""

import jax
import jax.numpy as jnp

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, Layer
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
]
