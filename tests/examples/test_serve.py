"""`examples/serve.py`: the server answers as the model does, and refuses what is no input."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

serve = load("serve")
plain = load("serve_plain_jax")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, bool, Path]:
    out = tmp_path_factory.mktemp("serve")
    accuracy, same = serve.main(["--quick", "--out", str(out)])
    return accuracy, same, out / "model.safetensors"


def test_the_server_predicts_the_same_as_the_model(run: Any) -> None:
    accuracy, same, path = run
    assert same
    assert accuracy > 0.8  # chance is 0.1
    assert path.with_name("picture.png").read_bytes().startswith(b"\x89PNG")


def test_plain_jax_reads_the_file(run: Any, tmp_path: Path, capsys: Any) -> None:
    _, x, _, _ = serve.load_data()
    np.save(tmp_path / "x.npy", x[:3])
    plain.main([str(run[2]), "--inputs", str(tmp_path / "x.npy")])
    found = json.loads(capsys.readouterr().out)["outputs"]
    expected = jax.tree.map(np.asarray, tx.load_exported(run[2])(x[:3]))
    assert found["labels"] == expected["labels"].tolist()


@pytest.mark.parametrize(
    "inputs",
    [
        *([], [[1, 2]], [[1], [2, 3]], [[0] * 64] * 257, 3),
        *("text", [["1"] * 64], [[True] * 64], None, {"a": 1}),
        *([[10**400] * 64], [[float("nan")] * 64], [[1e300 * 10] * 64]),
    ],
)
def test_what_is_no_input_is_refused(run: Any, inputs: Any) -> None:
    exported = tx.load_exported(run[2])
    with serve.make_server(exported, 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with pytest.raises(urllib.error.HTTPError) as caught:
            serve.ask(server.server_port, inputs)
        server.shutdown()
        thread.join()
    assert caught.value.code == 400
    assert "Error" in json.loads(caught.value.read())["error"]


def test_what_is_no_json_is_refused(run: Any) -> None:
    bodies = (b'{"inputs": ' + b"[" * 100_000, b"\xff", b"[1]", b"")
    with serve.make_server(tx.load_exported(run[2]), 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        codes = []
        for body in bodies:
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}", body, timeout=60)
            codes.append(caught.value.code)
        server.shutdown()
        thread.join()
    assert codes == [400] * len(bodies)
