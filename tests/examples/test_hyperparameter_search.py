"""`examples/hyperparameter_search.py` on a coarse grid: lanes are trainings, and differ."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

search = load("hyperparameter_search")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("search")
    return *search.main(["--quick", "--out", str(out)]), out


def test_the_best_choice_is_better_than_the_default_on_data_that_played_no_part(run: Any) -> None:
    best, default, _ = run[1].values()
    assert best[1] > 0.9  # an untrained network: 0.1; a rate of 1e-4: 0.2
    assert best[0] > default[0] + 0.02
    assert best[1] > default[1] + 0.02


def test_the_scores_are_those_of_the_grid(run: Any) -> None:
    scores, results, out = run
    assert scores.shape == (4, 3)
    assert scores.max() == pytest.approx(next(iter(results.values()))[0])
    assert scores[0].max() < scores.max() - 0.1  # the lowest rate is too low
    assert (out / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_lane_is_the_training_that_runs_alone() -> None:
    data, validation, _ = search.load_data()
    rates, decays = np.full(12, 1e-3, np.float32), np.linspace(0, 1, 12, dtype=np.float32)
    keys = jax.random.split(jax.random.key(0), 12)
    models, _ = search.search(rates, decays, keys, data, validation, epochs=10)
    train = tx.jit(search.train, static_argnames="epochs")
    alone = train(rates[5], decays[5], keys[5], data, epochs=10).layers[0].kernel
    np.testing.assert_allclose(models.layers[0].kernel[5], alone, atol=1e-4)
    assert not np.allclose(models.layers[0].kernel[6], alone, atol=0.1)


def test_the_three_parts_of_the_data_are_disjoint_and_complete() -> None:
    parts = [x for x, _ in search.load_data()]
    assert [len(part) for part in parts] == [400, 400, 997]
    assert len(np.unique(np.concatenate(parts), axis=0)) == 1797
