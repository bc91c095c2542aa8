from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.optimizers.models import make, named, train_step
from treexlite._errors import ArgumentError
from treexlite.optimizers import DynamicLossScale, LossScale
from treexlite.optimizers._loss_scale import as_loss_scale


def test_losses_are_scaled_in_float32() -> None:
    scale = LossScale(2.0**15)
    scaled = scale.scale(jnp.float16(100.0))
    assert (float(scaled), scaled.dtype) == (3276800.0, jnp.float32)
    assert float(scale.unscale(scaled)) == 100.0


def test_gradients_come_back_in_their_dtype_or_a_wider_one() -> None:
    scale = LossScale(1024.0)
    grads = {"h": jnp.full(2, 2.0**-14, jnp.float16), "n": jnp.array(3), "f": jnp.ones(2)}
    same, wide = scale.unscale(grads), scale.unscale(grads, jnp.float32)
    assert same["h"].dtype == jnp.float16
    assert int(same["n"]) == int(wide["n"]) == 3
    np.testing.assert_allclose(wide["h"], 2.0**-24)
    assert wide["f"].dtype == jnp.float32


def test_modules_are_unscaled_too() -> None:
    model = make()
    halved = LossScale(2.0).unscale(model)
    np.testing.assert_array_equal(halved.first.w, model.first.w / 2)
    assert int(halved.steps) == int(model.steps)


def test_a_dynamic_scale_grows_and_shrinks_as_a_grad_scaler() -> None:
    options = {"growth_factor": 4.0, "backoff_factor": 0.25, "growth_interval": 3}
    scale = DynamicLossScale(8.0, **options)  # type: ignore[arg-type]
    adjust = tx.jit(lambda scale, finite: scale.adjust(finite))
    value, streak = 8.0, 0
    for finite in [True] * 4 + [False, True, False] + [True] * 6:
        adjust(scale, finite)
        if finite:
            streak += 1
            if streak == 3:
                value, streak = value * 4, 0
        else:
            value, streak = value / 4, 0
        assert (float(scale.value), int(scale.streak)) == (value, streak)


def test_a_scale_stays_between_its_bounds() -> None:
    scale = DynamicLossScale(2.0, min_scale=1.5)
    scale.adjust(False)
    assert float(scale.value) == 1.5
    scale = DynamicLossScale(2.0**127, growth_interval=1)
    scale.adjust(True)
    assert float(scale.value) == 2.0**127


def test_a_scaled_step_is_that_without_a_scale() -> None:
    one, two = make(), make()
    plain = tx.Optimizer("adam", 0.1).init(one)
    scaled = tx.Optimizer("adam", 0.1, loss_scale=2.0**10).init(two)
    for _ in range(2):
        train_step(one, plain), train_step(two, scaled)
    for path, value in named(one).items():
        np.testing.assert_allclose(value, named(two)[path], rtol=1e-6, atol=1e-7)


def test_overflow_is_skipped_and_the_scale_shrinks() -> None:
    class Half(tx.Module):
        w: Any = tx.Parameter.node()

        def __init__(self) -> None:
            self.w = jnp.ones(2, jnp.float16)

    model = Half()
    optimizer = tx.Optimizer("sgd", 0.5, loss_scale="dynamic").init(model)

    @tx.jit
    def step(model: Half, optimizer: tx.Optimizer) -> None:
        f = lambda m: optimizer.scale_loss(jnp.sum(m.w * jnp.float16(4.0)))  # noqa: E731
        optimizer.update(tx.grad(f)(model), model)

    step(model, optimizer)  # 4 * 2**15 is infinite in float16
    assert model.w.tolist() == [1.0, 1.0]
    assert (float(optimizer.loss_scale.value), int(optimizer.skipped)) == (2.0**14, 1)
    step(model, optimizer), step(model, optimizer)
    assert int(optimizer.skipped) == 2
    assert model.w.tolist() == [-1.0, -1.0]
    assert step.cache_size() == 1


def test_an_optimizer_without_a_scale_leaves_losses_alone() -> None:
    loss = jnp.float16(0.5)
    assert tx.Optimizer("sgd").scale_loss(loss) is loss


def test_optimizers_that_are_made_with_one_scale_have_their_own() -> None:
    scale = DynamicLossScale(8.0)
    params = {"x": jnp.ones(2)}
    one = tx.Optimizer("sgd", loss_scale=scale).init(params)
    one.update({"x": jnp.full(2, jnp.nan)}, params)
    assert (float(one.loss_scale.value), float(scale.value)) == (4.0, 8.0)
    pointers = [x.unsafe_buffer_pointer() for x in jax.tree.leaves((one, scale))]
    assert len(set(pointers)) == len(pointers)


def test_numbers_and_names_stand_for_scales() -> None:
    assert as_loss_scale(None) is None
    assert float(as_loss_scale(8).value) == 8.0  # type: ignore[union-attr]
    assert type(as_loss_scale("dynamic")) is DynamicLossScale
    with pytest.raises(ArgumentError, match=r"expected `loss_scale` to be a `tx.optimizers"):
        tx.Optimizer("sgd", loss_scale="large")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"value": 0.0}, "`value` to be a number above 0"),
        ({"value": "large"}, "`value` to be a number above 0"),
        ({"growth_factor": 1.0}, "`growth_factor` to be a number above 1"),
        ({"backoff_factor": 1.0}, "`backoff_factor` below 1"),
        ({"growth_interval": 0}, "`growth_interval` to be a number above 0"),
        ({"growth_interval": 2.5}, "`growth_interval` to be an integer"),
    ],
)
def test_numbers_out_of_range_are_refused(options: Any, expected: str) -> None:
    with pytest.raises(ArgumentError, match=f"DynamicLossScale: expected {expected}"):
        DynamicLossScale(**options)
