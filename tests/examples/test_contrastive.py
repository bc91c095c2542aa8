"""`examples/contrastive.py` in short form: features learned without labels need few of them."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

contrastive = load("contrastive")


def test_learned_features_beat_untrained_ones_and_pixels(tmp_path: Path) -> None:
    accuracy = contrastive.main(["--quick", "--out", str(tmp_path)])
    assert accuracy["trained"] > accuracy["untrained"] + 0.05
    assert accuracy["trained"] > accuracy["pixels"]
    for name in ("curves.png", "picture.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_views_are_of_the_image_and_differ() -> None:
    image = contrastive.load_data()[0][0]
    keys = jax.random.split(jax.random.key(0), 50)
    views = jax.vmap(contrastive.random_view, in_axes=(0, None))(keys, image)
    assert views.shape == (50, 64)
    assert len(np.unique(np.asarray(views)[:, 30])) == 50
    likeness = np.corrcoef(views.mean(axis=0), image)[0, 1]
    assert likeness > 0.8


def test_a_view_without_chance_is_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    def middle(key, shape=(), minval=0.0, maxval=1.0):
        return jnp.full(shape, (minval + maxval) / 2)

    monkeypatch.setattr(jax.random, "uniform", middle)
    monkeypatch.setattr(jax.random, "normal", lambda key, shape: jnp.zeros(shape))
    image = contrastive.load_data()[0][0]
    np.testing.assert_allclose(
        contrastive.random_view(jax.random.key(0), image), image, rtol=1e-5, atol=1e-6
    )
