"""Train a model, export it, and serve it over HTTP with the standard library.

The server knows the file alone: no class of the model, no loss, no optimizer. Requests are filled
up to a few batch sizes, so that only a few programs are compiled.

    python examples/serve.py                          train, export, and serve on port 8000
    python examples/serve.py --quick                  the same briefly: ask the server, and compare

    curl localhost:8000                                                       what it takes
    curl localhost:8000 -d '{"inputs": [[0, 0, 5, ...64 numbers up to 16]]}'  {"labels": [3], ...}
"""

import argparse
import json
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jax
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import treexlite as tx

MAX_BYTES = 4_000_000
MAX_BATCH = 256


def load_data():
    """Return the pixels of digits, 64 numbers from 0 to 16 each, and labels: to train, to test."""
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        images.astype(np.float32), labels, test_size=0.2, stratify=labels, random_state=0
    )
    return (x, y), (x_test, y_test)


def answer(model, x):
    """Say what the program computes: labels and probabilities, of pixels as they come."""
    logits = model(x / 16)
    return {"labels": logits.argmax(-1), "probabilities": jax.nn.softmax(logits)}


def train(epochs, seed=0):
    """Return a trained model."""
    (x, y), _ = load_data()
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
    outputs = exported(filled)
    return jax.tree.map(lambda array: np.asarray(array)[: len(x)].tolist(), outputs)


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
                inputs = json.loads(self.rfile.read(length))["inputs"]
                self.reply(200, predict(exported, inputs))
            except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
                self.reply(400, {"error": f"{type(error).__name__}: {error}"})

        def reply(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def ask(port, inputs):
    """Send inputs to the server, and return its answer."""
    body = json.dumps({"inputs": inputs}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}", data=body, timeout=60) as response:
        return json.loads(response.read())


def self_test(model, server):
    """Ask a running server, and compare with the model itself; return accuracy and agreement."""
    _, (x, y) = load_data()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        found = ask(server.server_port, x[:100].tolist())
    finally:
        server.shutdown()
        thread.join()
    direct = jax.tree.map(np.asarray, answer(model.eval(), x[:100]))
    same = np.array_equal(found["labels"], direct["labels"]) and np.allclose(
        found["probabilities"], direct["probabilities"], atol=1e-5
    )
    return float(np.mean(np.array(found["labels"]) == y[:100])), bool(same)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train, export and serve a model of digits.")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--out", type=Path, default=Path("runs/serve/model.safetensors"))
    parser.add_argument("--quick", action="store_true", help="few epochs, one request, and the end")
    options = parser.parse_args(arguments)

    model = train(5 if options.quick else options.epochs)
    example = jax.ShapeDtypeStruct((1, 64), np.float32)
    tx.export(model, example, options.out, call=answer)
    print(f"exported {options.out}, {options.out.stat().st_size:,} bytes")

    exported = tx.load_exported(options.out)
    with make_server(exported, 0 if options.quick else options.port) as server:
        if not options.quick:
            print(f"serving on http://127.0.0.1:{server.server_port}; Ctrl-C ends it")
            try:
                return server.serve_forever()
            except KeyboardInterrupt:
                return None
        accuracy, same = self_test(model, server)
    print(f"test accuracy {accuracy:.0%}; the server predicts the same as the model: {same}")
    return accuracy, same


if __name__ == "__main__":
    main()
