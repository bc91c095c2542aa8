"""Train a model, export it, and serve it over HTTP with the standard library.

The server knows the file alone: no class of the model, no loss, no optimizer. Requests are filled
up to a few batch sizes, so that only a few programs are compiled. First it is asked and compared
with the model; `picture.png` shows the answers of which it is least sure.

    python examples/serve.py          train, export, ask, and serve on port 8000; --quick: and end

    curl localhost:8000                                                       what it takes
    curl localhost:8000 -d '{"inputs": [[0, 0, 5, ...64 numbers up to 16]]}'  {"labels": [3], ...}
"""

import argparse
import contextlib
import json
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import treexlite as tx

MAX_BYTES, MAX_BATCH = 4_000_000, 256


def load_data():
    """Return 64 numbers from 0 to 16 for each digit, to train and to test, and likewise labels."""
    x, y = load_digits(return_X_y=True)
    return train_test_split(x.astype("float32"), y, test_size=0.2, stratify=y, random_state=0)


def answer(model, x):
    """Say what the program computes: labels and probabilities, of pixels as they come."""
    logits = model(x / 16)
    return {"labels": logits.argmax(-1), "probabilities": jax.nn.softmax(logits)}


def train(epochs, seed=0):
    """Return a trained model."""
    x, _, y, _ = load_data()
    model = tx.nn.MLP([128, 10]).init(seed, x[:1])
    trainer = tx.Trainer(model, loss="crossentropy", optimizer="adam", metrics=["accuracy"])
    trainer.fit(x / 16, y, batch_size=64, epochs=epochs, verbose=0)
    return model


def predict(exported, inputs):
    """Return the outputs for a list of inputs, whose number is filled up to a power of two."""
    x = np.asarray(inputs)
    if x.dtype.kind not in "iuf" or not (abs(x) < np.finfo(np.float32).max).all():
        raise ValueError("expected lists of finite numbers, of one length")
    x = x.astype(np.float32)
    if x.ndim == 0 or not 0 < len(x) <= MAX_BATCH:
        raise ValueError(f"expected 1 to {MAX_BATCH} inputs, received shape {x.shape}")
    size = 1 << (len(x) - 1).bit_length()
    filled = np.concatenate([x, np.repeat(x[:1], size - len(x), axis=0)])
    return jax.tree.map(lambda array: np.asarray(array)[: len(x)].tolist(), exported(filled))


def make_server(exported, port):
    """Return a server that answers GET with a description, and POST with predictions."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 30  # seconds, for whoever sends nothing

        def do_GET(self):
            self.reply(200, {"inputs": str(exported.inputs), "outputs": str(exported.outputs)})

        def do_POST(self):
            try:
                length = int(self.headers.get("Content-Length", 0))
                if not 0 < length <= MAX_BYTES:
                    raise ValueError(f"expected a body of 1 to {MAX_BYTES} bytes")
                self.reply(200, predict(exported, json.loads(self.rfile.read(length))["inputs"]))
            except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
                self.reply(400, {"error": f"{type(error).__name__}: {error}"})

        def reply(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def ask(port, inputs):
    """Send inputs to the server, and return its answer."""
    body = json.dumps({"inputs": inputs}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}", data=body, timeout=60) as response:
        return json.loads(response.read())


def self_test(model, server, x):
    """Ask a running server, and compare with the model itself; return what it answers, and that."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = {name: np.array(a) for name, a in ask(server.server_port, x.tolist()).items()}
    server.shutdown()
    direct = answer(model.eval(), x).items()
    return found, all(np.allclose(found[name], array, atol=1e-5) for name, array in direct)


def plot(x, probabilities, path):
    """Show the digits of which the answers are least sure, and the probabilities."""
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="tight")
    unsure = probabilities.max(axis=1).argsort()[:4]
    for i, (above, below) in zip(unsure, figure.subplots(2, 4).T, strict=True):
        above.imshow(x[i].reshape(8, 8), cmap="gray_r")
        above.axis("off")
        below.bar(range(10), probabilities[i])
        below.set(xticks=range(0, 10, 3), yticks=[], ylim=(0, 1))
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train, export and serve a model of digits.")
    parser.add_argument("--epochs", type=int, help="by default 30, and 5 with --quick")
    parser.add_argument("--port", type=int, default=8000, help="by default %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/serve"), help="a folder")
    parser.add_argument("--quick", action="store_true", help="few epochs, one request, and the end")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    model = train(options.epochs or (5 if options.quick else 30), options.seed)
    path = options.out / "model.safetensors"
    tx.export(model, jax.ShapeDtypeStruct((1, 64), np.float32), path, call=answer)
    _, x, _, y = load_data()
    with make_server(tx.load_exported(path), 0 if options.quick else options.port) as server:
        found, same = self_test(model, server, x[:100])
        accuracy = float(np.mean(found["labels"] == y[:100]))
        print(f"test accuracy {accuracy:.0%}; the server predicts the same as the model: {same}")
        plot(x, found["probabilities"], options.out / "picture.png")
        if not options.quick:
            print(f"serving on http://127.0.0.1:{server.server_port}; Ctrl-C ends it")
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()
    return accuracy, same


if __name__ == "__main__":
    main()
