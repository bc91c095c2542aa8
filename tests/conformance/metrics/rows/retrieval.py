"""Means over queries."""

from functools import partial

import numpy as np

from tests.conformance.metrics.rows.row import EXAMPLES, MetricRow
from treexlite import metrics

_RNG = np.random.default_rng(2)
RELEVANCE = _RNG.integers(-1, 4, (EXAMPLES, 5))
RELEVANCE[3] = [0, -1, 0, 0, -1]  # nothing is relevant
ITEM_SCORES = _RNG.integers(0, 4, (EXAMPLES, 5)).astype(np.float32)

ROWS = [
    MetricRow("MeanReciprocalRank", metrics.MeanReciprocalRank, RELEVANCE, ITEM_SCORES),
    MetricRow("MeanAveragePrecision", metrics.MeanAveragePrecision, RELEVANCE, ITEM_SCORES),
    MetricRow("NDCG", partial(metrics.NDCG, 3, gain="exponential"), RELEVANCE, ITEM_SCORES),
    MetricRow("HitRate", partial(metrics.HitRate, 2), RELEVANCE, ITEM_SCORES),
    MetricRow("PrecisionAtK", partial(metrics.PrecisionAtK, 3), RELEVANCE, ITEM_SCORES),
    MetricRow(
        "RecallAtK", partial(metrics.RecallAtK, 2, empty_target="zero"), RELEVANCE, ITEM_SCORES
    ),
]
