"""Noise against PyTorch: the same values, mean and variance, within five standard errors."""

from typing import Any

import jax
import numpy as np
import pytest

from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")


@pytest.mark.parametrize("rate", [0.2, 0.6])
def test_alpha_dropout(rate: float) -> None:
    x = np.array(jax.random.normal(jax.random.key(0), (100_000,)))
    torch.manual_seed(0)
    theirs = torch.nn.AlphaDropout(rate)(torch.tensor(x)).numpy()
    ours = np.asarray(nn.AlphaDropout(rate).init(0)(x))
    # Standard errors 1 / 316 of the mean and below 3.2 / 316 of the variance (fourth moment < 11).
    np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=5 * 1.41 / 316)
    np.testing.assert_allclose(ours.var(), theirs.var(), atol=5 * 1.41 * 3.2 / 316)
    lowest = [
        np.unique(y.round(4))[np.unique(y.round(4), return_counts=True)[1].argmax()]
        for y in (ours, theirs)
    ]
    np.testing.assert_allclose(*lowest, atol=1.1e-4)  # the value of what is dropped


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.SpatialDropout(0.4), torch.nn.Dropout2d(0.4)),
        (nn.AlphaDropout(0.4, broadcast_axes=(1, 2)), torch.nn.FeatureAlphaDropout(0.4)),
    ],
    ids=["SpatialDropout", "AlphaDropout"],
)
def test_whole_channels(ours: Any, theirs: Any) -> None:
    torch.manual_seed(0)
    expected = theirs(torch.ones(50, 40, 3, 3)).numpy()
    found = np.moveaxis(np.asarray(ours.init(0)(np.ones((50, 3, 3, 40), np.float32))), -1, 1)
    for y in (found, expected):
        assert (y == y[:, :, :1, :1]).all()
    values = [np.unique(y.round(4), return_counts=True) for y in (found, expected)]
    np.testing.assert_allclose(values[0][0], values[1][0], atol=1.1e-4)
    # 2000 draws on each side: five standard deviations of the difference are 0.078.
    np.testing.assert_allclose(values[0][1] / y.size, values[1][1] / y.size, atol=0.078)
