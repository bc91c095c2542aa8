"""What a row of the catalogue is, the inputs that rows share, and a stage for odd signatures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

import treexlite as tx

FEATURES = jax.random.normal(jax.random.key(1), (6, 5))
IMAGES = jax.random.normal(jax.random.key(2), (3, 6, 5, 4))
SEQUENCES = jax.random.normal(jax.random.key(3), (3, 9, 4))
IDS = jnp.array([[1, 2, 0], [3, 3, 6]])

WEIGHTS = {"kernel": tx.Parameter, "bias": tx.Parameter}

_BUILT: dict[Any, tx.Module] = {}


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
        """Return an initialised layer, a copy of its own: each is initialised only once."""
        key = self.name, seed, *sorted(dtypes.items())
        if key not in _BUILT:
            _BUILT[key] = self.make(**dtypes).init(seed, self.x)
        return _BUILT[key].copy()

    def abstract(self, **dtypes: Any) -> Any:
        """Return the layer as it is after `init`, with shapes and dtypes in place of arrays."""
        return jax.eval_shape(lambda x: self.make(**dtypes).init(0, x), self.x)

    @property
    def layer_class(self) -> type[tx.Module]:
        """The class that the row is about."""
        layer: Any = self.make()
        return type(layer.layer if isinstance(layer, Staged) else layer)

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


class Staged(tx.Module):
    """Calls a layer that takes or returns more than one array, as a function from array to array.

    `f(layer, x)` makes the further arguments from `x`, and one array of the outputs.
    """

    layer: tx.Module

    def __init__(self, layer: tx.Module, f: Callable[[Any, jax.Array], jax.Array]) -> None:
        self.layer = layer
        self.f = f

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.f(self.layer, x)


def ids(row: Layer) -> str:
    """The name of a test's row, for `pytest.mark.parametrize(..., ids=ids)`."""
    return row.name


def sum_of(y: jax.Array) -> jax.Array:
    """A loss that weighs every output differently, so that no gradient vanishes by symmetry."""
    return (y * jnp.linspace(-1.0, 1.0, y.size).reshape(y.shape)).sum()
