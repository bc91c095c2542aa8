"""Search learning rate and weight decay: all trainings of the grid are one compiled program.

`train` makes a model and an optimizer and trains by `tx.scan`, for one choice of the two numbers
and one key. `tx.vmap` runs it for all choices at once; there is no loop, no process, and no second
compilation. The choice with the best validation is then measured on data that played no part in it.

    python examples/hyperparameter_search.py         about 20 seconds on two cores
    python examples/hyperparameter_search.py --epochs 20 --seed 1
"""

import argparse
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import treexlite as tx

BATCH_SIZE = 40
DEFAULTS = (1e-3, 1e-4)  # the rate that most people begin with, and the decay of `optax.adamw`


def load_data():
    """Return images and labels, pairs of arrays: 400 to train, 400 to choose, 997 to test."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    x, x_test, y, y_test = train_test_split(
        images, labels, train_size=800, stratify=labels, random_state=0
    )
    x, x_val, y, y_val = train_test_split(x, y, train_size=400, stratify=y, random_state=0)
    return (x, y), (x_val, y_val), (x_test, y_test)


def accuracy(model, x, y):
    return jnp.mean(model(x).argmax(axis=-1) == y)


def train(rate, decay, key, data, epochs):
    """Train a new model; return it."""
    x, y = data
    init_key, order_key = jax.random.split(key)
    model = tx.nn.MLP([64, 10]).init(init_key, x[:1])
    optimizer = tx.Optimizer(optax.adamw(rate, weight_decay=decay)).init(model)

    def step(carry, rows):
        model, optimizer = carry

        def loss_fn(model):
            return tx.losses.cross_entropy(y[rows], model(x[rows])).mean()

        optimizer.update(tx.grad(loss_fn)(model), model)
        return carry, None

    orders = jax.vmap(jax.random.permutation, in_axes=(0, None))(
        jax.random.split(order_key, epochs), len(x)
    )
    tx.scan(step, (model, optimizer), orders.reshape(-1, BATCH_SIZE))
    return model


@tx.jit(static_argnames="epochs")
def search(rates, decays, keys, data, validation, epochs):
    """Train for each rate, decay and key; return all models as one, and how good each is."""

    def lane(rate, decay, key):
        model = train(rate, decay, key, data, epochs)
        return model, accuracy(model, *validation)

    return tx.vmap(lane)(rates, decays, keys)


def plot(scores, rates, decays, path):
    """Draw the accuracy for each choice, (rates, decays), as a map."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="tight")
    axes = figure.subplots()
    image = axes.pcolormesh(rates, decays, scores.T, vmin=np.quantile(scores, 0.3))
    rate, decay = np.unravel_index(scores.argmax(), scores.shape)
    axes.plot(rates[rate], decays[decay], "r*", markersize=14, label="best")
    axes.plot(*DEFAULTS, "wo", label="default")
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="weight decay")
    axes.legend(loc="lower left", fontsize=8)
    figure.colorbar(image, label="validation accuracy")
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Search hyperparameters, all at once.")
    parser.add_argument("--epochs", type=int, help="by default 60, and 10 with --quick")
    parser.add_argument(
        "--repeats", type=int, help="of each choice; by default 3, and 1 with --quick"
    )
    parser.add_argument("--quick", action="store_true", help="a coarse grid, 10 epochs, no repeats")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/hyperparameter_search"), help="a folder"
    )
    options = parser.parse_args(arguments)
    epochs = options.epochs or (10 if options.quick else 60)
    repeats = options.repeats or (1 if options.quick else 3)
    options.out.mkdir(parents=True, exist_ok=True)

    data, validation, test = load_data()
    rates = np.logspace(-4, -1, 4 if options.quick else 10).astype(np.float32)
    decays = np.logspace(-4, 1, 3 if options.quick else 6).astype(np.float32)
    grid = np.meshgrid(rates, decays, range(repeats), indexing="ij")
    lanes = [axis.reshape(-1) for axis in grid[:2]]
    keys = jax.random.split(jax.random.key(options.seed), grid[0].size)

    start = time.perf_counter()
    models, found = search(*lanes, keys, data, validation, epochs=epochs)
    found = np.asarray(found)
    print(f"{found.size} trainings in {time.perf_counter() - start:.0f} s, compilation included\n")

    scores = found.reshape(grid[0].shape).mean(axis=-1)  # (rates, decays)
    rate, decay = np.unravel_index(scores.argmax(), scores.shape)
    tested = tx.jit(tx.vmap(accuracy, in_axes=(0, None, None)))(models, *test)
    results = {}
    for name, choice in {"best": (rates[rate], decays[decay]), "default": DEFAULTS}.items():
        chosen = np.isclose(np.stack(lanes, axis=1), choice).all(axis=1)
        label = f"{name}: rate {choice[0]:.4f}, decay {choice[1]:.4f}"
        results[label] = float(found[chosen].mean()), float(tested[chosen].mean())
    baseline = LogisticRegression(max_iter=1000).fit(*data)
    results["logistic regression"] = baseline.score(*validation), baseline.score(*test)
    print(f"{'':38}  validation    test")
    for name, (validated, value) in results.items():
        print(f"{name:38}  {validated:10.1%}  {value:6.1%}")
    plot(scores, rates, decays, options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return scores, results


if __name__ == "__main__":
    main()
