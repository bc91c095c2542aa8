"""Train sixteen networks as one, and see where they know and where they only guess.

`tx.vmap` over `init` makes the members: one module whose arrays have an axis of members in front.
Each has its own weights and its own keys, so each starts elsewhere and drops other units. The
trainer sees one model, and compiles one program. Where there is data the members agree; where there
is none they part, and their spread is a warning that no single network gives.

    python examples/ensemble.py                      about a quarter of a minute on two cores
    python examples/ensemble.py --members 4 --epochs 100 --seed 1
"""

import argparse
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel

import treexlite as tx

GAP = (-1.0, 1.0)  # where there is no data


class Ensemble(tx.Module):
    """Networks that predict normal distributions: means and logs of variances, (batch, members)."""

    def __init__(self, count, seed):
        def make(key):
            wide = jax.nn.initializers.normal(1.5)  # puts the kinks of relu at many places
            member = tx.nn.MLP([64, 64, 2], bias_init=wide, dropout_rate=0.02)
            return member.init(key, jnp.zeros((1, 1)))

        self.members = tx.jit(tx.vmap(make))(jax.random.split(jax.random.key(seed), count))

    def __call__(self, x):
        run = tx.vmap(lambda member, x: member(x), in_axes=(0, None), out_axes=1)
        preds = run(self.members, x)  # (batch, members, 2)
        return {"mean": preds[..., 0], "variance": preds[..., 1]}


def surprise(target, preds):
    """Return -log p(target) by each member, (batch, members)."""
    of_member = partial(tx.losses.gaussian_nll, target, log_variance=True, full=True)
    return jax.vmap(of_member, in_axes=1, out_axes=1)(preds)


class EnsembleTrainer(tx.Trainer):
    """Adds up the losses of the members, so that the gradient of each is that of its own loss."""

    def loss_fn(self, model, batch):
        return surprise(batch.y, model(batch.x)).mean(axis=0).sum()


def curve(x):
    """Return the mean and the deviation that the data are drawn from."""
    return np.sin(2 * x) + 0.3 * x, 0.05 + 0.05 * (x + 3)


def draw(x, rng):
    """Return places as a model takes them, (count, 1), and a value drawn at each."""
    y = rng.normal(*curve(x))
    return x[:, None].astype(np.float32), y.astype(np.float32)


def places(count, rng):
    """Return places from -3 to 3, none of them in the gap."""
    left, right = GAP
    x = rng.uniform(-3, 3 - (right - left), count)
    return np.where(x < left, x, x + right - left)


def mixture(preds):
    """Return mean and deviation of all members taken together."""
    mean, variance = preds["mean"], np.exp(preds["variance"])
    return mean.mean(axis=1), np.sqrt(variance.mean(axis=1) + mean.var(axis=1))


def judge(trainer, baseline, x, y):
    """Return root mean squared error and mean surprise of each way to predict `y` at `x`."""

    def score(mean, deviation):
        return np.sqrt(np.mean((y - mean) ** 2)), -norm(mean, deviation).logpdf(y).mean()

    preds = trainer.predict(x, batch_size=len(x), verbose=0)
    single, errors = surprise(y, preds), y[:, None] - preds["mean"]
    together = -jax.nn.logsumexp(-single, axis=1) + np.log(single.shape[1])
    return {
        "a member, on average": (np.sqrt((errors**2).mean(axis=0)).mean(), float(single.mean())),
        "the ensemble": (np.sqrt(np.mean(errors.mean(axis=1) ** 2)), float(together.mean())),
        "a Gaussian process": score(*baseline.predict(x, return_std=True)),
        "what the data are drawn from": score(*curve(x[:, 0])),
    }


def plot(trainer, x, y, path):
    grid = np.linspace(-4.5, 4.5, 300, dtype=np.float32)[:, None]
    preds = trainer.predict(grid, batch_size=len(grid), verbose=0)
    mean, deviation = mixture(preds)
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="tight")
    axes = figure.subplots()
    axes.fill_between(grid[:, 0], mean - 2 * deviation, mean + 2 * deviation, color="C0", alpha=0.2)
    axes.plot(grid, preds["mean"], color="C0", linewidth=0.5, alpha=0.5)
    axes.plot(grid, mean, color="C0", linewidth=2, label="ensemble")
    axes.plot(grid, curve(grid)[0], "k--", linewidth=1, label="truth")
    axes.plot(x, y, "C1.", markersize=3, label="data")
    axes.set(xlim=(-4.5, 4.5), ylim=(-3, 3))
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train an ensemble of networks at once.")
    parser.add_argument("--members", type=int, help="by default 16, and 4 with --quick")
    parser.add_argument("--epochs", type=int, help="by default 300, and 100 with --quick")
    parser.add_argument("--quick", action="store_true", help="4 members, 100 epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/ensemble"), help="a folder")
    options = parser.parse_args(arguments)
    members = options.members or (4 if options.quick else 16)
    epochs = options.epochs or (100 if options.quick else 300)
    options.out.mkdir(parents=True, exist_ok=True)

    rng = np.random.default_rng(options.seed)  # one for all, so that no two draws are alike
    x, y = draw(places(200, rng), rng)
    model = Ensemble(members, options.seed)
    optimizer = tx.Optimizer("adam", learning_rate=3e-3)
    trainer = EnsembleTrainer(model, optimizer=optimizer, seed=options.seed)
    trainer.fit(x, y, batch_size=50, epochs=epochs, verbose=0)
    baseline = GaussianProcessRegressor(RBF() + WhiteKernel()).fit(x, y)

    tests = {"where data is": places(1000, rng), "in the gap": np.linspace(*GAP, 1000)}
    scores = {name: judge(trainer, baseline, *draw(where, rng)) for name, where in tests.items()}
    print(f"{'':30}" + "".join(f"{name:>20}" for name in scores))
    print(f"{'':30}" + f"{'error':>10}{'surprise':>10}" * 2)
    for name in scores["in the gap"]:
        print(f"{name:30}" + "".join("{:10.3f}{:10.3f}".format(*s[name]) for s in scores.values()))
    plot(trainer, x, y, options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return scores


if __name__ == "__main__":
    main()
