"""Logs as plain numbers.

In: `{name: value}` with NumPy values, of which some are mappings. Out: the same as floats. Nothing
is mutated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def as_numbers(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return logs as Python floats; of a metric with several values, each as `name/key`."""
    numbers: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, Mapping):
            numbers |= {f"{name}/{key}": number for key, number in as_numbers(value).items()}
        else:
            numbers[name] = as_number(value)
    return numbers


def as_number(value: Any) -> Any:
    """Return a number as a float, anything larger as it is."""
    return float(value) if np.ndim(value) == 0 else value
