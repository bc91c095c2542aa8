"""Read Python's reference character by character with an LSTM, and write some more of it.

The text is the help that ships with Python, `help("LAMBDA")` and its like: 370,000 characters
without repetitions. The model reads characters and says how probable each next one is; what it is
worth is how many bits it is surprised by, on average, on text that it has not seen. Counting which
character follows which is there to compare, and so are counts over longer contexts, which are hard
to beat with so little text. The picture shows where the surprises are: at the beginnings of words.

    python examples/char_lstm.py                     about a minute and a half on two cores
    python examples/char_lstm.py --quick             a few seconds: a tenth of the text
    python examples/char_lstm.py --epochs 20 --seed 1 --out runs/long
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from matplotlib.figure import Figure

import treexlite as tx
from treexlite.models import LSTMLanguageModel

TIME = 64  # how many characters a training example has
NUM_COLUMNS, NUM_ROWS = 72, 14  # of the picture


def load_text():
    """Return the help texts; a paragraph that stands in several of them is there once."""
    parts = [part for name in sorted(topics) for part in topics[name].split("\n\n")]
    return "\n\n".join(dict.fromkeys(part.strip("\n") for part in parts))


def rows_of(ids, length):
    """Cut ids into inputs and targets, (rows, length) each; a target is the id after its input."""
    num = (len(ids) - 1) // length
    return tuple(ids[start : start + num * length].reshape(num, length) for start in (0, 1))


def count_bits(train, test, num_tokens, longest):
    """Return bits per character of counts, for contexts of 0, 1, ... `longest` characters.

    A context that was seen says what it saw, and for what it has not seen, it asks the context that
    is one character shorter: the more often, the more kinds of characters it was followed by
    (Witten and Bell's rule).
    """
    bits = np.zeros(longest + 1)
    followers = [defaultdict(Counter) for _ in bits]
    for length, counts in enumerate(followers):
        for i in range(length, len(train)):
            counts[train[i - length : i]][train[i]] += 1
    for i in range(longest, len(test)):
        probability = 1 / num_tokens
        for length, counts in enumerate(followers):
            if seen := counts.get(test[i - length : i]):
                probability *= len(seen)
                probability = (seen[test[i]] + probability) / (seen.total() + len(seen))
            bits[length] -= np.log2(probability)
    return bits / (len(test) - longest)


def draw(text, bits, path):
    """Write a picture of a text in which surprising characters have a dark ground."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100)
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    grid, row, column = np.full((NUM_ROWS, NUM_COLUMNS), np.nan), 0, 0
    for character, value in zip(text, bits, strict=False):
        if character == "\n" or column == NUM_COLUMNS:
            row, column = row + 1, 0
        if row == NUM_ROWS:
            break
        if character != "\n":
            grid[row, column] = round(value)  # fewer colours, and a smaller file
            color = "white" if value > 6.5 else "black"
            options = {"family": "monospace", "size": 8, "ha": "center", "va": "center"}
            axes.text(column, row, character, color=color, parse_math=False, **options)
            column += 1
    axes.imshow(grid, cmap="OrRd", vmin=0, vmax=10, aspect="auto")
    axes.axis("off")
    figure.savefig(path, pil_kwargs={"optimize": True})


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train an LSTM on Python's help texts.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the text, three epochs")
    parser.add_argument("--epochs", type=int, help="by default 10, and 3 with --quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/char_lstm"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    epochs, batch_size = (3, 16) if options.quick else (10, 32)
    epochs = options.epochs or epochs

    text = load_text()[: 40_000 if options.quick else None]
    alphabet = sorted(set(text))
    code = {character: i for i, character in enumerate(alphabet)}
    ids = np.array([code[character] for character in text], np.int32)
    cut = len(text) * 9 // 10
    x, y = rows_of(ids[:cut], TIME)
    test = rows_of(ids[cut:], 1000)  # long rows, so that it may remember from long ago

    model = LSTMLanguageModel(len(alphabet), features=64 if options.quick else 128, num_layers=1)
    rate = tx.optimizers.schedules.cosine(1e-2, steps=epochs * (len(x) // batch_size))
    optimizer = tx.Optimizer("adam", learning_rate=rate, clip_norm=1.0)
    trainer = tx.Trainer(model, "crossentropy", optimizer, seed=options.seed)
    trainer.fit(x, y, batch_size, epochs, drop_remainder=True)

    logits = trainer.predict(test[0], batch_size=len(test[0]), verbose=0)
    surprise = np.asarray(tx.losses.cross_entropy(test[1], logits)) / np.log(2)
    counted = count_bits(text[:cut], text[cut:], len(alphabet), longest=1 if options.quick else 5)
    bits = {"all characters alike": np.log2(len(alphabet)), "LSTM": surprise.mean()}
    for length, value in enumerate(counted):
        bits[f"counts after {length} character{'s' * (length != 1)}"] = value

    prompt = np.array([[code[character] for character in "The "]])
    written = np.asarray(model.generate(prompt, 500, key=options.seed, temperature=0.7)[0])
    print("\n" + "".join(alphabet[i] for i in written) + "\n")
    print("bits per character of unseen text")
    for name, value in sorted(bits.items(), key=lambda item: -item[1]):
        print(f"{name:26}  {value:.2f}")
    start = text.index("\n\n", cut) + 2
    draw(text[start:], surprise.ravel()[start - cut - 1 :], options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return bits


if __name__ == "__main__":
    main()
