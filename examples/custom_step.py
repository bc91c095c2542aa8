"""Train on labels of which almost half are wrong: three kinds of step, each a few lines.

`train_step` is an ordinary method, so an idea from a paper is a subclass. `Mixup` changes the batch
and leaves the rest to the default step. `SharpnessAware` takes two gradients: one to find the place
nearby where the loss is worst, and one there, by which the model moves from here. A network can
learn wrong labels by heart, and then it has got worse; both ideas hold it back. What is reached is
the last accuracy; the best one is found on the test images themselves, and shows what was lost.

    python examples/custom_step.py                   about half a minute on two cores
    python examples/custom_step.py --epochs 20 --seed 1
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

WRONG = 0.4  # the fraction of labels that are replaced
RADIUS = 0.5  # how far away the worst place is looked for


class Mixup(tx.Trainer):
    """Mixes pairs of examples, and their labels: Zhang et al., 2018."""

    def train_step(self, state, batch):
        share_key, order_key = jax.random.split(state.next_key())
        share = jax.random.uniform(share_key)
        order = jax.random.permutation(order_key, len(batch.x))

        def mix(array):
            return share * array + (1 - share) * array[order]

        return super().train_step(state, batch._replace(x=mix(batch.x), y=mix(batch.y)))


class SharpnessAware(tx.Trainer):
    """Goes down the gradient of the worst place nearby: SAM of Foret et al., 2021."""

    def train_step(self, state, batch):
        def loss_fn(model):
            return self.loss_fn(model, batch)[0]

        loss, grads = tx.value_and_grad(loss_fn)(state.model)
        length = RADIUS / jnp.sqrt(sum(jnp.sum(grad**2) for grad in jax.tree.leaves(grads)))
        here = state.model.filter(tx.Parameter)
        there = jax.tree.map(lambda weight, grad: weight + length * grad, here, grads)
        grads = tx.grad(loss_fn)(state.model.merge(there))  # a copy: the model itself stays
        state.optimizer.update(grads, state.model)
        return {"loss": loss}


def load_data(count, seed):
    """Return images and one-hot labels: to train, of these the wrong ones, and to test."""
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        (images / 16).astype(np.float32), labels, test_size=0.3, stratify=labels, random_state=0
    )
    x, y = x[:count], y[:count]
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < WRONG
    y = np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)
    one_hot = np.eye(10, dtype=np.float32)
    return (x, one_hot[y]), (x[wrong], one_hot[y[wrong]]), (x_test, one_hot[y_test])


def train(kind, data, test, epochs, seed):
    """Train a new network by one kind of trainer; return the trainer."""
    trainer = kind(
        tx.nn.MLP([128, 128, 10]),
        loss="crossentropy",
        optimizer=tx.Optimizer("adam", learning_rate=2e-3),
        metrics=["accuracy"],
        seed=seed,
    )
    trainer.fit(
        *data,
        batch_size=64,
        epochs=epochs,
        validation_data=test,
        validation_batch_size=len(test[0]),
        drop_remainder=True,  # with all batches of one size, less is compiled
        verbose=0,
    )
    return trainer


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Learn from wrong labels, by three kinds of step.")
    parser.add_argument("--epochs", type=int, help="by default 60, and 40 with --quick")
    parser.add_argument("--quick", action="store_true", help="400 images, 40 epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/custom_step"), help="a folder")
    options = parser.parse_args(arguments)
    count, epochs = (400, 40) if options.quick else (1257, 60)
    epochs = options.epochs or epochs
    options.out.mkdir(parents=True, exist_ok=True)

    data, wrong, test = load_data(count, options.seed)
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="tight")
    axes = figure.subplots()
    results = {}
    print(f"{'test accuracy':20}    best     last    wrong labels learned by heart")
    for kind in (tx.Trainer, Mixup, SharpnessAware):
        trainer = train(kind, data, test, epochs, options.seed)
        curve = trainer.history.history["val_accuracy"]
        learned = trainer.evaluate(*wrong, batch_size=len(wrong[0]), verbose=0)["accuracy"]
        results[kind.__name__] = {"best": max(curve), "last": curve[-1], "wrong": learned}
        print(f"{kind.__name__:20}  {max(curve):6.1%}   {curve[-1]:6.1%}    {learned:6.1%}")
        axes.plot(range(1, epochs + 1), curve, label=kind.__name__)
    x_test, y_test = test
    plain = LogisticRegression(max_iter=1000).fit(data[0], data[1].argmax(axis=1))
    score = plain.score(x_test, y_test.argmax(axis=1))
    print(f"logistic regression {'':11}{score:6.1%}")
    axes.set(xlabel="epoch", ylabel="test accuracy", ylim=(0.6, 1.0))
    axes.legend(loc="lower left", fontsize=8)
    figure.savefig(options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return results


if __name__ == "__main__":
    main()
