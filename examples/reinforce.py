"""Balance a pole on a cart: policy gradients on an environment that is a module.

`CartPole` is a module whose methods write to `self`, like any object. `tx.vmap` runs many of them
at once, `tx.scan` runs them through time, and `Reinforce.train_step` makes all of it, the gradient
and the update, one compiled program. What `fit` gets as data are the states to start from.

The rules are those of Barto, Sutton and Anderson (1983) as Gym's CartPole-v0 has them: a reward of
1 for each step, until the pole or the cart has gone too far, or 200 steps are over.

    python examples/reinforce.py                     about half a minute on two cores
    python examples/reinforce.py --epochs 6 --seed 1
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx

NUM_STEPS = 200
DISCOUNT = 0.99


class CartPole(tx.Module):
    """A cart on a track, with a pole on it that wants to fall.

    Args:
        observation: place and speed of the cart, angle and speed of the pole, shape (4,).
    """

    observation: jax.Array = tx.State.node()
    alive: jax.Array = tx.State.node()

    def __init__(self, observation):
        self.observation = observation
        self.alive = jnp.array(True)

    def step(self, action):
        """Push the cart to the left (0) or to the right (1); return the reward."""
        _, speed, angle, spin = self.observation
        gravity, pole_mass, mass, half_length, time = 9.8, 0.1, 1.1, 0.5, 0.02
        force = jnp.where(action == 1, 10.0, -10.0)
        sin, cos = jnp.sin(angle), jnp.cos(angle)
        push = (force + pole_mass * half_length * spin**2 * sin) / mass
        inertia = half_length * (4 / 3 - pole_mass * cos**2 / mass)
        turn = (gravity * sin - cos * push) / inertia
        move = push - pole_mass * half_length * turn * cos / mass
        change = time * jnp.stack([speed, move, spin, turn])

        reward = self.alive.astype(jnp.float32)
        self.observation += jnp.where(self.alive, change, 0)
        x, _, angle, _ = self.observation
        self.alive &= (abs(x) < 2.4) & (abs(angle) < 12 * jnp.pi / 180)
        return reward


class ActorCritic(tx.Module):
    """Scores of the two actions, and how much reward is expected from here on (the baseline)."""

    def __init__(self):
        self.actor = tx.nn.MLP([32, 2], activation=jnp.tanh)
        self.critic = tx.nn.MLP([32, 1], activation=jnp.tanh)

    def __call__(self, observation):
        return self.actor(observation), self.critic(observation)[..., 0]


def play(model, start, key):
    """Play one episode with random actions; return what was seen, done and earned in each step."""

    def step(cart, key):
        observation = cart.observation
        action = jax.random.categorical(key, model(observation)[0])
        return cart, (observation, action, cart.step(action))

    return tx.scan(step, CartPole(start), jax.random.split(key, NUM_STEPS))[1]


def play_all(state, starts):
    """Play an episode from each start: what `play` returns, with a first axis of episodes."""
    keys = jax.random.split(state.next_key(), len(starts))
    return tx.vmap(play, in_axes=(None, 0, 0))(state.model, starts, keys)


def returns(rewards, discount):
    """Sum the rewards from each step on, (episodes, time), later ones discounted."""

    def add(total, reward):
        total = reward + discount * total
        return total, total

    return tx.scan(add, jnp.zeros(len(rewards)), rewards.T, reverse=True)[1].T


class Reinforce(tx.Trainer):
    """Trains an `ActorCritic` by playing from the states in a batch."""

    def train_step(self, state, batch):
        seen, actions, rewards = play_all(state, batch.x)
        earned, alive = returns(rewards, DISCOUNT), rewards > 0

        def loss_fn(model):
            scores, expected = model(seen)  # (episodes, time, 2), (episodes, time)
            surprise = tx.losses.cross_entropy(actions, scores)  # -log p(action)
            error = earned - expected
            advantage = jax.nn.standardize(error, axis=None, where=alive)
            actor = jnp.mean(surprise * jax.lax.stop_gradient(advantage), where=alive)
            return actor + 0.01 * jnp.mean(error**2, where=alive)

        loss, grads = tx.value_and_grad(loss_fn)(state.model)
        state.optimizer.update(grads, state.model)
        return {"loss": loss, "return": rewards.sum(axis=1).mean()}

    def eval_step(self, state, batch):
        return {"return": play_all(state, batch.x)[2].sum(axis=1).mean()}


def make_starts(count, seed):
    """Return states near upright and standing still, (count, 4)."""
    return np.random.default_rng(seed).uniform(-0.05, 0.05, (count, 4)).astype(np.float32)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Learn to balance a pole by policy gradients.")
    parser.add_argument("--epochs", type=int, default=12, help="of 10 steps with 64 episodes each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/reinforce"))
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)

    optimizer = tx.Optimizer("adam", learning_rate=1e-2, clip_norm=1.0)
    trainer = Reinforce(ActorCritic(), optimizer=optimizer, seed=options.seed)
    starts = make_starts(640, options.seed)
    history = trainer.fit(starts, batch_size=64, epochs=options.epochs)
    test = trainer.evaluate(make_starts(256, options.seed + 1), batch_size=256, verbose=0)

    for epoch, value in zip(history.epoch, history.history["return"], strict=True):
        print(f"epoch {epoch + 1:3}  mean return {value:5.1f}  {'#' * round(value / 4)}")
    print(f"mean return from 256 new starts: {test['return']:.1f} of {NUM_STEPS}")
    history.plot(options.out / "curves.png")
    print(f"saved curves.png in {options.out}")
    return history.history["return"], test["return"]


if __name__ == "__main__":
    main()
