"""Dtype policies of a trainer, and the loss scale of float16."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import classes
from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.optimizers import DynamicLossScale, LossScale
from treexlite.training import Batch, Trainer
from treexlite.training._precision import as_policy, scaled_optimizer

HALF = tx.nn.policy("mixed_float16")


def test_a_policy_may_be_a_name_an_object_or_nothing() -> None:
    assert as_policy("Trainer", None) is None
    assert as_policy("Trainer", HALF) is HALF
    assert as_policy("Trainer", "mixed_float16") == HALF


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'mixed_bfloat16'"):
        as_policy("Trainer", "mixed_bfloat")
    with pytest.raises(ArgumentError, match="Trainer: expected `dtype_policy` to be a name or a"):
        as_policy("Trainer", jnp.float16)


def test_float16_gets_a_dynamic_loss_scale() -> None:
    for value in ("adam", optax.adam(0.1)):
        made = scaled_optimizer("Trainer", value, HALF)
        assert made is not None
        assert isinstance(made.loss_scale, DynamicLossScale)


def test_other_dtypes_get_none() -> None:
    for dtypes in (None, tx.nn.policy("mixed_bfloat16")):
        made = scaled_optimizer("Trainer", "adam", dtypes)
        assert made is not None
        assert made.loss_scale is None
    assert scaled_optimizer("Trainer", None, HALF) is None


def test_an_optimizer_that_is_given_says_it_itself() -> None:
    given = tx.Optimizer("adam", loss_scale=1.0)
    assert scaled_optimizer("Trainer", given, HALF) is given
    with pytest.raises(
        ArgumentError, match="Trainer: expected an optimizer with a loss scale, bec"
    ):
        scaled_optimizer("Trainer", tx.Optimizer("adam"), HALF)


@pytest.mark.parametrize("initialised", [False, True])
def test_the_policy_holds_at_init_and_in_calls(initialised: bool) -> None:
    x, y = classes(8)
    model = tx.nn.MLP([4, 3])
    model = model.init(0, x) if initialised else model
    trainer = Trainer(model, "crossentropy", "sgd", dtype_policy="bfloat16")
    logs = trainer.fit(x, y, 8, verbose=0).history
    assert model.layers[0].kernel.dtype == jnp.bfloat16
    assert trainer.predict(x, verbose=0).dtype == jnp.bfloat16
    assert np.isfinite(logs["loss"]).all()


def test_a_refused_trainer_leaves_the_model_as_it_was() -> None:
    model = tx.nn.Linear(3).init(0, jnp.ones((1, 4)))
    with pytest.raises(ArgumentError):
        Trainer(model, "mse", tx.Optimizer("sgd"), dtype_policy="float16")
    assert model.kernel.dtype == jnp.float32


class Tiny(tx.Module):
    """A model whose gradients are 0 in float16, unless they are scaled."""

    w: jax.Array = tx.Parameter.node()

    def __init__(self) -> None:
        self.w = jnp.array(1.0)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.w.astype(jnp.float16) * x.astype(jnp.float16)


def gradient(steps: int, loss_scale: float | None) -> float:
    """Return the gradient of `w` that an optimizer gets; the true one is -2**-28."""
    seen: list[Any] = []

    def update(grads: Any, state: Any, params: Any = None, *, grad: Any, **extra: Any) -> Any:
        np.testing.assert_array_equal(grad["w"], grads["w"])
        seen.append(grads["w"])
        return grads, state

    rule = optax.GradientTransformationExtraArgs(lambda params: (), update)
    optimizer = tx.Optimizer(rule, loss_scale=loss_scale).init(Tiny())
    loss = tx.losses.MeanSquaredError(weight=2.0**-20)
    trainer = Trainer(Tiny(), loss, optimizer, accumulate_steps=steps)
    batch = Batch(jnp.ones(4), jnp.full(4, 1 + 2.0**-9))
    logs = trainer.train_step(trainer.state, batch)
    np.testing.assert_allclose(logs["loss"], 2.0**-38, rtol=1e-5)  # not the scaled one
    return float(seen[0])


@pytest.mark.parametrize("steps", [1, 3])
def test_small_gradients_survive_with_a_loss_scale(steps: int) -> None:
    assert gradient(steps, None) == 0
    np.testing.assert_allclose(gradient(steps, 2.0**15), -(2.0**-28), rtol=1e-3)


def test_an_overflow_is_skipped_and_lowers_the_scale() -> None:
    optimizer = tx.Optimizer("sgd", loss_scale="dynamic")
    trainer = Trainer(Tiny(), tx.losses.MeanSquaredError(weight=1e4), optimizer)
    trainer.train_on_batch(np.ones(4), np.zeros(4))
    assert trainer.model.w == 1
    assert optimizer.skipped == 1
    assert isinstance(optimizer.loss_scale, LossScale)
    assert optimizer.loss_scale.value == 2.0**14


def test_mixed_float16_learns() -> None:
    x, y = classes(60)
    trainer = Trainer(
        tx.nn.MLP([16, 3]), "ce", tx.Optimizer("adam", 0.01, loss_scale="dynamic"),
        ["acc"], dtype_policy="mixed_float16",
    )  # fmt: skip
    history = trainer.fit(x, y, 20, epochs=20, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert trainer.model.layers[0].kernel.dtype == jnp.float32
