"""Projection: a Linear that learns both of its sizes at `init`."""

from __future__ import annotations

from typing import Any

from treexlite._core import static
from treexlite.nn._linear import Linear


class Projection(Linear):
    """A `Linear` whose number of outputs may be left to the layer around it.

    Args:
        features: size of the last axis of the output; None until it is settled, during `init`.
        options: those of `Linear`.
    """

    features: Any = static()

    def __init__(self, features: int | None, **options: Any) -> None:
        super().__init__(1 if features is None else features, **options)
        self.features = features


def settle(layer: Any, features: int) -> None:
    """Fix the number of outputs of a projection, or of what was put in its place, unless it is."""
    if layer.features is None:
        layer.features = features
