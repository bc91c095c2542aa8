"""`examples/ensemble.py` in short form: the members together are better than one alone."""

from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

ensemble = load("ensemble")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, list[Any]]:
    out, drawn = tmp_path_factory.mktemp("ensemble"), []
    draw = ensemble.draw

    def remember(*arguments: Any) -> Any:
        drawn.append(draw(*arguments))
        return drawn[-1]

    with patch.object(ensemble, "draw", remember):
        return ensemble.main(["--quick", "--out", str(out)]), out, drawn


def test_the_ensemble_learns_and_beats_its_average_member(run: Any) -> None:
    for scores in run[0].values():
        (error, surprise), (member_error, member_surprise) = (
            scores["the ensemble"],
            scores["a member, on average"],
        )
        assert error < member_error
        assert surprise < member_surprise - 0.01
    error, surprise = run[0]["where data is"]["the ensemble"]
    assert error < 0.4  # 0.57 by the mean of the data, 0.65 by untrained networks
    assert surprise < 0.2  # 0.86 by mean and deviation of the data, 2.6 by untrained networks


def test_the_picture_is_written(run: Any) -> None:
    assert (run[1] / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_each_member_learns_by_itself_and_has_its_own_keys() -> None:
    model = ensemble.Ensemble(3, seed=0)
    assert len(np.unique(jax.random.key_data(model.members.dropout.key), axis=0)) == 3
    rng = np.random.default_rng(0)
    x, y = ensemble.draw(ensemble.places(20, rng), rng)
    trainer = ensemble.EnsembleTrainer(model)
    batch = tx.training.Batch(jnp.asarray(x), jnp.asarray(y), None)

    model.eval()
    alone = tx.unstack(model.members)[1]
    nll = partial(tx.losses.gaussian_nll, log_variance=True, full=True)

    def loss(member: Any) -> jax.Array:
        preds = member(batch.x)
        return nll(batch.y, (preds[:, 0], preds[:, 1])).mean()

    grads = tx.jit(tx.grad(trainer.loss_fn))(model, batch)
    np.testing.assert_allclose(
        grads.members.layers[0].kernel[1], tx.jit(tx.grad(loss))(alone).layers[0].kernel, rtol=1e-4
    )


def test_noise_does_not_follow_from_the_places(run: Any) -> None:
    x, y = run[2][0][0][:60, 0], run[2][0][1][:60]
    mean, deviation = ensemble.curve(x)
    noise = abs(y - mean) / deviation
    # Two generators with one seed give the same bits: noise then grows within each eighth of x.
    eighth = 2 * np.where(x < 0, x + 3, x + 1) % 1
    assert abs(np.corrcoef(noise, eighth)[0, 1]) < 0.3  # 0.77 with such generators


def test_no_place_is_trained_on_and_tested(run: Any) -> None:
    trained, tested, _ = (x for x, _ in run[2])
    assert len(trained) == 200
    assert not np.isin(trained, tested).any()


def test_no_place_is_in_the_gap() -> None:
    x = ensemble.places(1000, np.random.default_rng(0))
    assert x.min() < -2.9
    assert x.max() > 2.9
    assert not ((x > ensemble.GAP[0]) & (x < ensemble.GAP[1])).any()
