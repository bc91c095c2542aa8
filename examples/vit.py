"""Read handwritten digits as sentences of patches, and see which patches the answer rests on.

A vision transformer cuts an image into squares, gives each its place, and lets all of them look at
each other. `treexlite.models.ViT` is the known architecture; here it is small: 16 patches of 2 x 2
pixels, three layers, which are traced and compiled as one. Transformers want more data than
scikit-learn's 1797 digits, so they get copies that are moved by a pixel; the nearest neighbour,
which stands beside it, is hard to reach all the same.

To see what it looks at, each patch is made blank in turn, and the score of the digit falls. `vmap`
writes that loop over places as if there were one.

    python examples/vit.py                           about a minute on two cores
    python examples/vit.py --quick                   one epoch
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

import treexlite as tx
from treexlite.models import ViT

PATCH = 2


def load_data():
    """Return images with values from 0 to 1 and labels: one fifth of each digit for testing."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    return train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)


def moved(images):
    """Return the images, and four copies of them, each a pixel away: patches look new there."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    return np.concatenate(
        [padded[:, row : row + 8, column : column + 8] for row, column in corners]
    )


def train(x, y, epochs, seed, validation_data=None):
    """Train a new transformer; return the trainer."""
    model = ViT(10, image_size=8, patch_size=PATCH, features=32, num_layers=3, num_heads=4)
    steps = epochs * (len(x) // 64)
    schedule = tx.optimizers.schedules.cosine(2e-3, steps, warmup_steps=steps // 10)
    trainer = tx.Trainer(
        model,
        loss=tx.losses.CrossEntropy(label_smoothing=0.1),
        optimizer=tx.Optimizer("adamw", learning_rate=schedule, weight_decay=0.05, clip_norm=1.0),
        metrics=["accuracy"],
        seed=seed,
    )
    trainer.fit(
        x,
        y,
        batch_size=64,
        epochs=epochs,
        drop_remainder=True,
        validation_data=validation_data,
        validation_batch_size=360,
    )
    return trainer


@tx.jit
def importance(model, images, labels):
    """Return by how much the score of the right digit falls without each patch.

    Shapes:
        images: `(batch, 8, 8, 1)`; labels: `(batch,)`; the result: `(batch, 4, 4)`.
    """

    def score(images):
        logits = jax.nn.log_softmax(model(images))
        return jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]

    def without(row, column):
        hole = jax.lax.dynamic_update_slice(
            jnp.ones((8, 8, 1)), jnp.zeros((PATCH, PATCH, 1)), (row, column, 0)
        )
        return score(images * hole)

    corners = jnp.arange(0, 8, PATCH)
    over_columns = tx.vmap(without, in_axes=(None, 0), out_axes=1)
    holes = tx.vmap(over_columns, in_axes=(0, None), out_axes=1)(corners, corners)
    return score(images)[:, None, None] - holes


def draw(images, maps, file):
    """Draw images above the importance of their patches."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    axes = figure.subplots(2, len(images))
    for (above, below), image, values in zip(axes.T, images, maps, strict=True):
        above.imshow(image[..., 0], cmap="gray_r")
        limit = np.abs(values).max()
        below.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
        above.set(xticks=[], yticks=[])
        below.set(xticks=[], yticks=[])
    figure.suptitle("Red: without this patch, the digit is less clear", fontsize=10)
    figure.savefig(file)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train a vision transformer on digits.")
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--epochs", type=int, help="by default 12, and 1 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/vit"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    x, x_test, y, y_test = load_data()
    epochs = options.epochs or (1 if options.quick else 12)
    trainer = train(moved(x), np.tile(y, 5), epochs, options.seed, (x_test, y_test))
    model = trainer.model.eval()
    flat, flat_test = x.reshape(len(x), -1), x_test.reshape(len(x_test), -1)
    logs = trainer.evaluate(x_test, y_test, batch_size=len(x_test), verbose=0)
    results = {
        "transformer": logs["accuracy"],
        "nearest neighbour": KNeighborsClassifier(1).fit(flat, y).score(flat_test, y_test),
        "logistic regression": LogisticRegression(max_iter=500)
        .fit(flat, y)
        .score(flat_test, y_test),
    }
    for name, accuracy in results.items():
        print(f"{name:20} {accuracy:.2%} of the test images")
    first = [int(np.flatnonzero(y_test == digit)[0]) for digit in (0, 2, 3, 4, 7)]
    maps = np.asarray(importance(model, x_test[first], y_test[first]))
    draw(x_test[first], maps, options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return results, maps


if __name__ == "__main__":
    main()
