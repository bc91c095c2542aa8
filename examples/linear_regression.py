"""Fit a straight line in ten dimensions by gradient descent, and check it against exact solvers.

How far diabetes goes within a year, from ten numbers about a patient: scikit-learn's 442 cases. The
model is one layer, `tx.nn.Linear(1)`. Its coefficients have exact values, by linear algebra or a
linear program, so this is the place to see that training finds what is to be found: least squares
with `loss="mse"`, ridge regression when a regularizer is added, median regression with
`loss="mae"`. (That last one is nearly flat where it is least, so its coefficients are less exact
than its loss.)

    python examples/linear_regression.py             about ten seconds
    python examples/linear_regression.py --quick     fewer steps, so less exact
"""

import argparse
from pathlib import Path

import numpy as np
import optax
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, QuantileRegressor, Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import treexlite as tx

ALPHA = 30.0  # how strongly ridge regression pulls coefficients to 0, as scikit-learn counts it


def load_data(seed):
    """Return inputs and targets for training and testing, and what the columns are.

    Columns are scaled to mean 0 and deviation 1: gradient descent is fast where no direction is
    much steeper than another.
    """
    data = load_diabetes(scaled=False)
    parts = train_test_split(data.data, data.target, test_size=0.25, random_state=seed)
    x_train, x_test, y_train, y_test = (part.astype(np.float32) for part in parts)
    scaler = StandardScaler().fit(x_train)
    train = scaler.transform(x_train), y_train
    return train, (scaler.transform(x_test), y_test), data.feature_names


def ridge(num_examples):
    """Return the penalty of ridge regression: it adds to a mean, scikit-learn's to a sum."""
    return tx.regularizers.L2(ALPHA / num_examples)  # on kernels, not on biases


def fit(x, y, loss, optimizer, epochs, seed, regularizers=None):
    """Train on all examples at once; return the model and its coefficients after each step."""
    model = tx.nn.Linear(1, kernel_init="zeros")
    trainer = tx.Trainer(model, loss, optimizer, regularizers=regularizers, seed=seed)
    path = []

    def remember(epoch, logs):
        path.append(np.array(trainer.model.kernel[:, 0]))

    callback = tx.callbacks.LambdaCallback(on_epoch_end=remember)
    trainer.fit(x, y, batch_size=len(x), epochs=epochs, verbose=0, callbacks=[callback])
    return model, np.array(path)


def draw(path, exact, names, file):
    """Draw coefficients on their way, and where they should end."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    steps = np.arange(1, len(path) + 1)
    order, room = np.argsort(exact), 4 * np.arange(len(exact))
    heights = np.maximum.accumulate(exact[order] - room) + room  # names apart from each other
    for index, height in zip(order, heights, strict=True):
        (line,) = axes.plot(steps, path[:, index], linewidth=1.5)
        axes.plot(steps[-1] * 1.15, exact[index], "o", color=line.get_color(), markersize=5)
        axes.text(
            steps[-1] * 1.35, height, names[index],
            color=line.get_color(), fontsize=8, va="center",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(1, steps[-1] * 2)
    axes.set_xlabel("step; dots: exact least squares", fontsize=9)
    axes.set_title("Ten coefficients find their place", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Linear regression, trained and solved.")
    parser.add_argument("--quick", action="store_true", help="few steps")
    parser.add_argument("--epochs", type=int, help="steps: each has all examples; by default 2000")
    parser.add_argument("--seed", type=int, default=0, help="decides who is in the test set")
    parser.add_argument("--out", type=Path, default=Path("runs/linear_regression"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    epochs = options.epochs or (300 if options.quick else 2000)

    (x, y), (x_test, y_test), names = load_data(options.seed)
    sgd = optax.sgd(0.1, momentum=0.9)
    adam = optax.adam(tx.optimizers.schedules.cosine(10.0, epochs))
    cases = {
        "least squares": (LinearRegression(), "mse", sgd, None),
        "ridge": (Ridge(ALPHA), "mse", sgd, ridge(len(x))),
        "median": (QuantileRegressor(alpha=0), "mae", adam, None),
    }
    results, paths = {}, {}
    for name, (exact, loss, optimizer, regularizers) in cases.items():
        exact.fit(x, y)
        model, paths[name] = fit(x, y, loss, optimizer, epochs, options.seed, regularizers)
        preds = np.asarray(model(x_test))[:, 0]
        results[name] = {
            "distance": np.abs(paths[name][-1] - exact.coef_).max(),
            "largest": np.abs(exact.coef_).max(),
            "r2": r2_score(y_test, preds),
            "mae": mean_absolute_error(y_test, preds),
        }

    print("                trained, on unseen patients   coefficients: largest, and")
    print("                R2     mean absolute error   greatest distance from exact")
    for name, row in results.items():
        print(
            f"{name:14}  {row['r2']:.3f}  {row['mae']:19.2f}   "
            f"{row['largest']:8.2f}  {row['distance']:.5f}"
        )
    always = np.full_like(y_test, np.median(y))
    error = mean_absolute_error(y_test, always)
    print(f"one number      {r2_score(y_test, always):.3f} {error:19.2f}   (the median, for all)")
    draw(
        paths["least squares"], cases["least squares"][0].coef_, names, options.out / "picture.png"
    )
    print(f"saved picture.png in {options.out}")
    return results


if __name__ == "__main__":
    main()
