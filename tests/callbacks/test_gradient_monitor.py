"""Norms of gradients."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.callbacks.fits import DATA, X, line
from treexlite._errors import ArgumentError, TreexliteWarning
from treexlite.callbacks import GradientMonitor
from treexlite.callbacks._gradient_monitor import _norm


def test_the_norm_is_that_of_the_last_batch_at_the_present_parameters() -> None:
    trainer, monitor = line(), GradientMonitor(every_n_steps=4)
    trainer.fit(*DATA, 4, 1, 0, callbacks=[monitor], shuffle=False)
    x, w, norms = np.asarray(X).reshape(10, 4), 0.0, []
    for batch in x:
        w -= 0.1 * np.mean(2 * (w - 2) * batch**2)
        norms.append(abs(np.mean(2 * (w - 2) * batch**2)))
    assert monitor.history["step"] == [4, 8]
    np.testing.assert_allclose(monitor.history["gradient_norm"], [norms[3], norms[7]], rtol=1e-5)
    logged = trainer.history.history["gradient_norm"][0]
    np.testing.assert_allclose(logged, (norms[3] + norms[7]) / 2, rtol=1e-5)


def network() -> Any:
    return tx.Trainer(tx.nn.MLP([3, 1]), loss="mse", optimizer="sgd")


@pytest.mark.parametrize(
    ("per", "parts"),
    [
        (None, []),
        ("module", ["layers/0", "layers/1"]),
        (
            "parameter",
            ["layers/0/bias", "layers/0/kernel", "layers/1/bias", "layers/1/kernel"],
        ),
    ],
)
def test_parts_add_up_to_the_whole(per: str | None, parts: list[str]) -> None:
    trainer, monitor = network(), GradientMonitor(5, per, log_parts=True)
    trainer.fit(*DATA, 4, 1, 0, callbacks=[monitor])
    names = [f"gradient_norm/{part}" for part in parts]
    assert sorted(monitor.history) == ["gradient_norm", *names, "step"]
    assert sorted(trainer.history.history) == ["gradient_norm", *names, "loss"]
    squares = sum(np.square(monitor.history[name]) for name in names)
    if parts:
        np.testing.assert_allclose(np.square(monitor.history["gradient_norm"]), squares, rtol=1e-5)


def test_only_the_whole_is_logged_and_not_in_epochs_without_a_look() -> None:
    trainer = network()
    trainer.fit(*DATA, 4, 3, 0, callbacks=[GradientMonitor(15)])
    assert list(trainer.history.history) == ["loss", "gradient_norm"]
    assert len(trainer.history.history["gradient_norm"]) == 2


def test_the_model_itself_has_a_name() -> None:
    monitor = GradientMonitor(10)
    line().fit(*DATA, 4, 1, 0, callbacks=[monitor])
    assert "gradient_norm/." in monitor.history


def test_training_does_not_notice() -> None:
    trainer, plain = line(), line()
    plain.fit(*DATA, 4, 2, 0)
    trainer.fit(*DATA, 4, 2, 0, callbacks=[GradientMonitor(3)])
    assert trainer.model.w == plain.model.w


def test_a_norm_that_is_too_large_is_told_once_for_each_part() -> None:
    with pytest.warns(TreexliteWarning) as caught:
        line().fit(*DATA, 4, 2, 0, callbacks=[GradientMonitor(2, max_norm=1e-3)])
    assert len(caught) == 2
    text = str(caught[0].message)
    assert text.startswith("GradientMonitor: gradient_norm is ")
    assert text.endswith(
        " after step 2, above max_norm = 0.001; `tx.Optimizer(..., clip_norm=...)` limits it"
    )


def test_a_norm_that_is_not_finite_is_too_large() -> None:
    monitor = GradientMonitor(max_norm=1e30)
    with pytest.warns(TreexliteWarning, match="gradient_norm is nan after step 7"):
        monitor._check("gradient_norm", float("nan"), 7)


def test_large_and_narrow_gradients_do_not_overflow() -> None:
    assert _norm([jnp.array([3e30, 4e30])]) == pytest.approx(5e30)
    assert _norm([jnp.array([300.0, 400.0], jnp.float16)]) == 500.0
    assert _norm([jnp.zeros(3), jnp.zeros((0,))]) == 0
    assert _norm([]) == 0
    assert jnp.isinf(_norm([jnp.array([jnp.inf, 1.0])]))
    assert jnp.isnan(_norm([jnp.array([jnp.nan, 1.0])]))


@pytest.mark.parametrize("options", [{"every_n_steps": 0}, {"per": "layer"}, {"max_norm": 0}])
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(ArgumentError, match=f"Monitor: expected `{next(iter(options))}` to be"):
        GradientMonitor(**options)
