"""One row for each layer; every law of this folder runs over all rows.

A new layer adds a row to `LAYERS` and has all laws tested. What a law does not hold for is said in
the row, with the reason beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

import treexlite as tx
from treexlite import nn

FEATURES = jax.random.normal(jax.random.key(1), (6, 5))
IMAGES = jax.random.normal(jax.random.key(2), (3, 6, 5, 4))
SEQUENCES = jax.random.normal(jax.random.key(3), (3, 9, 4))
IDS = jnp.array([[1, 2, 0], [3, 3, 6]])

WEIGHTS = {"kernel": tx.Parameter, "bias": tx.Parameter}


@dataclass(frozen=True)
class Layer:
    """A layer, an input for it, and what is true of it.

    Attributes:
        name: of the row, unique.
        make: builds the layer; takes `dtype` and `param_dtype` when it `has_dtype`.
        x: an input with a batch axis first.
        fields: path and kind of all data after `init`, in order.
        has_dtype: whether the constructor takes dtypes.
        by_example: whether, in evaluation mode, `vmap` over the batch gives what the batch gives.
        random: whether two seeds give two initial states.
    """

    name: str
    make: Callable[..., tx.Module]
    x: jax.Array
    fields: dict[str, type] = field(default_factory=dict)
    has_dtype: bool = False
    by_example: bool = True
    random: bool = True

    def build(self, seed: int = 0, **dtypes: Any) -> tx.Module:
        """Return an initialised layer."""
        return self.make(**dtypes).init(seed, self.x)

    @property
    def floating(self) -> bool:
        """Whether the input is one of numbers to compute with, rather than of ids."""
        return jnp.issubdtype(self.x.dtype, jnp.floating)

    @property
    def parameters(self) -> list[str]:
        """The paths that gradients train."""
        return [path for path, kind in self.fields.items() if issubclass(kind, tx.Parameter)]

    def inputs(self, count: int) -> list[jax.Array]:
        """Return inputs that differ, the first one being `x`."""
        if self.floating:
            return [self.x * (1 + step) + step for step in range(count)]
        return [jnp.roll(self.x, step, 0) for step in range(count)]


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


LAYERS = [
    Layer("Linear", lambda **d: nn.Linear(3, **d), FEATURES, WEIGHTS, has_dtype=True),
    Layer(
        "Linear without bias",
        lambda **d: nn.Linear(3, use_bias=False, **d),
        IMAGES,
        {"kernel": tx.Parameter},
        has_dtype=True,
    ),
    Layer(
        "MLP",
        lambda **d: nn.MLP([4, 3], activation="tanh", **d),
        FEATURES,
        {f"layers/{n}/{name}": kind for n in (0, 1) for name, kind in WEIGHTS.items()},
        has_dtype=True,
    ),
    Layer("Conv", lambda **d: nn.Conv(4, (3, 3), **d), IMAGES, WEIGHTS, has_dtype=True),
    Layer(
        "Conv over sequences",
        lambda **d: nn.Conv(4, 3, strides=2, padding="CAUSAL", dilation=2, groups=2, **d),
        SEQUENCES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer(
        "BatchNorm",
        lambda **d: nn.BatchNorm(momentum=0.9, **d),
        IMAGES,
        {
            "scale": tx.Parameter,
            "bias": tx.Parameter,
            "mean": tx.BatchStat,
            "var": tx.BatchStat,
        },
        has_dtype=True,
        random=False,
    ),
    Layer(
        "LayerNorm",
        lambda **d: nn.LayerNorm(**d),
        FEATURES,
        {"scale": tx.Parameter, "bias": tx.Parameter},
        has_dtype=True,
        random=False,
    ),
    Layer("Dropout", lambda: nn.Dropout(0.5), FEATURES, {"key": tx.Rng}),
    Layer(
        "Dropout of channels",
        lambda: nn.Dropout(0.5, broadcast_axes=(-3, -2)),
        IMAGES,
        {"key": tx.Rng},
    ),
    Layer(
        "Embed", lambda **d: nn.Embed(7, 4, **d), IDS, {"embedding": tx.Parameter}, has_dtype=True
    ),
    Layer("MaxPool", lambda: nn.MaxPool((2, 2)), IMAGES, random=False),
    Layer("AvgPool", lambda: nn.AvgPool((3, 2), strides=2, padding="SAME"), IMAGES, random=False),
    # By example, Flatten takes the first axis of the image for the batch.
    Layer("Flatten", lambda: nn.Flatten(), IMAGES, by_example=False, random=False),
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


def ids(row: Layer) -> str:
    """The name of a test's row, for `pytest.mark.parametrize(..., ids=ids)`."""
    return row.name


def sum_of(y: jax.Array) -> jax.Array:
    """A loss that weighs every output differently, so that no gradient vanishes by symmetry."""
    return (y * jnp.linspace(-1.0, 1.0, y.size).reshape(y.shape)).sum()
