"""`examples/reinforce.py` in short form: the pole is balanced, by the rules of the environment."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("matplotlib")

reinforce = load("reinforce")


def test_the_return_grows_above_150_of_200(tmp_path: Path) -> None:
    returns, test = reinforce.main(["--quick", "--out", str(tmp_path)])
    assert returns[0] < 100
    assert returns[-1] > 150
    assert test > 150
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def reference(observation: np.ndarray, action: int) -> np.ndarray:
    """One Euler step of Barto, Sutton and Anderson's equations, in their form."""
    _, x_dot, theta, theta_dot = observation.astype(float)
    force = 10.0 if action else -10.0
    pole = 0.1 * 0.5
    total = 1.0 + 0.1
    inner = (-force - pole * theta_dot**2 * np.sin(theta)) / total
    theta_acc = (9.8 * np.sin(theta) + np.cos(theta) * inner) / (
        0.5 * (4 / 3 - 0.1 * np.cos(theta) ** 2 / total)
    )
    x_acc = (force + pole * (theta_dot**2 * np.sin(theta) - theta_acc * np.cos(theta))) / total
    return observation + 0.02 * np.array([x_dot, x_acc, theta_dot, theta_acc])


def test_the_cart_moves_as_in_the_paper() -> None:
    start = np.array([0.1, -0.3, 0.05, 0.4], np.float32)
    for action in (0, 1):
        cart = reinforce.CartPole(jnp.asarray(start))
        assert float(cart.step(action)) == 1
        np.testing.assert_allclose(cart.observation, reference(start, action), rtol=1e-5)


@pytest.mark.parametrize("start", [[2.39, 5.0, 0, 0], [0, 0, 0.2, 3.0]])
def test_an_episode_that_is_over_earns_nothing_more(start: list[float]) -> None:
    cart = reinforce.CartPole(jnp.array(start))
    assert float(cart.step(1)) == 1  # the step that ends it counts
    over = np.asarray(cart.observation)
    assert [float(cart.step(0)) for _ in range(2)] == [0, 0]
    np.testing.assert_array_equal(cart.observation, over)


def test_returns_are_discounted_sums_of_what_follows() -> None:
    rewards = jnp.array([[1.0, 2.0, 4.0]])
    np.testing.assert_allclose(reinforce.returns(rewards, 0.5), [[3.0, 4.0, 4.0]])


def test_an_episode_ends_when_it_is_lost() -> None:
    model = reinforce.ActorCritic().init(0, jnp.zeros(4))
    seen, actions, rewards = reinforce.play(model, jnp.zeros(4), jax.random.key(0))
    length = int(rewards.sum())
    assert 5 < length < reinforce.NUM_STEPS
    assert set(np.asarray(actions).tolist()) == {0, 1}
    np.testing.assert_array_equal(seen[length:], jnp.broadcast_to(seen[-1], seen[length:].shape))
