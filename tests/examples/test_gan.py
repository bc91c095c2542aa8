"""`examples/gan.py` in short form: what it draws is near the images in the mean and in variety."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

gan = load("gan")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("gan")
    real, ours = gan.main(["--quick", "--out", str(out)])
    return real, ours, out


def test_the_drawings_are_near_the_images(run: tuple[Any, Any, Path]) -> None:
    real, ours, _ = run
    for name in ("brightness", "contrast (deviation of a pixel)"):
        assert ours[name] == pytest.approx(real[name], rel=0.3)
    assert ours["error of the mean image"] < 0.1  # 0.17 after one epoch
    assert ours["distance to the nearest image"] < 1.9  # 2.25 after one epoch
    assert ours["share of the rarest digit"] > 0.01  # 0 after one epoch


def test_what_is_saved_was_drawn(run: tuple[Any, Any, Path]) -> None:
    drawn = np.load(run[2] / "drawn.npy")
    assert drawn.shape == (1000, 64)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert (run[2] / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_each_half_is_moved_by_its_own_optimizer() -> None:
    images, _ = gan.load_data()
    trainer = gan.train(images[:64], epochs=0, seed=0, verbose=0)
    trainer.optimizer.learning_rate = {"generator/**": 0.0}
    before = trainer.model.state_dict(tx.Parameter)
    trainer.train_on_batch(images[:64])
    for name, after in trainer.model.state_dict(tx.Parameter).items():
        assert jnp.array_equal(before[name], after) == name.startswith("generator")
