"""Which module of a step is named, in all the places where a number may stop being finite."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import arrays, assert_same
from treexlite.callbacks import NonFinite
from treexlite.callbacks._copies import copied
from treexlite.callbacks._non_finite import find, loss_is_finite, parameters_are_finite
from treexlite.training import Batch

X = jnp.linspace(-1.0, 1.0, 8).reshape(4, 2)
Lambda, Linear = tx.nn.Lambda, tx.nn.Linear


def found(model: tx.Module, x: Any = X, loss: Any = "mse", **options: Any) -> NonFinite:
    """Return what is named for the first step of a model on a batch."""
    trainer = tx.Trainer(model, loss=loss, optimizer=tx.Optimizer("sgd", **options))
    trainer.test_on_batch(x, jnp.ones((4, 1)))
    batch = Batch(x, jnp.ones((4, 1)), None)
    before = arrays(trainer.state)
    result = find(trainer, copied(trainer.state), batch)
    assert_same(arrays(trainer.state), before)
    return result


def place(result: NonFinite) -> tuple[str | None, str | None, str]:
    return result.path, result.module, result.what


def test_the_first_output_is_named_not_those_after_it() -> None:
    model = tx.nn.Sequential(Linear(3), Lambda(jnp.log), Linear(3), Linear(1))
    assert place(found(model)) == ("layers/1", "Lambda", "output")


def test_the_innermost_module_is_named() -> None:
    inner = tx.nn.Sequential(Linear(3), Lambda(jnp.log))
    assert found(tx.nn.Sequential(inner, Linear(1))).path == "layers/0/layers/1"


def test_a_module_inside_of_transformations_is_named() -> None:
    class Scanned(tx.Module):
        def __init__(self) -> None:
            self.first, self.log, self.last = Linear(2), Lambda(jnp.log), Linear(1)

        def __call__(self, x: jax.Array) -> jax.Array:
            rows, _ = tx.scan(lambda carry, _: (self.log(self.first(carry)), None), x, None, 2)
            return self.last(jax.nn.relu(tx.vmap(lambda row: self.first(row))(rows)))

    assert place(found(Scanned())) == ("log", "Lambda", "output")


def test_a_jitted_and_rematerialised_module_is_named() -> None:
    class Inner(tx.Module):
        def __init__(self) -> None:
            self.linear, self.log = Linear(3), Lambda(jnp.log)

        @tx.jit
        def __call__(self, x: jax.Array) -> jax.Array:
            return self.log(self.linear(x))

    class Outer(tx.Module):
        def __init__(self) -> None:
            self.inner, self.last = Inner(), Linear(1)

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.last(tx.remat(self.inner)(x))

    result = found(Outer())
    assert result.path is not None
    assert result.path.endswith("log")
    assert (result.module, result.what) == ("Lambda", "output")


def test_the_data_are_named_with_the_output() -> None:
    result = found(tx.nn.Sequential(Linear(3), Linear(1)), X.at[0, 0].set(jnp.nan))
    assert place(result) == (
        "layers/0",
        "Linear",
        "output (for a batch whose `x` is not finite)",
    )


def test_a_loss_is_named_when_all_outputs_of_the_model_are_finite() -> None:
    result = found(Linear(1), loss=lambda target, preds: jnp.log(0 * preds))
    assert place(result) == (None, "FunctionLoss", "output")
    assert str(result) == (
        "in step 1, the output of FunctionLoss, which is not in the model, is the first that is "
        "not finite"
    )


def test_a_loss_that_is_no_module_is_named_too() -> None:
    class Own(tx.Trainer):
        def loss_fn(self, model: Any, batch: Any) -> Any:
            return jnp.log(0 * model(batch.x)).mean()

    trainer = Own(Linear(1), optimizer="sgd")
    trainer.test_on_batch(X)
    result = find(trainer, copied(trainer.state), Batch(X, None, None))
    assert place(result) == (None, None, "the loss, after finite outputs,")


def test_a_metric_without_a_value_is_not_the_culprit() -> None:
    class Nothing(tx.metrics.Mean):
        def per_example(self, target: Any, preds: Any) -> Any:
            return jnp.nan * preds[:, 0]

    class Own(tx.Trainer):
        def train_step(self, state: Any, batch: Any) -> Any:
            state.metrics["nothing"](batch.y, batch.y)
            return super().train_step(state, batch)

    model = tx.nn.Sequential(Linear(3), Lambda(jnp.log), Linear(1))
    trainer = Own(model, "mse", "sgd", {"nothing": Nothing()})
    trainer.test_on_batch(X, jnp.ones((4, 1)))
    batch = Batch(X, jnp.ones((4, 1)), None)
    assert find(trainer, copied(trainer.state), batch).path == "layers/1"


def test_the_first_gradient_on_the_way_back_is_named() -> None:
    # The square root has no slope at 0, so the first layer's gradient is NaN, the last one's not.
    zero = Linear(2, kernel_init=jax.nn.initializers.zeros)
    model = tx.nn.Sequential(Linear(3), zero, Lambda(jnp.sqrt), Linear(1))
    result = found(model)
    assert (result.path, result.module) == ("layers/1", "Linear")
    assert result.what in ("gradient of `kernel`", "gradient of `bias`")


def test_an_update_is_named_when_its_gradient_is_finite() -> None:
    result = found(Linear(1), learning_rate=1e38, loss=lambda target, preds: 1e3 * preds)
    assert (result.path, result.module) == ("", "Linear")
    assert result.what.startswith("update of `")


def test_a_parameter_that_was_not_finite_before_is_named() -> None:
    model = tx.nn.Sequential(Linear(3), Linear(1)).init(0, X)
    model.layers[1].bias = jnp.array([jnp.inf])
    assert place(found(model)) == ("layers/1", "Linear", "parameter `bias`")


def test_a_step_that_is_finite_when_made_again_says_so() -> None:
    assert "nothing, when the step is made again" in found(Linear(1)).what


def test_losses_of_logs() -> None:
    assert loss_is_finite({"loss": 1.0, "auc": float("nan")})
    assert not loss_is_finite({"loss": float("inf")})
    assert not loss_is_finite({"generator": 1.0, "critic": float("nan")})
    assert loss_is_finite({})


@pytest.mark.parametrize(("value", "finite"), [(1.0, True), (np.nan, False), (-np.inf, False)])
def test_parameters_of_models(value: float, finite: bool) -> None:
    model = Linear(1).init(0, X)
    model.bias = jnp.array([value])
    assert parameters_are_finite(model) is finite
    assert parameters_are_finite(Lambda(jnp.log))


def test_words() -> None:
    text = "in step 3, the output of Linear at `a/b` is the first that is not finite"
    assert str(NonFinite(3, "output", "a/b", "Linear")) == text
    text = "in step 3, the output of Linear is the first that is not finite"
    assert str(NonFinite(3, "output", "", "Linear")) == text
