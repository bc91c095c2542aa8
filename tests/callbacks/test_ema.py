"""Moving averages against a loop in NumPy, and where they are when."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.callbacks.fits import DATA, Line, X, line, new_line
from treexlite._errors import ArgumentError
from treexlite.callbacks import (
    EMA,
    Callback,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
)


class Weights(Callback):
    """Keeps the parameter after every step."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.values.append(float(self.model.w))


def reference(values: list[float], momentum: float, every: int) -> float:
    kept = values[every - 1 :: every]
    average = kept[0]
    for value in kept[1:]:
        average = momentum * average + (1 - momentum) * value
    return average


SHARED = new_line()  # compiled once


@settings(max_examples=examples(12), deadline=None)
@given(momentum=st.floats(0, 0.999), every=st.integers(1, 7), epochs=st.integers(1, 2))
def test_the_average_is_that_of_a_loop(momentum: float, every: int, epochs: int) -> None:
    weights, ema = Weights(), EMA(momentum, every)
    SHARED.model.w = jnp.array(0.0)
    SHARED.state.step = jnp.zeros((), jnp.int32)  # periods count all steps of a trainer
    SHARED.fit(*DATA, 4, epochs, 0, callbacks=[weights, ema])
    wanted = reference(weights.values, momentum, every)
    np.testing.assert_allclose(ema.averages["w"], wanted, rtol=1e-5)


def test_evaluation_has_the_averages_and_training_its_own() -> None:
    ema, seen = EMA(0.9), []
    look = LambdaCallback(
        on_test_batch_end=lambda batch, logs: seen.append(float(trainer.model.w)),
        on_epoch_end=lambda epoch, logs: seen.append(float(trainer.model.w)),
    )
    trainer, plain = line(), line()
    plain.fit(*DATA, 4, 2, 0)
    trainer.fit(*DATA, 4, 2, 0, callbacks=[ema, look], validation_data=(X[:4], X[:4]))
    assert seen[2] == float(ema.averages["w"]) != seen[3]
    assert seen[3] == float(trainer.model.w) == float(plain.model.w)


def test_later_evaluations_and_predictions_have_them_too() -> None:
    ema, trainer = EMA(0.9), line()
    trainer.fit(*DATA, 4, 1, 0, callbacks=[ema])
    own, one = float(trainer.model.w), jnp.ones((1, 1))
    assert trainer.predict(one, verbose=0, callbacks=[ema])[0, 0] == ema.averages["w"]
    error = trainer.evaluate(one, 0 * one, verbose=0, callbacks=[ema])["loss"]
    np.testing.assert_allclose(error, float(ema.averages["w"]) ** 2, rtol=1e-6)
    assert float(trainer.model.w) == own
    assert trainer.predict(one, verbose=0)[0, 0] == own


def test_they_may_stay_at_the_end() -> None:
    ema, trainer = EMA(0.9, swap_at_end=True), line()
    trainer.fit(*DATA, 4, 1, 0, callbacks=[ema])
    assert trainer.model.w == ema.averages["w"]
    trainer.fit(*DATA, 4, 1, 0)  # donates the model's array, not the average
    assert np.isfinite(ema.averages["w"])


