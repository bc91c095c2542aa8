"""Texts compared with references."""

from functools import partial

import numpy as np

from tests.conformance.metrics.rows.row import EXAMPLES, MetricRow
from treexlite import metrics

_RNG = np.random.default_rng(1)
TEXTS = _RNG.integers(0, 4, (EXAMPLES, 6))  # 0 is padding
REFERENCES = _RNG.integers(0, 4, (EXAMPLES, 2, 5))

ROWS = [
    MetricRow("BLEU", partial(metrics.BLEU, 2), REFERENCES, TEXTS),
    MetricRow("BLEU, smoothed", partial(metrics.BLEU, smoothing="exp"), REFERENCES[:, 0], TEXTS),
    MetricRow("EditDistance", metrics.EditDistance, REFERENCES[:, 0], TEXTS),
    MetricRow("WordErrorRate", metrics.WordErrorRate, REFERENCES[:, 0], TEXTS),
]
