"""Teach a trained network a new task by small matrices beside its large ones: LoRA.

A network has learned to read digits. Turned on their side, or white on black, it reads them no
better than by chance. Training all of its weights helps, and costs a second network. LoRA leaves
them as they are, bit by bit: beside each matrix it trains two small ones, whose product is added.
So a task is a file of a few thousand numbers, and the same network serves all of them.

`tx.nn.add_lora` puts the small matrices in; they have a kind of their own, by which the optimizer
finds them. `tx.nn.merge_lora` adds the products to the weights when a task shall need no more work
than the network did.

    python examples/lora.py                          about half a minute on two cores
    python examples/lora.py --quick                  a few seconds: one task, few epochs
    python examples/lora.py --rank 16 --seed 1
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import treexlite as tx

TASKS = {
    "turned": lambda images: np.rot90(images, axes=(1, 2)),
    "inverted": lambda images: 1 - images,
}


def load_data():
    """Return images with values from 0 to 1, and labels, for training and for testing."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 8, 8)
    return train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)


def train(model, optimizer, x, y, epochs, seed):
    """Train `model` in place, and return it."""
    trainer = tx.Trainer(model, "crossentropy", optimizer, seed=seed)
    trainer.fit(x, y, batch_size=32, epochs=epochs, verbose=0, drop_remainder=True)
    return model


def answers(model, x):
    """Return which digits a model sees in images."""
    return np.asarray(model.eval()(x)).argmax(axis=1)


def size(model, *filters):
    """Return how many numbers the chosen arrays of a model are."""
    return sum(array.size for array in model.state_dict(*filters).values())


def adapt(base, x, y, rank, epochs, seed):
    """Return a copy of `base` with small matrices, which alone are trained."""
    model = tx.nn.add_lora(base, rank).init(seed)
    only_small = {tx.nn.LoRAParameter: tx.Optimizer("adam", learning_rate=1e-2), ...: None}
    return train(model, only_small, x, y, epochs, seed)


def draw(images, rows, path):
    """Write a picture of the tasks, and of what was reached with how many numbers."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    grid = figure.add_gridspec(len(rows), 3, width_ratios=(1, 1, 3.6))
    bars = figure.add_subplot(grid[:, 2])
    colors = {"before": "0.75", "LoRA": "tab:orange", "all weights": "tab:blue"}
    for i, (task, results) in enumerate(rows.items()):
        for j, title in enumerate(["trained on", "then"]):
            axes = figure.add_subplot(grid[i, j])
            axes.imshow(TASKS[task](images)[0] if j else images[0], cmap="gray_r", vmin=0, vmax=1)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title("" if i else title, size=8)
        for j, (name, (num, value)) in enumerate(results.items()):
            y = i + 0.27 * (j - 1)
            bars.barh(y, value, 0.25, color=colors[name])
            place = 0.02 if value > 0.7 else value + 0.02
            bars.text(place, y, f"{name}, {num:,} trained: {value:.0%}", va="center", size=7)
    bars.set(xlim=(0, 1), xlabel="test accuracy", yticks=[])
    bars.invert_yaxis()
    bars.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Adapt a network to new tasks by LoRA.")
    parser.add_argument("--quick", action="store_true", help="one task, few epochs")
    parser.add_argument("--rank", type=int, default=4, help="by default %(default)s")
    parser.add_argument("--epochs", type=int, help="by default 40, and 8 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/lora"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    epochs, seed = options.epochs or (8 if options.quick else 40), options.seed

    x_train, x_test, y_train, y_test = load_data()
    base = tx.nn.Sequential(tx.nn.Flatten(), tx.nn.MLP([256, 256, 10]))
    train(base, tx.Optimizer("adam", learning_rate=1e-3), x_train, y_train, epochs, seed)
    print(f"{'upright, as trained':24}  {np.mean(answers(base, x_test) == y_test):6.1%}\n")
    weights = {name: np.asarray(array) for name, array in base.state_dict().items()}

    rows, unchanged, same = {}, True, True
    for task in list(TASKS)[: 1 if options.quick else None]:
        x, x_new = (TASKS[task](images).copy() for images in (x_train, x_test))
        small = adapt(base, x, y_train, options.rank, epochs, seed)
        full = train(base.copy(), tx.Optimizer("adam", 1e-3), x, y_train, epochs, seed)
        models = {"before": (0, base), "LoRA": (size(small, tx.nn.LoRAParameter), small)}
        models["all weights"] = size(full), full
        rows[task] = {
            name: (num, np.mean(answers(model, x_new) == y_test))
            for name, (num, model) in models.items()
        }
        after = small.state_dict()
        unchanged &= all(np.array_equal(after[name], array) for name, array in weights.items())
        merged = tx.nn.merge_lora(small)  # plain layers: as large and as fast as `base`
        same &= size(merged) == size(base)
        same &= np.array_equal(answers(merged, x_new), answers(small, x_new))
        for name, (num, value) in rows[task].items():
            print(f"{task:10}  {name:12}  {value:6.1%}  {num:7,} trained numbers")

    print(f"\nthe weights of the network are what they were: {unchanged}")
    print(f"merged, it gives the same answers: {same}")
    draw(x_test, rows, options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return rows, unchanged, same


if __name__ == "__main__":
    main()
