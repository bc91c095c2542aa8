"""`examples/neural_ode.py` in short form: the learned field leads where the true one does."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

pytest.importorskip("matplotlib")

neural_ode = load("neural_ode")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("neural_ode")
    return neural_ode.main(["--quick", "--out", str(out)]), out


def test_the_field_is_followed_far_beyond_what_was_seen(run: Any) -> None:
    errors, out = run
    field, linear, _ = errors.values()
    assert len(field) == 5 * neural_ode.LENGTH
    assert field[9] < 0.15  # an untrained field leads about as far as staying does: 1.8
    assert field[-1] < 0.3
    assert field[-1] < 0.6 * linear[-1]
    assert (out / "picture.png").read_bytes().startswith(b"\x89PNG")


def rotation(state: jax.Array) -> jax.Array:
    """A field whose flow turns by one radian per second."""
    return jnp.stack([-state[..., 1], state[..., 0]], axis=-1)


def test_the_error_of_a_step_is_of_fifth_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def error(step: float) -> float:
        monkeypatch.setattr(neural_ode, "STEP", step)
        found = neural_ode.runge_kutta(rotation, jnp.array([1.0, 0.0]))
        return float(np.hypot(*(np.asarray(found) - [np.cos(step), np.sin(step)])))

    assert error(0.5) / error(1.0) == pytest.approx(2**-5, rel=0.2)


def test_the_gradient_goes_through_all_steps() -> None:
    model = neural_ode.Flow().init(0, jnp.zeros((1, 2)))
    start = jnp.array([[0.5, -1.0]])

    def end(field: Any, start: jax.Array) -> jax.Array:
        return neural_ode.follow(field, start, 3)[0, -1].sum()

    def unrolled(field: Any, start: jax.Array) -> jax.Array:
        for _ in range(3):
            start = neural_ode.runge_kutta(field, start)
        return start.sum()

    found, expected = (tx.jit(tx.grad(f))(model.field, start) for f in (end, unrolled))
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert jnp.abs(ours).max() > 1e-3
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_pendulum_loses_energy_and_glimpses_are_noisy() -> None:
    starts, paths = neural_ode.watch(20, 10, np.random.default_rng(0))
    angle, spin = paths[..., 0], paths[..., 1]
    energy = spin**2 / 2 - 4 * np.cos(angle)
    assert (np.diff(energy, axis=1) < 1e-4).all()
    x, y = neural_ode.load_data(20, np.random.default_rng(0))
    noise = np.concatenate([(x - starts).ravel(), (y - paths).ravel()])
    assert noise.std() == pytest.approx(neural_ode.NOISE, rel=0.2)
