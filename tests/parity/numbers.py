"""Numbers to compare metrics on, and how they are measured in uneven batches."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from treexlite.metrics import Metric

EXAMPLES = 24
CUTS = [[1], [EXAMPLES - 1]]  # two sizes of batches, so that few are compiled


@st.composite
def numbers(draw: st.DrawFn, outputs: int = 1) -> dict[str, Any]:
    """Targets, predictions and weights of 24 examples, and where the batches end.

    The offset lets formulas fail that subtract large squares; the noise makes predictions good or
    useless.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offset = draw(st.sampled_from([0.0, 3.0, 1e4]))
    noise = draw(st.sampled_from([0.3, 3.0]))
    target = rng.normal(offset, 1, (EXAMPLES, outputs)).astype(np.float32)
    preds = (target + rng.normal(0.1, noise, target.shape)).astype(np.float32)
    weights = {
        "none": None,
        "real": rng.uniform(0.1, 2, EXAMPLES).astype(np.float32),
        "whole": np.maximum(rng.integers(0, 4, EXAMPLES), np.arange(EXAMPLES) < 4),
    }[draw(st.sampled_from(["none", "real", "whole"]))]
    if outputs == 1:
        target, preds = target[:, 0], preds[:, 0]
    return {
        "target": target,
        "preds": preds,
        "weights": weights,
        "cuts": draw(st.sampled_from(CUTS)),
    }


def measured(metric: Metric, data: dict[str, Any]) -> Any:
    """Return the value over all batches."""
    for rows in np.split(np.arange(EXAMPLES), data["cuts"]):
        weights = data["weights"]
        metric.update(
            data["target"][rows], data["preds"][rows], None if weights is None else weights[rows]
        )
    return metric.compute()


def float64(data: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and predictions for others, who compute in what they are given."""
    return data["target"].astype(np.float64), data["preds"].astype(np.float64)
