"""Teach a small network by a large one: knowledge distillation on scikit-learn's digits.

The teacher, a convolutional network, learns from 100 labelled images. The student, 18 times
smaller, gets no label: it learns to give the teacher's scores, for 1437 images. The same network
that learns from the 100 labels by itself, in about as many steps, is there to compare.

`Distiller` overrides one method. The teacher is a part of the trainer's state, so that compiled
steps get it as an argument; frozen and in evaluation mode, it stays as it is.

    python examples/distillation.py                  about half a minute on two cores
    python examples/distillation.py --quick          a few seconds, with fewer epochs
    python examples/distillation.py --epochs 15 --seed 1
"""

import argparse
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import treexlite as tx

NUM_LABELLED = 100


class Distiller(tx.Trainer):
    """Trains a model to give the scores of another one.

    Args:
        student: the model that is trained.
        teacher: an initialised model with outputs of the same shape; it is not changed.
        temperature: scores are divided by it before they are compared. Above 1, it matters more how
            the teacher ranks the wrong classes.
    """

    def __init__(self, student, teacher, *, temperature=3.0, **options):
        super().__init__(student, **options)
        self.state.teacher = teacher.freeze().eval()
        self.temperature = temperature

    def train_step(self, state, batch):
        taught = state.teacher(batch.x) / self.temperature

        def loss_fn(student):
            scores = student(batch.x) / self.temperature
            return tx.losses.kl_divergence(taught, scores, target_from_logits=True).mean()

        loss, grads = tx.value_and_grad(loss_fn)(state.model)
        state.optimizer.update(grads, state.model)
        return {"divergence": loss}


def make_teacher():
    return tx.nn.Sequential(
        tx.nn.Reshape((8, 8, 1)),
        tx.nn.Conv(32, (3, 3)),
        tx.nn.BatchNorm(momentum=0.9),
        jax.nn.relu,
        tx.nn.MaxPool((2, 2)),
        tx.nn.Conv(64, (3, 3)),
        tx.nn.BatchNorm(momentum=0.9),
        jax.nn.relu,
        tx.nn.MaxPool((2, 2)),
        tx.nn.Flatten(),
        tx.nn.Dropout(0.4),
        tx.nn.Linear(10),
    )


def make_student():
    return tx.nn.MLP([16, 10])


def load_data():
    """Return images with values from 0 to 1, and labels, for training and for testing."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    return train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)


def size(model):
    """Return how many numbers the parameters of a model are."""
    return sum(array.size for array in model.state_dict(tx.Parameter).values())


def draw(image, said, accuracy, path):
    """Write a picture of an image, what two networks say about it, and how good all three are."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    axes = list(figure.subplot_mosaic("abbb;cccc").values())
    axes[0].imshow(image.reshape(8, 8), cmap="gray_r")
    axes[0].axis("off")
    colors = {"teacher": "0.6", "student, alone": "tab:blue", "student, distilled": "tab:orange"}
    for shift, (name, scores) in zip((-0.2, 0.2), said.items(), strict=True):
        axes[1].bar(np.arange(10) + shift, jax.nn.softmax(scores), 0.4, color=colors[name])
    axes[1].set(xticks=range(10), yticks=[], ylim=(0, 1), title="what is it?")
    for row, (name, value) in enumerate(accuracy.items()):
        axes[2].barh(row, value, color=colors[name])
        axes[2].text(0.71, row, f"{name}: {value:.1%}", va="center", size=8)
    axes[2].set(xlim=(0.7, 1), ylim=(2.5, -0.5), yticks=[], xlabel="test accuracy")
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Teach a small network by a large one.")
    parser.add_argument("--quick", action="store_true", help="8 epochs")
    parser.add_argument("--epochs", type=int, help="by default 40, and 8 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/distillation"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    epochs = options.epochs or (8 if options.quick else 40)
    x_train, x_test, y_train, y_test = load_data()
    x_few, y_few = x_train[:NUM_LABELLED], y_train[:NUM_LABELLED]
    common = {"loss": "crossentropy", "metrics": "accuracy", "seed": options.seed}

    def adam(rate):
        return tx.Optimizer("adam", learning_rate=rate)

    teacher = tx.Trainer(make_teacher(), optimizer=adam(2e-3), **common)
    teacher.fit(x_few, y_few, batch_size=20, epochs=20, verbose=0)
    alone = tx.Trainer(make_student(), optimizer=adam(5e-3), **common)
    alone.fit(x_few, y_few, batch_size=20, epochs=8 * epochs, verbose=0)
    distilled = Distiller(make_student(), teacher.model, optimizer=adam(5e-3), **common)
    distilled.fit(x_train, batch_size=32, epochs=epochs, drop_remainder=True)

    rows = {"teacher": teacher, "student, alone": alone, "student, distilled": distilled}
    accuracy = {}
    print(f"\n{'':20}  parameters  labels  test accuracy")
    for name, trainer in rows.items():
        logs = trainer.evaluate(x_test, y_test, batch_size=len(x_test), verbose=0)
        accuracy[name] = logs["accuracy"]
        num = 0 if trainer is distilled else NUM_LABELLED
        print(f"{name:20}  {size(trainer.model):10}  {num:6}  {logs['accuracy']:13.1%}")

    distilled.history.plot(options.out / "curves.png")
    both = {name: rows[name].predict(x_test, verbose=0) for name in rows if "alone" not in name}
    ranked = np.sort(both["teacher"], axis=1)
    doubtful = (ranked[:, -1] - ranked[:, -2]).argmin()  # its two best answers are nearly equal
    said = {name: scores[doubtful] for name, scores in both.items()}
    draw(x_test[doubtful], said, accuracy, options.out / "picture.png")
    print(f"saved curves.png and picture.png in {options.out}")
    return accuracy


if __name__ == "__main__":
    main()
