"""Training stops at what is not finite, and what was before it remains."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.callbacks.fits import DATA, Line, X, line
from tests.training.models import arrays, assert_same
from treexlite._errors import ArgumentError, NonFiniteError
from treexlite.callbacks import LearningRateScheduler, TerminateOnNaN


class Bounded(tx.Module):
    """The logarithm of `1 - w * x`, as one layer after another."""

    def __init__(self) -> None:
        self.line, self.log = Line(), tx.nn.Lambda(lambda x: jnp.log(1 - x))

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.log(self.line(x))


def bounded(rate: float = 0.3) -> Any:
    """Return a trainer whose `w` grows until the logarithm has no value."""
    optimizer = tx.Optimizer("sgd", learning_rate=rate)
    return tx.Trainer(Bounded(), loss=lambda target, preds: preds, optimizer=optimizer)


ONES = jnp.ones((12, 1))


@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_the_culprit_its_step_and_the_model_before_it(
    every: int, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer, guard = bounded(), TerminateOnNaN(every)
    trainer.fit(ONES, ONES, 2, 9, 0, callbacks=[guard])
    # w: 0, 0.3, 0.73, 1.83; so the third step still has a value, and the fourth does not.
    assert guard.found is not None
    assert (guard.found.step, guard.found.path, guard.found.what) == (4, "log", "output")
    np.testing.assert_allclose(trainer.model.line.w, 1.83, atol=0.02)
    assert int(trainer.state.step) < 9 * 6
    out = capsys.readouterr().out
    assert "in step 4, the output of Lambda at `log` is the first that is not finite. " in out
    assert out.endswith("Training stops; the model is as it was before that step.\n")


def test_the_optimizer_goes_back_too() -> None:
    optimizer = tx.Optimizer("adam", learning_rate=0.4)
    trainer = tx.Trainer(Bounded(), loss=lambda target, preds: preds, optimizer=optimizer)
    guard = TerminateOnNaN()
    trainer.fit(ONES, ONES, 2, 9, 0, callbacks=[guard])
    assert guard.found is not None
    assert int(trainer.optimizer.step) == guard.found.step - 1
    for name, array in arrays(trainer.optimizer).items():
        assert np.isfinite(array).all(), name
    trainer.train_on_batch(0 * X, X)  # it can be used


def test_it_may_stay_as_the_step_left_it() -> None:
    trainer = bounded()
    trainer.fit(ONES, ONES, 2, 9, 0, callbacks=[TerminateOnNaN(restore=False)])
    np.testing.assert_allclose(trainer.model.line.w, 1.474, atol=0.01)  # one step further


def test_gradients_that_are_not_finite_are_seen_in_their_own_step() -> None:
    model = tx.nn.Sequential(tx.nn.Linear(1, use_bias=False), tx.nn.Lambda(jnp.sqrt))
    trainer = tx.Trainer(model, loss="mse", optimizer="sgd")
    guard = TerminateOnNaN()
    trainer.fit(0 * ONES, ONES, 2, 9, 0, callbacks=[guard])
    assert guard.found is not None
    assert (guard.found.step, guard.found.path) == (1, "layers/0")
    assert guard.found.what == "gradient of `kernel`"
    assert np.isfinite(model.layers[0].kernel).all()


def test_a_finite_training_is_not_touched() -> None:
    plain, guarded, guard = line(), line(), TerminateOnNaN()
    plain.fit(*DATA, 4, 2, 0)
    guarded.fit(*DATA, 4, 2, 0, callbacks=[guard])
    assert_same(arrays(plain.state), arrays(guarded.state))
    assert guard.found is None
    assert len(guarded.history.epoch) == 2


def test_the_last_steps_of_an_epoch_are_not_missed(capsys: pytest.CaptureFixture[str]) -> None:
    trainer, guard = bounded(), TerminateOnNaN(every_n_steps=100)
    trainer.fit(ONES, ONES, 2, 9, 0, callbacks=[guard])
    assert len(trainer.history.epoch) == 1
    assert guard.found is not None
    assert (guard.found.step, guard.found.path) == (4, "log")
    np.testing.assert_allclose(trainer.model.line.w, 1.83, atol=0.02)
    assert "the loss of epoch 1 is not finite: in step 4, the out" in capsys.readouterr().out


def test_a_rate_that_changes_with_the_epoch_is_made_again_too() -> None:
    guard = TerminateOnNaN(every_n_steps=4)
    rates = LearningRateScheduler(lambda epoch: [0.0, 0.5][epoch])
    trainer = bounded()
    trainer.fit(ONES[:6], ONES[:6], 2, 2, 0, callbacks=[guard, rates])
    # Three steps do nothing; w is then 0, 0.5, 1.5, so the sixth has no value.
    assert guard.found is not None
    assert guard.found.step == 6
    assert float(trainer.model.line.w) == 1.5


def test_what_does_not_happen_again_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    trainer, guard = line(), TerminateOnNaN()
    guard.set_trainer(trainer)
    trainer.fit(*DATA, 4, 1, 0)
    guard.on_train_begin()
    guard.on_epoch_begin(0)
    guard.on_train_batch_end(0, {"loss": np.nan})
    assert (
        "it does not happen again when the steps are made again. Train" in capsys.readouterr().out
    )


def test_it_may_raise() -> None:
    trainer = bounded()
    with pytest.raises(NonFiniteError, match="TerminateOnNaN: expected every step to be finite, r"):
        trainer.fit(ONES, ONES, 2, 9, 0, callbacks=[TerminateOnNaN(raise_error=True)])
    assert np.isfinite(trainer.model.line.w)


def test_parameters_that_never_were_finite_are_not_watched() -> None:
    class Masked(Line):
        mask: jax.Array = tx.Parameter.node()

        def __init__(self) -> None:
            super().__init__()
            self.mask = jnp.array(-jnp.inf)

    guard = TerminateOnNaN()
    trainer = tx.Trainer(Masked(), loss="mse", optimizer="sgd")
    trainer.fit(*DATA, 4, 1, 0, callbacks=[guard])
    assert guard.found is None
    assert len(trainer.history.epoch) == 1


def test_it_may_be_used_again() -> None:
    guard = TerminateOnNaN()
    bounded().fit(ONES, ONES, 2, 9, 0, callbacks=[guard])
    assert guard.found is not None
    line().fit(*DATA, 4, 1, 0, callbacks=[guard])
    assert guard.found is None


def test_the_period_is_checked() -> None:
    with pytest.raises(ArgumentError, match="TerminateOnNaN: expected `every_n_steps` to be an in"):
        TerminateOnNaN(0)
