"""The same trainings written by hand, with treexlite and with Keras.

A network is a tuple of layers, a layer a tuple of its name and sizes:

    (("dense", 64, 64), ("relu",), ("residual", 64), ("dense", 64, 10))

`residual` adds the relu of a dense layer to its input; `conv` has windows of 3 x 3 and keeps the
size of the image, which `pool` halves. Each file reads such descriptions and returns a `Turn` for
each way to train: a call that trains for some epochs and returns the mean loss and the accuracy of
the last one. All begin with the same arrays, use Adam, visit the examples of each epoch in a new
order, train on the smaller last batch too, and measure loss and accuracy without waiting for the
device within an epoch.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Network = tuple[tuple[Any, ...], ...]
Turn = Callable[[], tuple[float, float]]

RATE, EPSILON, CLASSES = 1e-3, 1e-7, 10
FASHION = Path("/usr/share/datasets/fashion-mnist")


class Data(NamedTuple):
    """Examples: inputs as float32, and labels."""

    x: np.ndarray
    y: np.ndarray


class Case(NamedTuple):
    """What is trained.

    Attributes:
        network: the layers.
        data: the examples; of a stream, bytes that its generator turns into float32.
        batch_size: examples for one step.
        epochs: how many belong to one turn.
        streams: whether batches come from a generator.
    """

    network: Network
    data: Data
    batch_size: int
    epochs: int
    streams: bool = False

    @property
    def num_steps(self) -> int:
        """How many steps an epoch has."""
        return -(-len(self.data.x) // self.batch_size)


def digits_mlp(blocks: int) -> Network:
    """Return a network with some residual blocks for the digits."""
    body = (("residual", 64),) * blocks
    return (("dense", 64, 64), ("relu",), *body, ("dense", 64, CLASSES))


DIGITS_CNN: Network = (
    *(("conv", 1, 16), ("relu",), ("pool",), ("conv", 16, 32), ("relu",), ("pool",)),
    *(("flatten",), ("dense", 128, CLASSES)),
)
FASHION_MLP: Network = (("dense", 784, 128), ("relu",), ("dense", 128, CLASSES))


def case(name: str, quick: bool = False) -> Case:
    """Return the case of that name: with few examples, when only a quick look is wanted."""
    few = 200 if quick else None
    if name == "cnn":
        images = digits(few)
        images = Data(images.x.reshape(-1, 8, 8, 1), images.y)
        return Case(DIGITS_CNN, images, 32, 1 if quick else 2)
    if name == "fashion":
        return Case(FASHION_MLP, as_floats(fashion(few or 60_000)), 128, 1 if quick else 2)
    if name == "stream":
        return Case(FASHION_MLP, fashion(few or 25_600), 128, 1, streams=True)
    return Case(digits_mlp(int(name.removeprefix("digits-"))), digits(few), 32, 1 if quick else 10)


CASES = ("digits-1", "digits-5", "digits-20", "fashion", "cnn", "stream")


def digits(count: int | None = None) -> Data:
    """Return scikit-learn's digits, or as many noisy patterns when it is not installed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        return as_floats(patterns(count or 1797, 64))
    found = load_digits()
    return Data((found.data / 16).astype(np.float32)[:count], found.target.astype(np.int32)[:count])


def fashion(count: int) -> Data:
    """Return images of Fashion-MNIST as bytes, or noisy patterns of their size without them."""
    found = [FASHION / f"train-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1")]
    if not all(path.exists() for path in found):
        return patterns(count, 784)
    images, labels = (gzip.decompress(path.read_bytes()) for path in found)
    x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784)
    y = np.frombuffer(labels, np.uint8, offset=8).astype(np.int32)
    return Data(x[:count], y[:count])


def patterns(count: int, features: int) -> Data:
    """Return bytes that can be learned: for each class a pattern of its own, and noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, count).astype(np.int32)
    x = rng.integers(0, 128, (CLASSES, features))[y] + rng.integers(0, 128, (count, features))
    return Data(x.astype(np.uint8), y)


def as_floats(data: Data) -> Data:
    """Return bytes as numbers from 0 to 1."""
    return Data(data.x.astype(np.float32) / 255, data.y)


def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return the order of the examples in an epoch."""
    return np.random.default_rng([seed, epoch]).permutation(count).astype(np.int32)


def batches(what: Case, epochs: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Iterate over the batches of some epochs, cut and scaled on the host as a data loader does."""
    for epoch in range(epochs):
        visited = order(0, epoch, len(what.data.x))
        for start in range(0, len(visited), what.batch_size):
            rows = visited[start : start + what.batch_size]
            yield what.data.x[rows].astype(np.float32) / 255, what.data.y[rows]


def initial(network: Network, seed: int = 0) -> list[np.ndarray]:
    """Return the first parameters: of each layer that has some, kernel and bias."""
    rng, arrays = np.random.default_rng(seed), []
    for name, *sizes in network:
        if name in ("dense", "conv", "residual"):
            pair = (sizes[0], sizes[-1])
            shape = (3, 3, *pair) if name == "conv" else pair
            kernel = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
            arrays += [kernel.astype(np.float32), np.zeros(shape[-1], np.float32)]
    return arrays
