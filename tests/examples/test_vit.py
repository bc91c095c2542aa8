"""`examples/vit.py` in short form: it reads digits, and its maps are what hiding patches does."""

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

vit = load("vit")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Any, Path]:
    out = tmp_path_factory.mktemp("vit")
    results, maps = vit.main(["--quick", "--out", str(out)])
    return results, maps, out


def test_it_reads_digits(run: tuple[dict[str, float], Any, Path]) -> None:
    results, maps, _ = run
    assert results["transformer"] > 0.4  # 0.1 untrained
    assert results["nearest neighbour"] > 0.95
    assert maps.shape == (5, 4, 4)
    assert maps.mean() > 0.2  # below 0.05 untrained: hiding a patch helps as often as it harms


def test_a_map_says_what_hiding_a_patch_does() -> None:
    images, _, labels, _ = vit.load_data()
    images, labels = images[:3], labels[:3]

    def model(x: jax.Array) -> jax.Array:
        return x.reshape(len(x), 64)[:, 3:33:3] ** 2

    hidden = images.copy()
    hidden[:, 2:4, 4:6] = 0
    scores = [
        jax.nn.log_softmax(model(jnp.asarray(x)))[np.arange(3), labels] for x in (images, hidden)
    ]
    maps = vit.importance(tx.nn.Lambda(model), images, labels)
    np.testing.assert_allclose(maps[:, 1, 2], scores[0] - scores[1], atol=1e-6)
    assert np.abs(maps[:, 1, 2]).max() > 0.01
    np.testing.assert_allclose(maps[:, 3, 3], 0, atol=1e-6)  # this model does not look there


def test_copies_are_a_pixel_away() -> None:
    images = vit.load_data()[0][:3]
    same, down, up, right, left = np.split(vit.moved(images), 5)
    np.testing.assert_array_equal(same, images)
    np.testing.assert_array_equal(down[:, 1:], images[:, :-1])
    np.testing.assert_array_equal(up[:, :-1], images[:, 1:])
    np.testing.assert_array_equal(right[:, :, 1:], images[:, :, :-1])
    np.testing.assert_array_equal(left[:, :, :-1], images[:, :, 1:])


def test_the_picture_is_there(run: tuple[Any, Any, Path]) -> None:
    assert (run[2] / "picture.png").read_bytes().startswith(b"\x89PNG")
