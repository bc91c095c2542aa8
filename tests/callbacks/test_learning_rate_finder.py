"""The sweep over learning rates: its rates, its losses, and that training does not notice."""

from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest

import treexlite as tx
from tests.callbacks.fits import DATA, Line, X, line
from tests.training.models import arrays, assert_same
from treexlite._errors import ArgumentError, TreexliteWarning
from treexlite.callbacks import LearningRateFinder
from treexlite.callbacks._learning_rate_finder import _longest_descent


def sweep(**options: Any) -> tuple[Any, LearningRateFinder]:
    trainer, finder = line(), LearningRateFinder(**options)
    trainer.fit(*DATA, 4, 20, 0, callbacks=[finder], shuffle=False)
    return trainer, finder


def test_rates_grow_by_one_factor_up_to_the_last() -> None:
    _, finder = sweep(min_lr=1e-3, max_lr=0.1, num_steps=5)
    np.testing.assert_allclose(finder.learning_rates, [1e-3, 10**-2.5, 1e-2, 10**-1.5, 0.1])


def test_losses_are_those_of_steps_with_these_rates() -> None:
    _, finder = sweep(min_lr=1e-3, max_lr=0.5, num_steps=12)
    w, losses = 0.0, []
    x = np.asarray(X).reshape(10, 4)
    for number, rate in enumerate(finder.learning_rates):
        batch = x[number % 10]
        losses.append(np.mean((w * batch - 2 * batch) ** 2))
        w -= rate * np.mean(2 * (w - 2) * batch**2)
    np.testing.assert_allclose(finder.losses, losses, rtol=1e-5)


def test_the_trainer_is_as_before() -> None:
    trainer, untouched = line(), line()
    for one in (trainer, untouched):
        one.fit(*DATA, 4, 1, 0)
    finder = LearningRateFinder(1e-3, 0.1, 15)
    trainer.fit(*DATA, 4, 20, 0, callbacks=[finder])
    assert len(finder.losses) == 15
    assert len(trainer.history.epoch) == 2
    assert_same(arrays(trainer.state), arrays(untouched.state))


def test_training_may_go_on_as_without_it() -> None:
    trainer, plain = line(), line()
    plain.fit(*DATA, 4, 3, 0)
    trainer.fit(*DATA, 4, 3, 0, callbacks=[LearningRateFinder(1e-3, 1, 12, stop_training=False)])
    assert_same(arrays(trainer.state), arrays(plain.state))


def test_a_divergence_ends_the_sweep() -> None:
    _, finder = sweep(min_lr=1e-2, max_lr=1e8, num_steps=40)
    assert 5 < len(finder.losses) < 40
    assert len(finder._smoothed) == len(finder.losses)


def test_a_loss_that_is_not_finite_ends_the_sweep() -> None:
    x = np.full((40, 1), 1e15, np.float32)
    trainer, finder = line(), LearningRateFinder(1e-3, 1e3, 30)
    trainer.fit(x, x, 4, 20, 0, callbacks=[finder])
    assert len(finder.losses) < 30
    assert finder.suggestion is None
    assert finder.plot()


def test_the_suggestion_trains() -> None:
    _, finder = sweep(min_lr=1e-5, max_lr=1e3, num_steps=80)
    assert finder.suggestion is not None
    assert 1e-3 < finder.suggestion < 3.0  # above about 3 the steps diverge
    trainer = line(rate=finder.suggestion)
    history = trainer.fit(*DATA, 4, 20, 0)
    assert history.history["loss"][-1] < 0.1 * history.history["loss"][0]


def test_the_longest_descent_skips_noise() -> None:
    assert _longest_descent([5, 4, 6, 3, 7, 2]) == [0, 1, 3, 5]
    assert _longest_descent([1, 2, 3]) == [0]
    assert _longest_descent([]) == []


def test_nothing_is_suggested_where_nothing_falls() -> None:
    finder = LearningRateFinder()
    finder._smoothed, finder.learning_rates = [1.0, 2.0, 3.0], [0.1, 0.2, 0.3]
    assert finder.suggestion is None
    assert LearningRateFinder().suggestion is None


def test_a_training_that_is_too_short_is_told() -> None:
    with pytest.warns(TreexliteWarning, match="the training ended after 10 of 100 steps of the sw"):
        line().fit(*DATA, 4, 1, 0, callbacks=[LearningRateFinder()])


def test_groups_are_swept_together() -> None:
    optimizer = tx.Optimizer({"w": tx.Optimizer("sgd", learning_rate=0.5)})
    trainer, finder = (
        tx.Trainer(Line(), loss="mse", optimizer=optimizer),
        LearningRateFinder(0.1, 1, 3),
    )
    trainer.fit(*DATA, 4, 1, 0, callbacks=[finder])
    assert len(finder.losses) == 3
    assert float(trainer.optimizer.learning_rate["w"]) == 0.5


def test_a_picture_is_saved(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    _, finder = sweep(min_lr=1e-3, max_lr=1, num_steps=12)
    finder.plot(tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").stat().st_size > 1000


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"LearningRateFinder\.plot: expected matplotlib to be i"):
        LearningRateFinder().plot()


def test_a_rate_that_cannot_be_set_is_refused() -> None:
    trainer = tx.Trainer(Line(), loss="mse", optimizer=tx.Optimizer(optax.sgd(0.1)))
    with pytest.raises(ArgumentError, match="expected an optimizer that shows one learning rate"):
        trainer.fit(*DATA, 4, 1, 0, callbacks=[LearningRateFinder()])


def test_a_trainer_without_a_loss_is_refused() -> None:
    class NoLoss(tx.Trainer):
        def replay(self, state: Any, batch: Any) -> dict[str, Any]:
            return {"generator": 1.0}

    trainer = NoLoss(Line(), loss="mse", optimizer="sgd")
    with pytest.raises(ArgumentError, match="expected a trainer that logs its loss, received logs"):
        trainer.fit(*DATA, 4, 1, 0, callbacks=[LearningRateFinder()])


@pytest.mark.parametrize(
    "options",
    [{"min_lr": 0}, {"max_lr": 1e-9}, {"num_steps": 1}, {"stop_factor": 1}, {"smoothing": 1}],
)
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(ArgumentError, match=f"Finder: expected `{next(iter(options))}` to be a"):
        LearningRateFinder(**options)
