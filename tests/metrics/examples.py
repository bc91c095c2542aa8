"""Examples that the tests of metrics measure, and what it means that two metrics are the same."""

from typing import Any

import jax
import numpy as np
from hypothesis import strategies as st

from treexlite.metrics import Accuracy, Mean, Metric

METRICS = [Mean, Accuracy]
CLASSES = 3


@st.composite
def data(draw: st.DrawFn) -> dict[str, Any]:
    """Eight examples; the weights are multiples of 1/4, so that all sums are exact."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return {
        "target": rng.integers(0, CLASSES, 8),
        "preds": rng.integers(-99, 99, (8, CLASSES)).astype(np.float32) / 8,
        "sample_weight": draw(st.sampled_from([None, rng.integers(0, 5, 8) / np.float32(4)])),
    }


def assert_same_state(a: Metric, b: Metric) -> None:
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(np.testing.assert_array_equal, a.state_dict(), b.state_dict())
