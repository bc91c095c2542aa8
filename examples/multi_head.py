"""Say which digit is in a picture, and where: one network with two outputs, each with a loss.

The model returns a dict, the targets are a dict with the same keys, and so are the losses, their
weights and the metrics of the trainer. Whatever has a key is compared with what has the same key.

    python examples/multi_head.py                    about a minute on two cores
    python examples/multi_head.py --epochs 5 --seed 1
    python examples/multi_head.py --quick            4 epochs
"""

import argparse
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import treexlite as tx

SIZE = 12  # of a picture; the digit in it is 8 pixels wide and high


class Network(tx.Module):
    """Convolutions for both, then a score for each digit, and a place: row and column."""

    def __init__(self):
        self.body = tx.nn.Sequential(
            tx.nn.Conv(16, (3, 3)),
            jax.nn.relu,
            tx.nn.MaxPool((2, 2)),
            tx.nn.Conv(32, (3, 3)),
            jax.nn.relu,
            tx.nn.Flatten(),
            tx.nn.Linear(64),
            jax.nn.relu,
        )
        self.digit = tx.nn.Linear(10)
        self.place = tx.nn.Linear(2)

    def __call__(self, x):
        x = self.body(x)
        return {"digit": self.digit(x), "place": self.place(x)}


def load_data():
    """Put each digit somewhere in an empty picture; return pictures and targets, for two uses."""
    images, labels = load_digits(return_X_y=True)
    places = np.random.default_rng(0).integers(0, SIZE - 7, (len(images), 2))
    pictures = np.zeros((len(images), SIZE, SIZE, 1), np.float32)
    for picture, image, (row, column) in zip(pictures, images, places, strict=True):
        picture[row : row + 8, column : column + 8, 0] = image.reshape(8, 8) / 16
    x_train, x_test, *rest = train_test_split(
        pictures, labels, places.astype(np.float32), test_size=0.2, random_state=0
    )
    digits_train, digits_test, places_train, places_test = rest
    train = x_train, {"digit": digits_train, "place": places_train}
    return train, (x_test, {"digit": digits_test, "place": places_test})


def plot(pictures, preds, path):
    """Show pictures, where the network sees a digit in them, and which."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="tight")
    for i, axes in enumerate(figure.subplots(2, 4).flat):
        row, column = preds["place"][i] - 0.5
        axes.imshow(pictures[i, :, :, 0], cmap="gray_r")
        axes.add_patch(Rectangle((column, row), 8, 8, fill=False, edgecolor="C1", linewidth=2))
        axes.set_title(f"a {preds['digit'][i].argmax()}", fontsize=9, pad=2)
        axes.set(xticks=[], yticks=[])
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train a network with two outputs.")
    parser.add_argument("--epochs", type=int, help="by default 20, and 4 with --quick")
    parser.add_argument("--quick", action="store_true", help="4 epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/multi_head"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    (x, y), (x_test, y_test) = load_data()
    trainer = tx.Trainer(
        Network(),
        loss={"digit": "crossentropy", "place": "mse"},
        loss_weights={"place": 0.2},
        optimizer=tx.Optimizer("adam", learning_rate=5e-3),
        metrics={"digit": ["accuracy"], "place": ["mae"]},
        seed=options.seed,
    )
    epochs = options.epochs or (4 if options.quick else 20)
    trainer.fit(x, y, batch_size=32, epochs=epochs, validation_data=(x_test, y_test))
    logs = trainer.evaluate(x_test, y_test, batch_size=len(x_test), verbose=0)
    preds = trainer.predict(x_test[:8], verbose=0)

    print("\n    is  at         said  at")
    for i in range(5):
        row, column = preds["place"][i]
        print(
            f"{y_test['digit'][i]:6}  {y_test['place'][i].astype(int)}"
            f"  {preds['digit'][i].argmax():10}  [{row:.1f} {column:.1f}]"
        )
    for name, value in logs.items():
        print(f"{name:16} {value:.3f}")
    plot(x_test, preds, options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return logs


if __name__ == "__main__":
    main()
