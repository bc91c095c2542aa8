"""Put handwritten digits on a map of two dimensions, and draw what lies at each of its places.

A variational autoencoder turns an image into a place on the map, with an uncertainty, and a place
back into an image. Its loss has two parts: how well images come back, and how far the places are
from a normal distribution. The first is the trainer's `loss`; the second is made inside the model,
which writes it to a field of the kind `tx.LossLog`. Whatever a model writes there is added to the
loss, so `fit` needs no step of your own.

Principal components, the best linear map, stand beside it.

    python examples/vae.py                           about half a minute on two cores
    python examples/vae.py --quick                   a few epochs
    python examples/vae.py --beta 4 --out runs/vae4  a stronger pull to the normal distribution
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

import treexlite as tx


class VAE(tx.Module):
    """Images to places and back; `treexlite.models.VAE` is the same for any size."""

    divergence: jax.Array = tx.LossLog.node()
    key: jax.Array = tx.Rng.node()

    def __init__(self, beta):
        self.beta = beta
        self.encoder = tx.nn.MLP([256, 128, 4])
        self.decoder = tx.nn.MLP([128, 256, 64])
        self.divergence = jnp.zeros(())
        self.key = tx.Initializer(lambda key: key)

    def encode(self, x):
        return jnp.split(self.encoder(x), 2, axis=-1)  # (batch, 2) each

    def __call__(self, x):
        place, log_var = self.encode(x)
        kl = tx.losses.gaussian_kl(place, log_var)  # (batch,)
        self.divergence = self.beta * kl.mean() / 64  # the trainer's loss is a mean of 64 pixels
        if self.training:
            self.key, key = jax.random.split(self.key)
            place += jnp.exp(log_var / 2) * jax.random.normal(key, place.shape)
        return self.decoder(place)  # logits, (batch, 64)


def load_data():
    """Return images with values from 0 to 1 and labels: one fifth of each digit for testing."""
    images, labels = load_digits(return_X_y=True)
    return train_test_split(
        (images / 16).astype(np.float32), labels, test_size=0.2, stratify=labels, random_state=0
    )


def train(images, beta, epochs, seed, verbose=0):
    """Train a new VAE; return the trainer."""
    steps = epochs * (len(images) // 64)
    schedule = tx.optimizers.schedules.cosine(2e-3, max(steps, 1))
    optimizer = tx.Optimizer("adam", learning_rate=schedule)
    trainer = tx.Trainer(VAE(beta), loss="binary_crossentropy", optimizer=optimizer, seed=seed)
    trainer.fit(images, images, batch_size=64, epochs=epochs, drop_remainder=True, verbose=verbose)
    return trainer


def judge(train_places, test_places, labels, drawn, images):
    """Return how well images come back, and how well their places tell which digit they show."""
    nearest = KNeighborsClassifier(5).fit(train_places, labels[0])
    return {
        "error": np.sqrt(np.square(drawn - images).mean()),
        "accuracy": nearest.score(test_places, labels[1]),
    }


def draw(model, places, labels, file, size=9):
    """Draw where the test images lie, and what the decoder makes of evenly spaced places."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    for digit in range(10):
        left.plot(*places[labels == digit].T, ".", markersize=3, color=f"C{digit}")
        middle = np.median(places[labels == digit], axis=0)
        left.text(*middle, digit, fontsize=13, weight="bold", ha="center", va="center")
    left.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    left.set_title("where unseen digits lie", fontsize=10)
    line = np.linspace(-2, 2, size, dtype=np.float32)
    grid = np.stack(np.meshgrid(line, line[::-1]), axis=-1)  # (size, size, 2), the top row first
    images = np.asarray(jax.nn.sigmoid(model.decoder(grid))).reshape(size, size, 8, 8)
    right.imshow(
        images.transpose(0, 2, 1, 3).reshape(8 * size, -1), cmap="gray_r", interpolation="nearest"
    )
    right.set_title("drawn from -2 to 2", fontsize=10)
    for axes in (left, right):
        axes.set(xticks=[], yticks=[])
    figure.savefig(file)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="A variational autoencoder of digits.")
    parser.add_argument("--quick", action="store_true", help="few epochs")
    parser.add_argument("--epochs", type=int, help="by default 300, and 20 with --quick")
    parser.add_argument("--beta", type=float, default=1.0, help="weight of the divergence")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/vae"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    x, x_test, *labels = load_data()
    epochs = options.epochs or (20 if options.quick else 300)
    trainer = train(x, options.beta, epochs, options.seed)
    model = trainer.model.eval()
    (places, _), (test_places, _) = model.encode(x), model.encode(x_test)
    drawn = jax.nn.sigmoid(trainer.predict(x_test, verbose=0))
    pca = PCA(2).fit(x)
    linear = pca.transform(x), pca.transform(x_test)
    results = {
        "autoencoder": judge(places, test_places, labels, drawn, x_test),
        "principal components": judge(*linear, labels, pca.inverse_transform(linear[1]), x_test),
        "the mean image": judge(0 * linear[0], 0 * linear[1], labels, x.mean(0), x_test),
    }
    print("\non test images         error of a pixel   right digit, from its neighbours")
    for name, row in results.items():
        print(f"{name:22}{row['error']:17.3f}{row['accuracy']:20.1%}")
    logs = trainer.evaluate(x_test, x_test, batch_size=len(x_test), verbose=0)
    print("trainer.evaluate: " + ", ".join(f"{name} {value:.4f}" for name, value in logs.items()))
    draw(model, np.asarray(test_places), labels[1], options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return results, logs


if __name__ == "__main__":
    main()
