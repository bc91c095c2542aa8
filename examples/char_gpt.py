"""Read Python's standard library character by character with a GPT, and let it write Python.

The text is there wherever Python is: the modules beside `os.py`, 4 million characters of code and
comments. A small transformer learns to say how probable each next character is. Every tenth module
is kept for testing. The picture shows what reading back is worth: the more of a file it has read,
the fewer bits the next character surprises it by. Counting which character follows which, the line,
knows one character of context and gains nothing from more.

`generate` writes in one compiled loop, and keeps the keys and values of what it has read.

    python examples/char_gpt.py                      about two minutes on two cores
    python examples/char_gpt.py --quick              a few seconds, with a smaller model
    python examples/char_gpt.py --steps 3000 --seed 1 --out runs/long
"""

import argparse
import itertools
import os
import string
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import treexlite as tx
from treexlite.models import GPT

TIME = 64  # how many characters the model sees at once
BATCH_SIZE = 16
ALPHABET = string.printable[:-3]  # without three kinds of white space that nobody writes


def load_text(num_modules=None):
    """Return the ids of the characters of the standard library, for training and for testing."""
    paths = sorted(Path(os.__file__).parent.glob("*.py"))[:num_modules]
    code = np.full(128, len(ALPHABET))
    code[[ord(character) for character in ALPHABET]] = range(len(ALPHABET))
    parts = []
    for chosen in (
        [i % 10 != 4 for i in range(len(paths))],
        [i % 10 == 4 for i in range(len(paths))],
    ):
        texts = [path.read_text("utf-8") for path, keep in zip(paths, chosen, strict=True) if keep]
        ids = code[np.frombuffer("\n".join(texts).encode("ascii", "ignore"), np.uint8)]
        parts.append(ids[ids < len(ALPHABET)].astype(np.int32))
    return parts


def windows(ids, starts):
    """Return inputs and targets, (len(starts), TIME) each; a target is the id after its input."""
    cut = ids[starts[:, None] + np.arange(TIME + 1)]
    return cut[:, :-1], cut[:, 1:]


def count_bits(train, test):
    """Return bits per character of a table that counts which character follows which."""
    counts = np.full((len(ALPHABET), len(ALPHABET)), 0.1)
    np.add.at(counts, (train[:-1], train[1:]), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return -np.log2(shares[test[:-1], test[1:]]).mean()


def draw(bits, counted, written, path):
    """Write a picture of bits per character over the number of characters that were read."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="constrained")
    axes = figure.subplots()
    edges = [0, *(2 ** np.arange(int(np.log2(TIME)) + 1))]
    means = [bits[a:b].mean() for a, b in itertools.pairwise(edges)]
    axes.axhline(counted, color="0.5", linestyle="--")
    axes.text(1, counted, "counts of pairs", color="0.4", va="bottom", size=8)
    axes.plot(edges[1:], means, "o-", color="tab:blue")
    axes.set_xscale("log", base=2)
    axes.set_xticks(edges[1:], [str(edge) for edge in edges[1:]])
    axes.set_xlabel("characters read")
    axes.set_ylabel("bits per character")
    axes.text(
        0.99, 0.97, "\n".join(line[:46] for line in written.split("\n") if line.strip()),
        family="monospace", size=6.5, ha="right", va="top", multialignment="left",
        transform=axes.transAxes, parse_math=False,
        bbox={"facecolor": "white", "edgecolor": "0.8"},
    )  # fmt: skip
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train a GPT on Python's standard library.")
    parser.add_argument("--quick", action="store_true", help="150 steps of a smaller model")
    parser.add_argument("--steps", type=int, help="by default 2000, and 150 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/char_gpt"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    steps, features, num_layers = (150, 32, 1) if options.quick else (2000, 64, 2)
    steps = options.steps or steps

    train, test = load_text(20 if options.quick else None)
    rng = np.random.default_rng(options.seed)
    x, y = windows(train, rng.integers(0, len(train) - TIME, steps * BATCH_SIZE))
    x_test, y_test = windows(test, np.linspace(0, len(test) - TIME - 1, 800, dtype=int))

    model = GPT(len(ALPHABET), features, num_layers=num_layers, num_heads=4, max_length=TIME)
    rate = tx.optimizers.schedules.cosine(5e-3, steps=steps, warmup_steps=steps // 10)
    optimizer = tx.Optimizer("adam", learning_rate=rate, clip_norm=1.0)
    trainer = tx.Trainer(model, "crossentropy", optimizer, seed=options.seed)
    trainer.fit(x, y, BATCH_SIZE, shuffle=False)

    logits = trainer.predict(x_test, batch_size=100, verbose=0)
    nats = np.asarray(tx.losses.cross_entropy(y_test, logits))  # (windows, TIME)
    bits = nats.mean(axis=0) / np.log(2)
    counted = count_bits(train, test)
    prompt = np.array([[ALPHABET.index(character) for character in "\ndef "]] * 4)
    ids = model.generate(prompt, TIME - 5, key=options.seed, temperature=0.6)
    written = ["".join(ALPHABET[i] for i in row) for row in np.asarray(ids)]

    print(*written, sep="\n" + 60 * "-")
    print("\nbits per character of unseen modules")
    print(f"{'all characters alike':30}  {np.log2(len(ALPHABET)):.2f}")
    print(f"{'counts of pairs':30}  {counted:.2f}")
    print(f"{'GPT':30}  {bits.mean():.2f}")
    print(f"{'GPT, with half of its context':30}  {bits[TIME // 2 :].mean():.2f}")
    draw(bits, counted, "\n".join(written[:3]), options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return {"counts": counted, "GPT": bits.mean()}, bits


if __name__ == "__main__":
    main()
