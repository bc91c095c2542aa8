"""Train a small residual network on a few clothes, and let it find others that look alike.

`treexlite.models.ResNet` is the known architecture; `small_images=True` gives it the stem for
pictures of this size, and it is narrow enough for a CPU. In training, `Flip` mirrors every second
picture: a layer of your own with random numbers needs nothing but a field of the kind `tx.Rng`.
What the last layer reads is a description of the picture; the nearest descriptions among the
training images are drawn beside four images that the network has not seen.

The data are 8,000 of the 60,000 pictures of Fashion-MNIST (Debian's package
`dataset-fashion-mnist`); without them, digits are taken, and you are told.

    python examples/resnet.py                        about a minute on two cores
    python examples/resnet.py --quick                fewer pictures, two epochs
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from fashion_mnist import load_data
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import treexlite as tx
from treexlite.models import ResNet


class Flip(tx.Module):
    """Mirrors about half of the images in training mode, and none otherwise."""

    key: jax.Array = tx.Rng.node()

    def __init__(self):
        self.key = tx.Initializer(lambda key: key)

    def __call__(self, x):
        if not self.training:
            return x
        self.key, key = jax.random.split(self.key)
        chosen = jax.random.bernoulli(key, shape=(len(x), 1, 1, 1))
        return jnp.where(chosen, x[:, :, ::-1], x)


class Network(tx.Module):
    """Bytes to numbers, mirrored or not, and a residual network of three blocks."""

    def __init__(self):
        self.flip = Flip()
        self.resnet = ResNet((1, 1, 1), num_classes=10, width=8, small_images=True)

    def prepare(self, x):
        return self.flip(x[..., None].astype(jnp.float32) / 255)  # (batch, 28, 28, 1)

    def __call__(self, x):
        return self.resnet(self.prepare(x))  # (batch, 10)

    def describe(self, x):
        return self.resnet.features(self.prepare(x))  # (batch, 32)


def load_images(num_train, num_test):
    """Return images (bytes) and labels, for training and for testing."""
    try:
        train, test = load_data()
    except OSError as error:
        print(f"NO FASHION-MNIST, so these are scikit-learn's digits: {error}")
        print("On Debian and Ubuntu, install it: sudo apt install dataset-fashion-mnist\n")
        digits = load_digits()
        images = np.kron(digits.images * 15, np.ones((3, 3))).astype(np.uint8)  # 24 x 24
        images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
        labels = digits.target.astype(np.int32)
        train, test = (images[:-500], labels[:-500]), (images[-500:], labels[-500:])
    return tuple(part[:num_train] for part in train), tuple(part[:num_test] for part in test)


def train(data, test, epochs, seed, batch_size=32):
    """Train a new network; return the trainer."""
    steps = epochs * (len(data[0]) // batch_size)
    rate = tx.optimizers.schedules.one_cycle(5e-3, steps)
    trainer = tx.Trainer(
        Network(),
        loss="crossentropy",
        optimizer=tx.Optimizer("adamw", learning_rate=rate, weight_decay=1e-3),
        metrics=["accuracy"],
        seed=seed,
    )
    trainer.fit(
        *data, batch_size, epochs,
        validation_data=test, validation_batch_size=500, drop_remainder=True,
    )  # fmt: skip
    return trainer


def alike(model, images, others, count=6):
    """Return the indices of the `others` whose descriptions are nearest, `(images, count)`."""
    describe = tx.jit(model.eval().describe)
    descriptions = [np.asarray(describe(part)) for part in np.array_split(others, 8)]
    distances = np.linalg.norm(
        np.concatenate(descriptions) - np.asarray(describe(images))[:, None], axis=-1
    )
    return distances.argsort(axis=1)[:, :count]


def draw(images, neighbours, file):
    """Draw each image, and right of it what looks alike."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    rows = np.concatenate([images[:, None], neighbours], axis=1)
    for line, row in zip(figure.subplots(*rows.shape[:2]), rows, strict=True):
        for column, (axes, image) in enumerate(zip(line, row, strict=True)):
            axes.imshow(image, cmap="gray_r" if column else "Blues")
            axes.set_axis_off()
    figure.suptitle("Unseen (blue), and the training images most alike", fontsize=10)
    figure.savefig(file)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="A residual network on Fashion-MNIST.")
    parser.add_argument("--quick", action="store_true", help="little data, two epochs")
    parser.add_argument("--epochs", type=int, help="by default 6, and 2 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/resnet"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    data, test = load_images(*((1600, 500) if options.quick else (8000, 2000)))
    trainer = train(data, test, options.epochs or (2 if options.quick else 6), options.seed)
    nearest = KNeighborsClassifier(5).fit(data[0].reshape(len(data[0]), -1), data[1])
    results = {
        "network": trainer.evaluate(*test, batch_size=500, verbose=0)["accuracy"],
        "nearest pixels": nearest.score(test[0].reshape(len(test[0]), -1), test[1]),
    }
    for name, accuracy in results.items():
        print(f"{name:16}{accuracy:.2%} of {len(test[0])} unseen images")
    chosen = [int(np.flatnonzero(test[1] == kind)[0]) for kind in (5, 3, 8, 9)]
    found = alike(trainer.model, test[0][chosen], data[0])
    draw(test[0][chosen], data[0][found], options.out / "picture.png")
    results["alike"] = np.mean(data[1][found] == test[1][chosen][:, None])
    print(f"{'alike':16}{results['alike']:.2%} of the {found.size} found are of the same kind")
    print(f"saved picture.png in {options.out}")
    return results


if __name__ == "__main__":
    main()
