"""Learn what digits look like without a label, then name them with few: SimCLR in short.

Two random views of the same image should be near each other, and far from the views of all other
images. `Contrastive.train_step` turns the batch into two views, and leaves the rest to the step of
`Trainer`. A linear classifier on the features, which gets 50 labels, tells what the encoder has
learned; the same on raw pixels, and on the encoder before training, is there to compare.

    python examples/contrastive.py                   about half a minute on two cores
    python examples/contrastive.py --quick           a few seconds, with fewer epochs
    python examples/contrastive.py --epochs 20 --seed 1
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

import treexlite as tx

NUM_LABELLED = 50


class Encoder(tx.Module):
    """Features of images, and a head that the loss looks at, thrown away after training."""

    def __init__(self):
        self.features = tx.nn.MLP([256, 128], activate_final=True)
        self.head = tx.nn.MLP([64, 32])

    def __call__(self, *views):
        return tuple(self.head(self.features(view)) for view in views)


def random_view(key, image):
    """Turn, move and dim an image of 64 pixels, and add noise."""
    keys = jax.random.split(key, 4)
    angle = jax.random.uniform(keys[0], minval=-0.35, maxval=0.35)
    move = jax.random.uniform(keys[1], (2, 1, 1), minval=-1.0, maxval=1.0)
    centred = jnp.indices((8, 8)) - 3.5  # (2, 8, 8)
    turn = jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
    places = jnp.einsum("ij,jhw->ihw", turn, centred) + 3.5 + move
    view = jax.scipy.ndimage.map_coordinates(image.reshape(8, 8), list(places), order=1)
    view *= jax.random.uniform(keys[2], minval=0.7, maxval=1.3)
    return view.ravel() + 0.1 * jax.random.normal(keys[3], image.shape)


class Contrastive(tx.Trainer):
    """Trains an `Encoder` on two random views of each image."""

    def train_step(self, state, batch):
        keys = jax.random.split(state.next_key(), (2, len(batch.x)))
        view_a, view_b = (jax.vmap(random_view)(keys[i], batch.x) for i in range(2))
        return super().train_step(state, batch._replace(x=(view_a, view_b)))

    def predict_step(self, state, batch):
        return state.model.features(batch.x)


def load_data():
    """Return images with values from 0 to 1, and labels, for training and for testing."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    return train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)


def probe(features, labels, test_features, test_labels, num, seed):
    """Return the accuracy of a linear classifier that learns from few examples."""
    few, _, few_labels, _ = train_test_split(
        features, labels, train_size=num, stratify=labels, random_state=seed
    )
    scale = few.std() + 1e-6
    classifier = LogisticRegression(max_iter=1000).fit(few / scale, few_labels)
    return classifier.score(test_features / scale, test_labels)


def draw(image, results, path):
    """Write a picture of what the encoder was trained on, and of what it is worth."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.5))
    keys = jax.random.split(jax.random.key(0), 8)
    views = [image, *jax.vmap(random_view, in_axes=(0, None))(keys, image)]
    for i, (axes, view) in enumerate(zip(left.subplots(3, 3).flat, views, strict=True)):
        axes.imshow(np.reshape(view, (8, 8)), cmap="gray_r", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.set_title("image" if i == 0 else "view", size=7, pad=2)
    axes = right.subplots()
    for name, (nums, means) in results.items():
        axes.plot(nums, means, "o-", label=name)
    axes.set(xscale="log", xlabel="labels", ylabel="test accuracy")
    axes.set_xticks(nums, [str(num) for num in nums])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Learn features of digits without labels.")
    parser.add_argument("--quick", action="store_true", help="15 epochs")
    parser.add_argument("--epochs", type=int, help="by default 30, and 15 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/contrastive"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    x_train, x_test, y_train, y_test = load_data()
    model = Encoder().init(options.seed, x_train[:1])
    trainer = Contrastive(
        model,
        loss=tx.losses.NTXent(temperature=0.2),
        optimizer=tx.Optimizer("adam", learning_rate=2e-3),
        seed=options.seed,
    )

    def features(x):
        return trainer.predict(x, batch_size=len(x), verbose=0)

    train, test = {"pixels": x_train}, {"pixels": x_test}
    train["untrained"], test["untrained"] = features(x_train), features(x_test)
    epochs = options.epochs or (15 if options.quick else 30)
    trainer.fit(x_train, batch_size=128, epochs=epochs, drop_remainder=True)
    train["trained"], test["trained"] = features(x_train), features(x_test)

    results = {}
    nums, draws = ([10, 50], 1) if options.quick else ([10, 20, 50, 100], 5)
    for name in train:
        data = train[name], y_train, test[name], y_test
        results[name] = nums, [np.mean([probe(*data, n, i) for i in range(draws)]) for n in nums]
    accuracy = {name: means[nums.index(NUM_LABELLED)] for name, (_, means) in results.items()}
    print(f"\nfeatures    test accuracy of a linear classifier, from {NUM_LABELLED} labels")
    for name, value in accuracy.items():
        print(f"{name:10}  {value:6.1%}")
    trainer.history.plot(options.out / "curves.png")
    draw(x_test[0], results, options.out / "picture.png")
    print(f"saved curves.png and picture.png in {options.out}")
    return accuracy


if __name__ == "__main__":
    main()
