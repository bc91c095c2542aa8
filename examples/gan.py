"""Two networks against each other: one draws digits, the other tells drawings from real ones.

A generative adversarial network needs a step of its own: two losses, each minimised by one half of
the model, in turns. `Adversarial.train_step` is that step. It is written as if it ran line by line,
and `fit` compiles it. Each half has its own optimizer: `optimizer=` takes one for each part of the
model, and the gradients of one part (`wrt=`) move that part only.

    python examples/gan.py                           about half a minute on two cores
    python examples/gan.py --epochs 40 --seed 1 --out runs/short
    python examples/gan.py --quick                   20 epochs
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import treexlite as tx

NOISE = 16  # how many random numbers one drawing is made of


class GAN(tx.Module):
    """A generator from noise to images, and a discriminator from images to scores."""

    def __init__(self):
        self.generator = tx.nn.Sequential(
            tx.nn.Linear(128), tx.nn.BatchNorm(momentum=0.9), jax.nn.relu,
            tx.nn.Linear(128), tx.nn.BatchNorm(momentum=0.9), jax.nn.relu,
            tx.nn.Linear(64), jax.nn.sigmoid,
        )  # fmt: skip
        self.discriminator = tx.nn.Sequential(
            tx.nn.Linear(128), jax.nn.leaky_relu, tx.nn.Dropout(0.3),
            tx.nn.Linear(128), jax.nn.leaky_relu, tx.nn.Dropout(0.3),
            tx.nn.Linear(1),
        )  # fmt: skip

    def __call__(self, noise):
        images = self.generator(noise)
        return images, self.discriminator(images)


class Adversarial(tx.Trainer):
    """Trains a `GAN` on images alone."""

    def train_step(self, state, batch):
        real = batch.x
        noise = jax.random.normal(state.next_key(), (2, len(real), NOISE))

        def judge(model):  # what the discriminator minimises
            fake = model.generator(noise[0])
            return tx.losses.gan_discriminator_loss(
                model.discriminator(real), model.discriminator(fake), label_smoothing=0.1
            )

        def deceive(model):  # what the generator minimises
            _, scores = model(noise[1])
            return tx.losses.gan_generator_loss(scores)

        logs = {}
        for part, loss_fn in {"discriminator": judge, "generator": deceive}.items():
            loss, grads = tx.value_and_grad(loss_fn, wrt=f"{part}/**")(state.model)
            state.optimizer.update(grads, state.model)
            logs[part] = loss
        return logs

    def predict_step(self, state, batch):
        return state.model.generator(batch.x)


def load_data():
    """Return 1797 images of 64 pixels with values from 0 to 1, and which digits they are."""
    images, labels = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), labels


def train(images, epochs, seed, verbose=1):
    """Train a new GAN; return the trainer."""
    model = GAN().init(seed, jax.ShapeDtypeStruct((1, NOISE), jnp.float32))
    optimizer = {
        "generator/**": tx.Optimizer("adam", learning_rate=1e-3, b1=0.5),
        "discriminator/**": tx.Optimizer("adam", learning_rate=5e-4, b1=0.5),
    }
    trainer = Adversarial(model, optimizer=optimizer, seed=seed)
    trainer.fit(images, batch_size=64, epochs=epochs, verbose=verbose, drop_remainder=True)
    return trainer


def draw(trainer, count, seed):
    """Return new images, (count, 64)."""
    noise = np.random.default_rng(seed).normal(size=(count, NOISE)).astype(np.float32)
    return trainer.predict(noise, batch_size=count, verbose=0)


def compare(images, labels, drawn):
    """Return numbers that are near each other if the drawings are like the images."""
    digits = KNeighborsClassifier(1).fit(images, labels)
    shares = np.bincount(digits.predict(drawn), minlength=10) / len(drawn)
    distance, _ = digits.kneighbors(drawn)
    return {
        "brightness": drawn.mean(),
        "contrast (deviation of a pixel)": drawn.std(axis=0).mean(),
        "error of the mean image": abs(drawn.mean(axis=0) - images.mean(axis=0)).mean(),
        "distance to the nearest image": distance.mean(),
        "share of the rarest digit": shares.min(),
    }


def plot(images, drawn, path):
    """Show thirty of the images, and thirty drawings below."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="tight")
    parts = {"scanned": images, "drawn": drawn}
    for axes, (name, part) in zip(figure.subplots(2), parts.items(), strict=True):
        rows = np.pad(part[:30].reshape(3, 10, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))
        axes.imshow(rows.swapaxes(1, 2).reshape(30, 100), cmap="gray_r")
        axes.set(xticks=[], yticks=[], ylabel=name)
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Learn to draw digits, from scikit-learn's.")
    parser.add_argument("--epochs", type=int, help="by default 200, and 20 with --quick")
    parser.add_argument("--quick", action="store_true", help="20 epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/gan"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    images, labels = load_data()
    trainer = train(images, options.epochs or (20 if options.quick else 200), options.seed)
    drawn = draw(trainer, 1000, options.seed)
    plot(images, drawn, options.out / "picture.png")
    np.save(options.out / "drawn.npy", drawn)

    real, ours = (compare(images[::2], labels[::2], new) for new in (images[1::2], drawn))
    print(f"{'':32}  images  drawings")
    for name, value in ours.items():
        print(f"{name:32}  {real[name]:6.3f}  {value:8.3f}")
    print(f"saved picture.png and drawn.npy in {options.out}")
    return real, ours


if __name__ == "__main__":
    main()
