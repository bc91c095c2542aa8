"""`examples/mlp.py` in short form: it finds tumours, and its numbers are scikit-learn's."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

mlp = load("mlp")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, float], Path]:
    out = tmp_path_factory.mktemp("mlp")
    results, logs = mlp.main(["--quick", "--out", str(out)])
    return results, logs, out


def test_it_tells_tumours_apart(run: tuple[Any, Any, Path]) -> None:
    results = run[0]
    assert results["network"]["accuracy"] > 0.9  # 0.63 for "benign" always
    assert results["network"]["auc"] > 0.96  # about 0.5 untrained
    assert results["network"]["loss"] < 0.25  # 0.66 for the share of malignant ones
    assert abs(results["network"]["auc"] - results["logistic"]["auc"]) < 0.03


def test_evaluate_agrees_with_scikit_learn(run: tuple[Any, dict[str, float], Path]) -> None:
    results, logs, _ = run
    assert logs == pytest.approx(results["network"], abs=1e-5)


def test_no_patient_is_in_two_parts() -> None:
    parts = mlp.load_data(seed=1)
    rows = np.concatenate([x for x, _ in parts])
    assert [len(x) for x, _ in parts] == [298, 100, 171]
    assert len(np.unique(rows, axis=0)) == 569


def test_the_first_layer_scales_what_comes_in() -> None:
    scale = mlp.Network().scale
    x = 1000 + 50 * np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    scale.init(0, x, inplace=True)
    for _ in range(60):
        scale(x)
    scaled = scale.eval()(jnp.asarray(x))
    assert not scale.parameters(tx.Parameter).state_dict()
    np.testing.assert_allclose(scaled.mean(0), 0, atol=0.1)
    np.testing.assert_allclose(scaled.std(0), 1, atol=0.1)


def test_the_picture_is_there(run: tuple[Any, Any, Path]) -> None:
    assert (run[2] / "picture.png").read_bytes().startswith(b"\x89PNG")
