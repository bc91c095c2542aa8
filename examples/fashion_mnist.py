"""Train a convolutional network on Fashion-MNIST: 60,000 pictures of clothes, 28 x 28 pixels.

The same steps as `digits.py`, on data of a realistic size. The pictures go to the device once, as
bytes; each compiled step gathers its batch there, and the model turns the bytes into numbers. In
the end the model is saved and loaded, and you see the mistakes that it is most sure of.

The data are four IDX files, compressed with gzip or not. Debian has them in a package:

    apt install dataset-fashion-mnist
    python examples/fashion_mnist.py                 about three minutes on two cores
    python examples/fashion_mnist.py --quick         a few seconds, on a part of the data
    python examples/fashion_mnist.py DIRECTORY       where you have put the files yourself
"""

import argparse
import gzip
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import treexlite as tx

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
NAMES = ["T-shirt", "trousers", "pullover", "dress", "coat"]
NAMES += ["sandal", "shirt", "sneaker", "bag", "boot"]
PAGE = "https://github.com/zalandoresearch/fashion-mnist"


class Block(tx.Module):
    """Convolution, normalisation, relu; the image becomes half as wide and high."""

    def __init__(self, features):
        self.conv = tx.nn.Conv(features, (3, 3), use_bias=False)
        self.norm = tx.nn.BatchNorm(momentum=0.9)
        self.pool = tx.nn.MaxPool((2, 2))

    def __call__(self, x):
        return self.pool(jax.nn.relu(self.norm(self.conv(x))))


class Network(tx.Module):
    """Three blocks, then one score for each of the ten kinds of clothes."""

    def __init__(self):
        self.blocks = tx.nn.Sequential(Block(16), Block(32), Block(64))
        self.head = tx.nn.Sequential(tx.nn.Flatten(), tx.nn.Dropout(0.3), tx.nn.Linear(10))

    def __call__(self, x):
        x = x[..., None].astype(jnp.float32) / 255  # (batch, 28, 28, 1)
        return self.head(self.blocks(x))  # (batch, 3, 3, 64), then (batch, 10)


def read_idx(directory, name):
    """Read an array from an IDX file, compressed or not: two zeros, type, rank, sizes, data."""
    paths = [path for path in (directory / name, directory / f"{name}.gz") if path.exists()]
    if not paths:
        raise FileNotFoundError(f"there is no {name} or {name}.gz in {directory}")
    path = paths[0]
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if content[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is no IDX file of bytes")
    shape = tuple(np.frombuffer(content, ">u4", content[3], offset=4).tolist())
    data = np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape))
    if data.size != math.prod(shape):
        raise ValueError(f"{path} is not complete: it should hold {math.prod(shape)} bytes of data")
    return data.reshape(shape)


def load_data(directory=DEBIAN):
    """Return images (bytes) and labels, for training and for testing."""
    parts = "train", "t10k"
    images = [read_idx(directory, f"{part}-images-idx3-ubyte") for part in parts]
    labels = [read_idx(directory, f"{part}-labels-idx1-ubyte").astype(np.int32) for part in parts]
    return tuple(zip(images, labels, strict=True))


def train(model, data, epochs, seed, batch_size=128):
    """Train `model` in place; return the trainer."""
    (x, y), test = data
    schedule = tx.optimizers.schedules.cosine(2e-3, epochs * math.ceil(len(x) / batch_size))
    optimizer = tx.Optimizer("adam", learning_rate=schedule)
    trainer = tx.Trainer(model, "crossentropy", optimizer, metrics=["accuracy"], seed=seed)
    trainer.fit(x, y, batch_size, epochs, validation_data=test, validation_batch_size=500)
    return trainer


def draw(images, labels, logits, file, rows=2, columns=5):
    """Draw the mistakes with the largest distance between what is said and what is right."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    right = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    worst = np.argsort(right - logits.max(axis=1))
    for axes, index in zip(figure.subplots(rows, columns).flat, worst, strict=False):
        axes.imshow(images[index], cmap="gray_r")
        axes.set_title(f"{NAMES[logits[index].argmax()]}?", fontsize=9, color="C3")
        axes.set_xlabel(NAMES[labels[index]], fontsize=9)
        axes.set(xticks=[], yticks=[])
    figure.savefig(file)


def parse(arguments):
    """Read the command line; leave with a hint when the data are not there."""
    parser = argparse.ArgumentParser(description="Train a network on Fashion-MNIST.")
    parser.add_argument("directory", type=Path, nargs="?", default=DEBIAN, help="of IDX files")
    parser.add_argument("--quick", action="store_true", help="little data, one epoch")
    parser.add_argument("--epochs", type=int, help="by default 5, and 1 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/fashion_mnist"), help="a folder")
    options = parser.parse_args(arguments)
    try:
        data = load_data(options.directory)
    except (OSError, EOFError, ValueError) as error:
        parser.exit(
            2,
            f"Fashion-MNIST could not be read: {error}\n"
            "On Debian and Ubuntu, install it:   sudo apt install dataset-fashion-mnist\n"
            f"Elsewhere, get it from {PAGE} and name its place: {parser.prog} DIRECTORY\n",
        )
    return options, data


def main(arguments=None):
    options, (data, (x_test, y_test)) = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.quick:
        data, x_test, y_test = tuple(part[:3200] for part in data), x_test[:500], y_test[:500]
    model = Network().init(options.seed, x_test[:1])
    print(model.tabulate(x_test[:1]))

    epochs = options.epochs or (1 if options.quick else 5)
    trainer = train(model, (data, (x_test, y_test)), epochs, options.seed)
    accuracy = trainer.evaluate(x_test, y_test, batch_size=500, verbose=0)["accuracy"]
    print(f"\ntest accuracy {accuracy:.2%}")
    logits = trainer.predict(x_test, batch_size=500, verbose=0)
    draw(x_test, y_test, logits, options.out / "picture.png")
    tx.save(options.out / "model.safetensors", model)
    loaded = tx.load(options.out / "model.safetensors", into=Network().init(0, x_test[:1]))
    again = tx.Trainer(loaded).predict(x_test, batch_size=500, verbose=0)
    same = np.array_equal(again, logits)
    print(f"saved picture.png and a model that predicts the same as the trained one: {same}")
    return accuracy, same


if __name__ == "__main__":
    main()
