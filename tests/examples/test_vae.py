"""`examples/vae.py` in short form: its map keeps more of a digit than the best linear one."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load
from treexlite.models import VAE

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

vae = load("vae")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, float], Path]:
    out = tmp_path_factory.mktemp("vae")
    results, logs = vae.main(["--quick", "--out", str(out)])
    return results, logs, out


def test_the_map_is_better_than_a_linear_one(run: tuple[Any, Any, Path]) -> None:
    ours, linear, mean = run[0].values()
    assert ours["error"] < linear["error"] < mean["error"] - 0.03  # 0.42 untrained
    assert ours["accuracy"] > linear["accuracy"] > mean["accuracy"] + 0.4  # 0.1 by chance


def test_the_divergence_is_in_the_loss(run: tuple[Any, dict[str, float], Path]) -> None:
    assert run[1]["loss"] < 0.42  # 0.69 untrained
    x = vae.load_data()[1]
    model = vae.VAE(beta=3.0).init(0, x)
    logs = tx.Trainer(model, loss="bce").evaluate(x, x, batch_size=len(x), verbose=0)
    mean, log_var = model.encode(x)
    own = tx.losses.BinaryCrossEntropy()(target=x, preds=model.decoder(mean))
    divergence = 0.5 * (jnp.exp(log_var) + mean**2 - 1 - log_var).sum(-1).mean()
    assert logs["loss"] == pytest.approx(float(own + 3 * divergence / 64), abs=1e-5)


def test_only_training_draws_places() -> None:
    x = vae.load_data()[0][:8]
    model = vae.VAE(beta=1.0).init(0, x).train()
    assert not jnp.array_equal(model(x), model(x))
    model = model.eval()
    np.testing.assert_array_equal(model(x), model(x))


def test_the_library_has_the_same_model() -> None:
    x = vae.load_data()[0][:8]
    ours = vae.VAE(beta=1.0).init(0, x).eval()
    theirs = VAE((64,), 2, hidden=[256, 128]).init(1, x).eval()
    theirs.load_state_dict(ours.state_dict())
    np.testing.assert_allclose(theirs(x), ours(x), rtol=1e-6)
    assert float(theirs.divergence) == pytest.approx(float(ours.divergence))


def test_the_picture_is_there(run: tuple[Any, Any, Path]) -> None:
    assert (run[2] / "picture.png").read_bytes().startswith(b"\x89PNG")
