"""Optimizers against torch: parameters after 10 steps, to 1e-5.

Gradients are the same function of the parameters on both sides. Where torch's defaults differ from
optax's (the weight decay of AdamW, the centre of RMSprop), the options are given.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from treexlite.optimizers import schedules

torch = pytest.importorskip("torch", reason="torch is not installed")

START = {"b": np.array([0.5, -0.25], np.float32), "w": np.array([[1.0, -2.0]], np.float32)}
STEPS = 10

Theirs = Callable[[Any, float], Any]
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], Theirs]] = {
    "sgd": ("sgd", {}, lambda p, rate: torch.optim.SGD(p, rate)),
    "momentum": (
        "sgd",
        {"momentum": 0.9},
        lambda p, rate: torch.optim.SGD(p, rate, momentum=0.9),
    ),
    "nesterov": (
        "sgd",
        {"momentum": 0.9, "nesterov": True},
        lambda p, rate: torch.optim.SGD(p, rate, momentum=0.9, nesterov=True),
    ),
    "adam": ("adam", {}, lambda p, rate: torch.optim.Adam(p, rate)),
    "adamw": (
        "adamw",
        {"weight_decay": 0.1},
        lambda p, rate: torch.optim.AdamW(p, rate, weight_decay=0.1),
    ),
}
SCHEDULES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "cosine": (
        schedules.cosine(0.1, STEPS),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS),
    ),
    "exponential": (
        schedules.exponential(0.1, 1, 0.8),
        lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.8),
    ),
    "step": (
        schedules.exponential(0.1, 3, 0.5, staircase=True),
        lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
    ),
    "milestones": (
        schedules.piecewise([2, 5], [0.1, 0.05, 0.025]),
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [2, 5], 0.5),
    ),
    "polynomial": (
        schedules.polynomial(0.1, STEPS, power=2.0),
        lambda o: torch.optim.lr_scheduler.PolynomialLR(o, STEPS, 2.0),
    ),
    "warmup": (
        schedules.linear_warmup(0.1, 5, start=0.05),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.5, 1.0, 5),
    ),
    "restarts": (
        schedules.cosine_restarts(0.1, 3),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 2),
    ),
    "one cycle": (
        schedules.one_cycle(0.1, STEPS - 1, pct_start=1 / 3),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, 0.1, total_steps=STEPS, pct_start=0.4, cycle_momentum=False
        ),
    ),
}


def ours_after(optimizer: tx.Optimizer) -> dict[str, np.ndarray]:
    params = {path: jnp.asarray(x) for path, x in START.items()}
    optimizer = optimizer.init(params)

    @tx.jit
    def run(params: Any, optimizer: tx.Optimizer) -> Any:
        def body(carry: Any, _: Any) -> Any:
            params, optimizer = carry
            grads = {path: jnp.sin(3 * x) + x for path, x in params.items()}
            return (optimizer.update(grads, params), optimizer), None

        (params, _), _ = tx.scan(body, (params, optimizer), None, length=STEPS)
        return params

    return {path: np.asarray(x) for path, x in run(params, optimizer).items()}


def theirs_after(make: Theirs, rate: float, clip: float | None, schedule: Any) -> Any:
    params = {path: torch.nn.Parameter(torch.tensor(x)) for path, x in START.items()}
    optimizer = make(list(params.values()), rate)
    scheduler = None if schedule is None else schedule(optimizer)
    for _ in range(STEPS):
        for parameter in params.values():
            parameter.grad = (torch.sin(3 * parameter) + parameter).detach()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(params.values(), clip)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return {path: x.detach().numpy() for path, x in params.items()}


def assert_same(ours: Any, theirs: Any) -> None:
    for path in START:
        np.testing.assert_allclose(ours[path], theirs[path], rtol=1e-5, atol=1e-5)


@given(
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from([0.01, 0.1, 0.3]),
    st.sampled_from([None, 0.5, 2.0]),
)
@settings(max_examples=examples(8))
def test_optimizers_with_clipping(name: str, rate: float, clip: float | None) -> None:
    ours, options, theirs = OPTIMIZERS[name]
    found = ours_after(tx.Optimizer(ours, rate, clip_norm=clip, **options))
    assert_same(found, theirs_after(theirs, rate, clip, None))


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name: str) -> None:
    ours, theirs = SCHEDULES[name]
    found = ours_after(tx.Optimizer("sgd", ours, momentum=0.9, clip_norm=1.0))
    assert_same(found, theirs_after(OPTIMIZERS["momentum"][2], 0.1, 1.0, theirs))
