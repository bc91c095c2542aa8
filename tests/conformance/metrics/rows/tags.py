"""Eight examples of which any of three labels may be true; the last label never is."""

import numpy as np

TAGS = np.array(
    [[0, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]]
)
TAG_SCORES = np.random.default_rng(1).integers(1, 64, TAGS.shape).astype(np.float32) / 64
