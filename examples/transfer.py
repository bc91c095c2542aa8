"""Read the digits 5 to 9 from a handful of labels, with what was learned on 0 to 4.

A digit may be anywhere in its picture, which makes it hard to learn from 25 labelled pictures. A
convolutional network has learned 0 to 4 from thousands, turned four ways, which makes 20 classes.
Its body is frozen, and a new head learns 5 to 9 on top of it; frozen means no gradient, no update,
and running statistics that stay. Then the body is free again, with a lower learning rate. The same
network from scratch, with the same labels and as many steps, is there to compare.

    python examples/transfer.py                      about a minute on two cores
    python examples/transfer.py --quick              a few seconds, with fewer epochs
    python examples/transfer.py --labels 2 --seed 1
"""

import argparse
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import treexlite as tx

RATE = 1e-2


class Block(tx.Module):
    """Convolution, normalisation, relu."""

    def __init__(self, features):
        self.conv = tx.nn.Conv(features, (3, 3), use_bias=False)
        self.norm = tx.nn.BatchNorm(momentum=0.9)

    def __call__(self, x):
        return jax.nn.relu(self.norm(self.conv(x)))


class Network(tx.Module):
    """A body that makes features of an image, and a head that makes scores of features."""

    def __init__(self, num_classes=5):
        self.body = tx.nn.Sequential(
            Block(32), tx.nn.MaxPool((2, 2)), Block(64), tx.nn.MaxPool((2, 2)), Block(128),
            tx.nn.GlobalMaxPool(),
        )  # fmt: skip
        self.head = tx.nn.Linear(num_classes)

    def __call__(self, x):
        return self.head(self.body(x))


def place(images, rng):
    """Put each digit of 8 x 8 pixels somewhere in a picture of 12 x 12."""
    pictures = np.zeros((len(images), 12, 12, 1), np.float32)
    places = rng.integers(0, 5, (len(images), 2))
    for picture, image, (row, column) in zip(pictures, images, places, strict=True):
        picture[row : row + 8, column : column + 8, 0] = image.reshape(8, 8) / 16
    return pictures


def load_data(num_labels, seed):
    """Return pictures and labels: many of 20 classes, a few of each of 5 to 9, and their rest."""
    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    low, high = np.flatnonzero(labels < 5), np.flatnonzero(labels >= 5)
    few, rest = train_test_split(
        high, train_size=5 * num_labels, stratify=labels[high], random_state=seed
    )
    turned = [np.rot90(place(images[low], rng), turns, axes=(1, 2)) for turns in range(4)]
    classes = [5 * turns + labels[low] for turns in range(4)]
    pairs = [(place(images[rows], rng), labels[rows] - 5) for rows in (few, rest)]
    return (np.concatenate(turned), np.concatenate(classes)), *pairs


def make_trainer(model, seed):
    optimizer = tx.Optimizer("adam", learning_rate=RATE)
    return tx.Trainer(model, "crossentropy", optimizer, metrics="accuracy", seed=seed)


def draw(curves, num_frozen, few, path):
    """Write a picture of the accuracy after each epoch."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    axes = figure.subplots()
    for name, values in curves.items():
        axes.plot(np.arange(1, len(values) + 1), values, label=name, linewidth=2)
    axes.axvline(num_frozen + 0.5, color="0.6", linestyle=":")
    axes.text(num_frozen, 0.2, "body frozen", ha="right", size=8, color="0.4")
    axes.text(num_frozen + 1, 0.2, "body free", size=8, color="0.4")
    axes.set(xlabel=f"epoch over {few} labelled images", ylabel="test accuracy, 5 to 9")
    axes.legend(frameon=False, loc="center right", fontsize=9)
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Use what was learned on other digits.")
    parser.add_argument("--quick", action="store_true", help="fewer epochs")
    parser.add_argument("--labels", type=int, default=5, help="of each of the digits 5 to 9")
    parser.add_argument("--epochs", type=int, help="by default 80, and 20 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/transfer"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    epochs, seed = options.epochs or (20 if options.quick else 80), options.seed
    num_frozen = epochs // 2

    (x, y), (few, few_labels), test = load_data(options.labels, seed)
    common = {"batch_size": len(few), "validation_data": test, "verbose": 0}
    pretrained = Network(20)
    make_trainer(pretrained, seed).fit(x, y, 32, 1 if options.quick else 4, drop_remainder=True)

    model = Network().init(seed, few)
    model.body = pretrained.body.freeze()
    before = model.body.state_dict()
    trainer = make_trainer(model, seed)
    head = trainer.fit(few, few_labels, epochs=num_frozen, **common).history["val_accuracy"]
    moved = [name for name, w in model.body.state_dict().items() if (w != before[name]).any()]

    model.body.unfreeze(inplace=True)
    for _, module in model.body.modules():
        if isinstance(module, tx.nn.BatchNorm):
            module.freeze(inplace=True)  # so few pictures would spoil its statistics
    trainer.optimizer.learning_rate = RATE / 10
    free = trainer.fit(few, few_labels, epochs=epochs - num_frozen, **common)

    scratch = make_trainer(Network(), seed).fit(few, few_labels, epochs=epochs, **common)
    curves = {"transferred": head + free.history["val_accuracy"]}
    curves["from scratch"] = scratch.history["val_accuracy"]

    flat = tx.nn.Flatten()
    linear = LogisticRegression(max_iter=1000).fit(flat(few), few_labels)
    results = {
        "linear model on pixels": linear.score(flat(test[0]), test[1]),
        "network from scratch": curves["from scratch"][-1],
        "new head, body frozen": curves["transferred"][num_frozen - 1],
        "then body free": curves["transferred"][-1],
    }
    print(f"\ntest accuracy on 5 to 9, from {len(few)} labels")
    for name, value in results.items():
        print(f"{name:24}  {value:.1%}")
    print(f"arrays of the frozen body that moved: {len(moved)}")
    draw(curves, num_frozen, len(few), options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return results, moved


if __name__ == "__main__":
    main()