def test_parameters_come_back_after_an_error_in_an_evaluation() -> None:
    class Breaks(Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            raise RuntimeError("no")

    ema, trainer = EMA(0.9), line()
    trainer.fit(*DATA, 4, 1, 0, callbacks=[ema])
    own = float(trainer.model.w)
    with pytest.raises(RuntimeError, match="no"):
        trainer.evaluate(*DATA, verbose=0, callbacks=[ema, Breaks()])
    assert float(trainer.model.w) == own


def test_a_further_training_goes_on_and_another_trainer_begins_anew() -> None:
    whole, parts = EMA(0.9), EMA(0.9)
    line().fit(*DATA, 4, 2, 0, callbacks=[whole])
    trainer = line()
    trainer.fit(*DATA, 4, 1, 0, callbacks=[parts])
    trainer.fit(*DATA, 4, 2, 0, callbacks=[parts], initial_epoch=1)
    assert parts.averages["w"] == whole.averages["w"]
    line().fit(*DATA, 4, 2, 0, callbacks=[parts])
    assert parts.averages["w"] == whole.averages["w"]


def test_its_state_continues() -> None:
    ema, other, trainer = EMA(0.9), EMA(0.9), line()
    trainer.fit(*DATA, 4, 1, 0, callbacks=[ema])
    load = LambdaCallback(on_train_begin=lambda logs: other.load_state_dict(saved))
    saved = jax.tree.map(np.asarray, ema.state_dict())
    trainer.fit(*DATA, 4, 2, 0, callbacks=[ema, load, other], initial_epoch=1)
    assert other.averages["w"] == ema.averages["w"]


def test_narrow_parameters_have_wide_averages_and_frozen_ones_none() -> None:
    class Pair(tx.Module):
        def __init__(self) -> None:
            self.a, self.b = Line(), Line().freeze()
            self.a.w = jnp.array(0.0, jnp.bfloat16)

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.a(x) + self.b(x)

    trainer, ema = tx.Trainer(Pair(), loss="mse", optimizer="sgd"), EMA(0.9, swap_at_end=True)
    trainer.fit(X[:4], X[:4], 4, 1, 0, callbacks=[ema])
    assert {path: value.dtype for path, value in ema.averages.items()} == {"a/w": jnp.float32}
    assert trainer.model.a.w.dtype == jnp.bfloat16


def test_one_program_is_compiled_for_all_steps() -> None:
    from treexlite.callbacks import _ema

    _ema._updated.clear_cache()
    line().fit(*DATA, 4, 2, 0, callbacks=[EMA(0.9)])
    assert _ema._updated._cache_size() == 1


@pytest.mark.parametrize("options", [{"momentum": 1.0}, {"momentum": -0.1}, {"every_n_steps": 0}])
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(ArgumentError, match=f"EMA: expected `{next(iter(options))}` to be a"):
        EMA(**options)


# between epochs

VALIDATED: dict[str, Any] = {"validation_data": (X[:4], X[:4]), "verbose": 0}


def validated(trainer: Any) -> float:
    return float(trainer.evaluate(X[:4], X[:4], verbose=0)["loss"])


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("swaps", [True, False])
def test_the_best_weights_are_those_that_were_measured_if_averages_stay(
    swaps: bool, is_first: bool, tmp_path: Any
) -> None:
    trainer, plain = line(), line()
    ema = EMA(0.9, swap_on_epoch=swaps)
    best = tmp_path / "best"
    stopping = EarlyStopping("val_loss", patience=5, restore_best_weights=True)
    others = [stopping, ModelCheckpoint(best, save_best_only=True, save_weights_only=True)]
    callbacks = [ema, *others] if is_first else [*others, ema]
    history = trainer.fit(*DATA, 4, 3, callbacks=callbacks, **VALIDATED).history
    assert stopping.best_epoch is not None
    plain.fit(*DATA, 4, stopping.best_epoch + 1, 0)
    assert (float(trainer.model.w) == float(plain.model.w)) is not swaps
    assert (validated(trainer) == min(history["val_loss"])) is swaps
    saved = tx.load(best)
    assert float(saved["w"]) == float(trainer.model.w)


def test_averages_between_epochs_change_nothing_in_training() -> None:
    seen: list[float] = []
    look = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(float(trainer.model.w)),
        on_epoch_end=lambda epoch, logs: seen.append(validated(trainer)),
    )
    trainer, plain, ema = line(), line(), EMA(0.9, swap_on_epoch=True)
    history = trainer.fit(*DATA, 4, 3, callbacks=[look, ema], **VALIDATED).history
    assert seen[1::2] == history["val_loss"]  # an evaluation there leaves them in the model
    expected = [0.0]
    for epoch in range(2):
        plain.fit(*DATA, 4, epoch + 1, 0, initial_epoch=epoch)
        expected.append(float(plain.model.w))
    assert seen[::2] == expected
    plain.fit(*DATA, 4, 3, 0, initial_epoch=2)
    assert float(trainer.model.w) == float(plain.model.w)  # and the parameters are back


def test_a_training_that_is_saved_between_epochs_goes_on_to_the_same_bits(tmp_path: Any) -> None:
    whole, half, resumed = line(), line(), line()
    emas = [EMA(0.9, swap_on_epoch=True) for _ in range(3)]
    whole.fit(*DATA, 4, 3, callbacks=emas[0], **VALIDATED)
    keep, again = (ModelCheckpoint(tmp_path / name) for name in ("half", "again"))
    half.fit(*DATA, 4, 2, callbacks=[emas[1], keep], **VALIDATED)
    resumed.restore(tmp_path / "half")
    assert float(resumed.model.w) == float(emas[1].averages["w"])  # ready to be used
    resumed.fit(*DATA, 4, 3, callbacks=[emas[2], again], **VALIDATED)
    assert float(resumed.model.w) == float(whole.model.w)
    assert float(emas[2].averages["w"]) == float(emas[0].averages["w"])
    assert resumed.history.history == whole.history.history


def test_parameters_come_back_when_a_callback_fails_between_epochs() -> None:
    def fail(*_: Any) -> None:
        raise ValueError("in a callback")

    trainer, plain = line(), line()
    callbacks = [LambdaCallback(on_epoch_end=fail), EMA(0.9, swap_on_epoch=True)]
    with pytest.raises(ValueError, match="in a callback"):
        trainer.fit(*DATA, 4, 1, 0, callbacks=callbacks)
    plain.fit(*DATA, 4, 1, 0)
    assert float(trainer.model.w) == float(plain.model.w)
