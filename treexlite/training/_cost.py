"""What a step does, read off its trace: this decides how steps are dispatched.

In: a jaxpr. Out: a `Cost`. It depends on the program alone, not on a measurement, so that two runs
of a script always run the same compiled programs, and get the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from treexlite.transforms._inner import CALLBACKS, inner_programs


@dataclass
class Cost:
    """What a program contains.

    Attributes:
        flops: floating-point operations of its matrix products and convolutions.
        has_convolutions: whether it convolves.
        has_callbacks: whether it calls Python while it runs.
    """

    flops: float = 0.0
    has_convolutions: bool = False
    has_callbacks: bool = False


def cost(jaxpr: Any) -> Cost:
    """Add up what a jaxpr, and those inside it, contain; the body of a `while` counts once."""
    total = Cost()
    _add(jaxpr, 1.0, total)
    return total


def _add(jaxpr: Any, times: float, total: Cost) -> None:
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        total.has_callbacks |= name in CALLBACKS
        if name == "dot_general":
            total.flops += times * _dot_flops(equation)
        elif name == "conv_general_dilated":
            total.has_convolutions = True
            total.flops += times * _convolution_flops(equation)
        repeated = times * equation.params["length"] if name == "scan" else times
        for inner in inner_programs(equation):
            _add(inner, repeated, total)


def _dot_flops(equation: Any) -> float:
    (contracted, _), _ = equation.params["dimension_numbers"]
    left = equation.invars[0].aval.shape
    size = float(math.prod(left[axis] for axis in contracted))
    return 2.0 * float(math.prod(equation.outvars[0].aval.shape)) * size


def _convolution_flops(equation: Any) -> float:
    kernel = equation.invars[1].aval.shape
    features: int = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
    outputs = float(math.prod(equation.outvars[0].aval.shape))
    return 2.0 * outputs * float(math.prod(kernel)) / max(int(features), 1)
