"""Train a convolutional network on Fashion-MNIST: 60,000 pictures of clothes, 28 x 28 pixels.

The same steps as `digits.py`, on data of a realistic size. The pictures go to the device once, as
bytes; each compiled step gathers its batch there, and the model turns the bytes into numbers.

The data are four IDX files, compressed with gzip or not. Debian has them in a package:

    apt install dataset-fashion-mnist
    python examples/fashion_mnist.py
    python examples/fashion_mnist.py DIRECTORY       where you have put the files yourself
"""

import argparse
import gzip
import math
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from safetensors.numpy import load_file, save_file

import treexlite as tx

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
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
        self.flatten = tx.nn.Flatten()
        self.dropout = tx.nn.Dropout(0.3)
        self.linear = tx.nn.Linear(10)

    def __call__(self, x):
        x = x[..., None].astype(jnp.float32) / 255  # (batch, 28, 28, 1)
        x = self.flatten(self.blocks(x))  # (batch, 3 * 3 * 64)
        return self.linear(self.dropout(x))  # (batch, 10)


def read_idx(path):
    """Read an array from an IDX file: two zeros, type, rank, sizes, then the data.

    Raises:
        ValueError: the file holds something else.
    """
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if content[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is no IDX file of bytes")
    rank = content[3]
    shape = tuple(np.frombuffer(content, ">u4", rank, offset=4).tolist())
    start = 4 + 4 * rank
    if len(content) - start != math.prod(shape):
        raise ValueError(f"{path} is not complete: it should hold {math.prod(shape)} bytes of data")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def find(directory, name):
    """Return the path of an IDX file, compressed or not.

    Raises:
        FileNotFoundError: there is neither.
    """
    for path in (directory / name, directory / f"{name}.gz"):
        if path.exists():
            return path
    raise FileNotFoundError(f"there is no {name} or {name}.gz in {directory}")


def load_data(directory):
    """Return images (bytes) and labels, for training and for testing."""
    return tuple(
        (
            read_idx(find(directory, f"{part}-images-idx3-ubyte")),
            read_idx(find(directory, f"{part}-labels-idx1-ubyte")).astype(np.int32),
        )
        for part in ("train", "t10k")
    )


def train(model, data, epochs, seed, batch_size=128):
    """Train `model` in place; return the trainer and the history."""
    (x, y), test = data
    num_steps = epochs * math.ceil(len(x) / batch_size)
    trainer = tx.Trainer(
        model,
        loss="crossentropy",
        optimizer=optax.adam(optax.cosine_decay_schedule(2e-3, num_steps)),
        metrics=["accuracy"],
        seed=seed,
    )
    history = trainer.fit(
        x,
        y,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=test,
        validation_batch_size=500,
    )
    return trainer, history


def save(model, path):
    """Write every array of the model to a file, by name."""
    save_file({name: np.asarray(array) for name, array in model.state_dict().items()}, path)


def load(path):
    """Build the network again, and fill it from the file."""
    model = Network().init(0, jax.ShapeDtypeStruct((1, 28, 28), jnp.uint8))
    model.load_state_dict(load_file(path))
    return model


def parse(arguments):
    """Read the command line; leave with a hint when the data are not there."""
    parser = argparse.ArgumentParser(description="Train a network on Fashion-MNIST.")
    parser.add_argument(
        "directory", type=Path, nargs="?", default=DEBIAN, help="where the IDX files are"
    )
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/fashion_mnist"))
    options = parser.parse_args(arguments)
    try:
        data = load_data(options.directory)
    except (OSError, EOFError, ValueError) as error:
        parser.exit(
            2,
            f"Fashion-MNIST could not be read: {error}\n"
            "On Debian and Ubuntu, install it:   sudo apt install dataset-fashion-mnist\n"
            f"Elsewhere, get its four IDX files from {PAGE}\n"
            f"and name their directory:           {parser.prog} DIRECTORY\n",
        )
    return options, data


def main(arguments=None):
    options, data = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    x_test, y_test = data[1]
    model = Network().init(options.seed, x_test[:1])
    print(model.tabulate(x_test[:1]))

    start = time.perf_counter()
    trainer, history = train(model, data, options.epochs, options.seed)
    accuracy = trainer.evaluate(x_test, y_test, batch_size=500, verbose=0)["accuracy"]
    print(f"\ntest accuracy {accuracy:.2%} after {time.perf_counter() - start:.0f} s")

    history.plot(options.out / "curves.png")
    save(model, options.out / "model.safetensors")
    loaded = tx.Trainer(load(options.out / "model.safetensors"))
    some = x_test[:500]
    same = np.array_equal(loaded.predict(some, verbose=0), trainer.predict(some, verbose=0))
    print(f"saved curves.png and model.safetensors in {options.out}")
    print(f"the saved model predicts the same as the trained one: {same}")
    return accuracy, same


if __name__ == "__main__":
    main()
