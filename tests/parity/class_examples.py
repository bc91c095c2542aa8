"""Examples of classes, labels and yes or no, as tests of metrics against others measure them.

In: what hypothesis draws. Out: NumPy arrays, among them the awkward ones: classes that are never
true, or never predicted, or the only ones; labels that are never true; weights of 0.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from treexlite.metrics import Metric

SIZE = 12
CLASSES = 4
CUTS = [(0, 1, SIZE), (0, SIZE - 1, SIZE)]  # two sizes of batches, so that few are compiled


class Examples(NamedTuple):
    """What is true, what is predicted, weights or None, and where batches begin and end."""

    true: np.ndarray
    scores: np.ndarray
    predicted: np.ndarray
    weights: np.ndarray | None
    cuts: tuple[int, ...]

    def measure(self, metric: Metric, of_scores: bool = True) -> np.ndarray:
        """Return the value of a metric that sees the batches one by one."""
        preds = self.scores if of_scores else self.predicted
        for start, stop in itertools.pairwise(self.cuts):
            weights = None if self.weights is None else self.weights[start:stop]
            metric.update(self.true[start:stop], preds[start:stop], weights)
        return np.asarray(metric.compute())


@st.composite
def of_classes(draw: st.DrawFn, weighted: bool = True) -> Examples:
    """Draw labels of some of the classes, and scores of all of them without ties."""
    rng, weights, cuts = _drawn(draw, weighted)
    seen = np.array(draw(st.sampled_from([[0, 1, 2, 3], [0, 2], [1, 2, 3], [3]])))
    true = rng.choice(seen, SIZE)
    scores = _without_ties(rng, (SIZE, CLASSES)) + 0.3005 * np.eye(CLASSES)[true]
    only = draw(st.sampled_from([None, None, 2]))
    if only is not None:
        scores[:, only] += 9
    scores = scores.astype(np.float32)
    return Examples(true, scores, scores.argmax(-1), weights, cuts)


@st.composite
def of_yes_or_no(draw: st.DrawFn, weighted: bool = True) -> Examples:
    """Draw yes or no, sometimes one of them alone, and probabilities of yes."""
    rng, weights, cuts = _drawn(draw, weighted)
    true = rng.random(SIZE) < draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    return _answered(draw, rng, true.astype(int), weights, cuts)


@st.composite
def of_labels(draw: st.DrawFn, weighted: bool = True) -> Examples:
    """Draw a yes or no for each of some labels; some labels are never true."""
    rng, weights, cuts = _drawn(draw, weighted)
    rates = rng.choice([0.0, 0.4, 1.0] if draw(st.booleans()) else [0.0, 0.1], CLASSES)
    true = rng.random((SIZE, CLASSES)) < rates
    return _answered(draw, rng, true.astype(int), weights, cuts)


def _drawn(draw: st.DrawFn, weighted: bool) -> tuple[Any, np.ndarray | None, tuple[int, ...]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = ["none", "whole", "any"] if weighted else ["none"]
    kind = draw(st.sampled_from(kinds))
    cuts = draw(st.sampled_from(CUTS))
    if kind == "none":
        return rng, None, cuts
    weights = rng.integers(0, 3, SIZE) if kind == "whole" else rng.lognormal(0, 3, SIZE)
    weights = weights.astype(np.float32)
    weights[draw(st.integers(0, SIZE - 1))] = 1  # something was seen
    return rng, weights, cuts


def _answered(
    draw: st.DrawFn, rng: Any, true: np.ndarray, weights: Any, cuts: tuple[int, ...]
) -> Examples:
    bias = draw(st.sampled_from([-1.0, 0.0, 0.0, 1.0]))
    scores = np.clip(_without_ties(rng, true.shape) + bias, 0, 1).astype(np.float32)
    return Examples(true, scores, (scores > 0.5).astype(int), weights, cuts)


def _without_ties(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return different multiples of 1/1000 that do not lie at 1/2."""
    numbers = np.delete(np.arange(1, 1000), 499)
    return rng.choice(numbers, shape, replace=False) / 1000
