"""Normalisations."""

from typing import Any

import jax.numpy as jnp

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, WEIGHTS, Layer, Staged
from treexlite import nn

AFFINE = {"scale": tx.Parameter, "bias": tx.Parameter}
RUNNING = {**AFFINE, "mean": tx.BatchStat, "var": tx.BatchStat}


def _masked(layer: Any, x: Any) -> Any:
    """Call a layer with a mask that leaves out a third of the batch."""
    return layer(x, mask=jnp.arange(x.shape[0]) % 3 < 2) if x.ndim == IMAGES.ndim else layer(x)


def _inside(path: str, fields: dict[str, type]) -> dict[str, type]:
    return {f"{path}/{name}": kind for name, kind in fields.items()}


ROWS = [
    Layer(
        "BatchNorm",
        lambda **d: nn.BatchNorm(momentum=0.9, **d),
        IMAGES,
        RUNNING,
        has_dtype=True,
        random=False,
    ),
    Layer(
        "BatchNorm that renormalises",
        lambda **d: nn.BatchNorm(momentum=0.9, renorm=True, renorm_limits=(1.5, 0.5), **d),
        IMAGES,
        RUNNING,
        has_dtype=True,
        random=False,
    ),
    Layer(
        "BatchNorm with a cumulative average",
        lambda **d: nn.BatchNorm(momentum=None, **d),
        IMAGES,
        {**RUNNING, "count": tx.BatchStat},
        has_dtype=True,
        random=False,
    ),
    Layer(
        "BatchNorm with a mask",
        lambda **d: Staged(nn.BatchNorm(momentum=0.9, **d), _masked),
        IMAGES,
        _inside("layer", RUNNING),
        has_dtype=True,
        random=False,
    ),
    Layer(
        "LayerNorm",
        lambda **d: nn.LayerNorm(**d),
        FEATURES,
        AFFINE,
        has_dtype=True,
        random=False,
    ),
    Layer(
        "LayerNorm over several axes",
        lambda **d: nn.LayerNorm(axes=(-3, -1), feature_axes=(-1, -2), **d),
        IMAGES,
        AFFINE,
        has_dtype=True,
        random=False,
    ),
    Layer(
        "RMSNorm",
        lambda **d: nn.RMSNorm(**d),
        FEATURES,
        {"scale": tx.Parameter},
        has_dtype=True,
        random=False,
    ),
    Layer(
        "GroupNorm",
        lambda **d: nn.GroupNorm(2, spatial_axes=(-3, -2), **d),
        IMAGES,
        AFFINE,
        has_dtype=True,
        random=False,
    ),
    Layer(
        "InstanceNorm",
        lambda **d: nn.InstanceNorm(spatial_axes=(-3, -2), **d),
        IMAGES,
        AFFINE,
        has_dtype=True,
        random=False,
    ),
    Layer("UnitNorm", nn.UnitNorm, FEATURES, random=False),
    Layer("LocalResponseNorm", lambda: nn.LocalResponseNorm(3, alpha=0.1), IMAGES, random=False),
    Layer(
        "SpectralNorm",
        lambda **d: nn.SpectralNorm(nn.Conv(8, (3, 3), **d)),
        IMAGES,
        {
            **_inside("layer", WEIGHTS),
            "parts/kernel/u": tx.BatchStat,
            "parts/kernel/v": tx.BatchStat,
        },
        has_dtype=True,
    ),
    Layer(
        "WeightNorm",
        lambda **d: nn.WeightNorm(nn.Linear(3, **d)),
        FEATURES,
        {**_inside("layer", WEIGHTS), "parts/kernel/scale": tx.Parameter},
        has_dtype=True,
    ),
    Layer(
        "WeightNorm of a model with state",
        lambda **d: nn.WeightNorm(
            nn.Sequential(nn.Linear(4, use_bias=False, **d), nn.BatchNorm(**d), nn.Linear(3, **d))
        ),
        FEATURES,
        {
            "layer/layers/0/kernel": tx.Parameter,
            **_inside("layer/layers/1", RUNNING),
            **_inside("layer/layers/2", WEIGHTS),
            "parts/layers/0/kernel/scale": tx.Parameter,
            "parts/layers/2/kernel/scale": tx.Parameter,
        },
        has_dtype=True,
    ),
]
