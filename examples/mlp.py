"""Tell malignant from benign tumours with a small network that stops before it learns by heart.

Breast cancer, scikit-learn's 569 cases: 30 numbers measured in a microscope image of a sample. What
is worth seeing: the inputs are scaled by the first layer, a BatchNorm, so that there is no scaler
to forget when the model is used; `EarlyStopping` looks at patients that are not trained on, and
gives the best weights back; the area under the ROC curve is a metric like any other, and agrees
with scikit-learn's. Logistic regression is hard to beat on these data, and stands beside it.

    python examples/mlp.py                           about ten seconds
    python examples/mlp.py --quick                   a few epochs
    python examples/mlp.py --seed 3                  other patients, other weights
"""

import argparse
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import treexlite as tx


class Network(tx.Module):
    """Scale the inputs, then two hidden layers; the logit of "malignant" comes out."""

    def __init__(self):
        self.scale = tx.nn.BatchNorm(momentum=0.9, use_scale=False, use_bias=False)
        self.layers = tx.nn.Sequential(
            tx.nn.Linear(64), tx.nn.LayerNorm(), jax.nn.relu, tx.nn.Dropout(0.3),
            tx.nn.Linear(64), tx.nn.LayerNorm(), jax.nn.relu, tx.nn.Dropout(0.3),
            tx.nn.Linear(1),
        )  # fmt: skip

    def __call__(self, x):
        return self.layers(self.scale(x))  # (batch, 1)


def load_data(seed):
    """Return inputs and labels (1: malignant) for training, validation and testing."""
    x, y = load_breast_cancer(return_X_y=True)
    x, y = x.astype(np.float32), 1 - y
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=seed)
    return (x, y), (x_val, y_val), (x_test, y_test)


def train(data, validation, epochs, seed, verbose=0):
    """Train until validation does not get better; return the trainer and the callback."""
    trainer = tx.Trainer(
        Network(),
        loss="crossentropy",
        optimizer=tx.Optimizer("adamw", learning_rate=1e-3, weight_decay=0.01),
        metrics=["accuracy", tx.metrics.ExactAUC(capacity=500, name="auc")],
        seed=seed,
    )
    stopping = tx.callbacks.EarlyStopping("val_loss", patience=30, restore_best_weights=True)
    trainer.fit(
        *data,
        batch_size=32,
        epochs=epochs,
        validation_data=validation,
        validation_batch_size=len(validation[0]),
        callbacks=[stopping],
        drop_remainder=True,  # all batches alike: one compilation, and even statistics
        verbose=verbose,
    )
    return trainer, stopping


def judge(y, probability):
    """Return what the probabilities of "malignant" are worth."""
    return {
        "loss": log_loss(y, probability.astype(float)),
        "accuracy": accuracy_score(y, probability > 0.5),
        "auc": roc_auc_score(y, probability),
    }


def draw(history, best_epoch, y, probabilities, file):
    """Draw the losses with the moment that was kept, and the corner of the ROC curves."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in {"loss": "training", "val_loss": "validation"}.items():
        left.plot(history[name], label=label)
    left.axvline(best_epoch, color="grey", linestyle=":", label="weights kept")
    left.set_title("cross-entropy", fontsize=10)
    left.set_xlabel("epoch", fontsize=9)
    left.set_ylim(0, 0.4)
    for name, probability in probabilities.items():
        false, true, _ = roc_curve(y, probability)
        right.plot(false, true, label=name)
    right.set_title("malignant ones found", fontsize=10)
    right.set_xlabel("false alarms", fontsize=9)
    right.set_xlim(-0.005, 0.2)
    right.set_ylim(0.8, 1.005)
    for axes in (left, right):
        axes.tick_params(labelsize=8)
        axes.legend(fontsize=8, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Classify tumours with a small network.")
    parser.add_argument("--quick", action="store_true", help="few epochs")
    parser.add_argument("--epochs", type=int, help="at most; by default 500, and 15 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/mlp"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    data, validation, (x_test, y_test) = load_data(options.seed)
    epochs = options.epochs or (15 if options.quick else 500)
    trainer, stopping = train(data, validation, epochs, options.seed)
    reached = len(trainer.history.epoch)
    print(f"{reached} epochs; the weights kept are those of epoch {stopping.best_epoch + 1}\n")

    # The network has looked at validation to know when to stop, so the others get it too.
    known = [np.concatenate(parts) for parts in zip(data, validation, strict=True)]
    line = make_pipeline(StandardScaler(), LogisticRegression()).fit(*known)
    logits = trainer.predict(x_test, verbose=0)[:, 0]
    probabilities = {
        "network": np.asarray(jax.nn.sigmoid(logits)),
        "logistic": line.predict_proba(x_test)[:, 1],
        "constant": np.full(len(y_test), known[1].mean()),
    }
    results = {name: judge(y_test, values) for name, values in probabilities.items()}
    print("test       " + "".join(f"{name:>10}" for name in results["network"]))
    for name, row in results.items():
        print(f"{name:11}" + "".join(f"{value:10.4f}" for value in row.values()))
    logs = trainer.evaluate(x_test, y_test, batch_size=len(x_test), verbose=0)
    print("evaluate   " + "".join(f"{logs[name]:10.4f}" for name in results["network"]))

    del probabilities["constant"]
    history = trainer.history.history
    draw(history, stopping.best_epoch, y_test, probabilities, options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return results, logs


if __name__ == "__main__":
    main()
