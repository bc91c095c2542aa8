"""`examples/custom_step.py` in short form: both steps hold the network back from wrong labels."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

custom_step = load("custom_step")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("custom_step")
    return custom_step.main(["--quick", "--out", str(out)]), out


@pytest.mark.parametrize("name", ["Mixup", "SharpnessAware"])
def test_fewer_wrong_labels_are_learned_than_by_the_default_step(run: Any, name: str) -> None:
    default, ours = run[0]["Trainer"], run[0][name]
    assert ours["wrong"] < default["wrong"] - 0.15  # of an untrained network: 0.1
    assert ours["last"] > default["last"] + 0.03
    assert ours["last"] > 0.8


def test_the_picture_is_written(run: Any) -> None:
    assert (run[1] / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_the_step_is_made_here_by_the_gradient_of_the_worst_place_nearby() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 8, 3)).astype(np.float32)
    model = tx.nn.Linear(3, use_bias=False).init(0, x)
    here = jnp.array(model.kernel)
    trainer = custom_step.SharpnessAware(model, "mse", tx.Optimizer("sgd", learning_rate=0.1))
    trainer.train_on_batch(x, y)

    grad = jax.grad(lambda kernel: jnp.mean((x @ kernel - y) ** 2))
    there = here + custom_step.RADIUS * grad(here) / jnp.linalg.norm(grad(here))
    np.testing.assert_allclose(model.kernel, here - 0.1 * grad(there), rtol=1e-5, atol=1e-6)


def test_four_tenths_of_the_labels_are_wrong() -> None:
    (x, y), (_, wrong), (_, y_test) = custom_step.load_data(1257, seed=0)
    assert y.shape == (len(x), 10)
    assert len(wrong) / len(y) == pytest.approx(custom_step.WRONG, abs=0.05)
    assert len(y_test) == 540
