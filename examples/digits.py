"""Train a convolutional network on real handwritten digits, and watch it learn.

The data are scikit-learn's 1797 digits, scanned and scaled to 8 x 8 pixels. The model is an object
with layers as attributes and a `__call__`. Its arrays are of several kinds: parameters, which
gradients train; running statistics, which BatchNorm writes while it runs; keys, which Dropout
splits. `trainer.fit` carries all of them through the compiled steps.

    python examples/digits.py                        about a minute on two cores
    python examples/digits.py --quick                a few seconds: two epochs
    python examples/digits.py --epochs 5 --seed 1 --out runs/short
"""

import argparse
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import treexlite as tx


class Block(tx.Module):
    """Convolution, normalisation, relu: the channels change, the size of the image stays."""

    def __init__(self, features):
        self.conv = tx.nn.Conv(features, (3, 3), use_bias=False)
        self.norm = tx.nn.BatchNorm(momentum=0.9)

    def __call__(self, x):
        return jax.nn.relu(self.norm(self.conv(x)))


class Network(tx.Module):
    """Three blocks with pooling in between, then one score for each digit."""

    def __init__(self):
        self.blocks = [Block(32), Block(64), Block(64)]
        self.pool = tx.nn.MaxPool((2, 2))
        self.flatten = tx.nn.Flatten()
        self.dropout = tx.nn.Dropout(0.4)
        self.linear = tx.nn.Linear(10)

    def __call__(self, x):
        x = self.blocks[0](x)  # (batch, 8, 8, 32)
        x = self.pool(self.blocks[1](x))  # (batch, 4, 4, 64)
        x = self.pool(self.blocks[2](x))  # (batch, 2, 2, 64)
        return self.linear(self.dropout(self.flatten(x)))  # (batch, 10)


def load_data():
    """Return images with values from 0 to 1, and labels: one fifth of each digit for testing."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=0
    )
    return (x_train, y_train), (x_test, y_test)


def train(model, data, epochs, seed, batch_size=32):
    """Train `model` in place; return the trainer and the history."""
    (x, y), test = data
    num_steps = epochs * -(-len(x) // batch_size)
    schedule = optax.cosine_decay_schedule(2e-3, num_steps)
    trainer = tx.Trainer(
        model,
        loss="crossentropy",
        optimizer=optax.adam(schedule),
        metrics=["accuracy"],
        seed=seed,
    )
    history = trainer.fit(x, y, batch_size=batch_size, epochs=epochs, validation_data=test)
    return trainer, history


def save(model, path):
    """Write every array of the model to a file, by name."""
    save_file({name: np.asarray(array) for name, array in model.state_dict().items()}, path)


def load(path):
    """Build the network again, and fill it from the file."""
    model = Network().init(0, jax.ShapeDtypeStruct((1, 8, 8, 1), jnp.float32))
    model.load_state_dict(load_file(path))
    return model


def draw(images, labels, scores, path):
    """Write a picture of the images that the network is most wrong, or least sure, about."""
    chances = np.asarray(jax.nn.softmax(scores))
    hardest = np.argsort(chances[np.arange(len(labels)), labels])[:12]
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    for axes, i in zip(figure.subplots(2, 6).flat, hardest, strict=True):
        axes.imshow(images[i, :, :, 0], cmap="gray_r")
        axes.axis("off")
        said = chances[i].argmax()
        color = "tab:green" if said == labels[i] else "tab:red"
        axes.set_title(
            f"{labels[i]}, said {said}\n{chances[i].max():.0%} sure", size=8, color=color
        )
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train a network on scikit-learn's digits.")
    parser.add_argument("--quick", action="store_true", help="two epochs")
    parser.add_argument("--epochs", type=int, help="by default 20, and 2 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/digits"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    data = load_data()
    x_test, y_test = data[1]
    model = Network().init(options.seed, x_test[:1])
    print(model.tabulate(x_test[:1]))

    start = time.perf_counter()
    epochs = options.epochs or (2 if options.quick else 20)
    trainer, history = train(model, data, epochs, options.seed)
    accuracy = trainer.evaluate(x_test, y_test, batch_size=360, verbose=0)["accuracy"]
    print(f"\ntest accuracy {accuracy:.2%} after {time.perf_counter() - start:.0f} s")

    history.plot(options.out / "curves.png")
    save(model, options.out / "model.safetensors")
    loaded = tx.Trainer(load(options.out / "model.safetensors"))
    scores = trainer.predict(x_test, verbose=0)
    same = np.array_equal(loaded.predict(x_test, verbose=0), scores)
    draw(x_test, y_test, scores, options.out / "picture.png")
    print(f"saved curves.png, picture.png and model.safetensors in {options.out}")
    print(f"the saved model predicts the same as the trained one: {same}")
    return accuracy, same


if __name__ == "__main__":
    main()
