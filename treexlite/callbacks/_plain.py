"""Numbers of logs as plain data, for files and messages.

In: what is logged: floats, arrays. Out: what every reader of JSON understands. Nothing is mutated.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def as_plain(value: Any) -> Any:
    """Return a value as numbers, strings, lists and dicts; what is not finite as a string.

    JSON has no NaN; `float("NaN")` and `float("-Infinity")` read the strings back.
    """
    if isinstance(value, Mapping):
        return {str(name): as_plain(part) for name, part in value.items()}
    if hasattr(value, "dtype"):
        value = np.asarray(value).tolist()
    if isinstance(value, (list, tuple)):
        return [as_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def as_json(values: Mapping[str, Any]) -> str:
    """Return values as one line of JSON."""
    return json.dumps(as_plain(values), allow_nan=False)
