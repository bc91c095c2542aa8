"""Balance a pole on a cart: policy gradients on an environment that is a module.

`CartPole` is a module whose methods write to `self`, like any object. `tx.vmap` runs many of them
at once, `tx.scan` runs them through time, and `Reinforce.train_step` makes all of it, the gradient
and the update, one compiled program. What `fit` gets as data are the states to start from.
The rules are those of Barto, Sutton and Anderson (1983), as in Gym's CartPole-v0: 1 for each step.

    python examples/reinforce.py                     about 20 seconds on two cores; --quick: less
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import treexlite as tx

NUM_STEPS, DISCOUNT = 200, 0.99


class CartPole(tx.Module):
    """A cart and a pole on it that wants to fall: place, speed, angle, and speed of the angle."""

    observation: jax.Array = tx.State.node()
    alive: jax.Array = tx.State.node()

    def __init__(self, observation):
        self.observation = observation
        self.alive = jnp.array(True)

    def step(self, action):
        """Push the cart to the left (0) or to the right (1); return the reward."""
        _, speed, angle, spin = self.observation
        gravity, pole_mass, mass, half_length, time = 9.8, 0.1, 1.1, 0.5, 0.02
        force, sin, cos = jnp.where(action == 1, 10.0, -10.0), jnp.sin(angle), jnp.cos(angle)
        push = (force + pole_mass * half_length * spin**2 * sin) / mass
        inertia = half_length * (4 / 3 - pole_mass * cos**2 / mass)
        turn = (gravity * sin - cos * push) / inertia
        move = push - pole_mass * half_length * turn * cos / mass
        change = time * jnp.stack([speed, move, spin, turn])
        earned = self.alive.astype(jnp.float32)
        self.observation += jnp.where(self.alive, change, 0)
        self.alive &= jnp.all(abs(self.observation[::2]) < jnp.array([2.4, 12 * jnp.pi / 180]))
        return earned


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
        seen = cart.observation
        action = jax.random.categorical(key, model(seen)[0])
        return cart, (seen, action, cart.step(action))

    return tx.scan(step, CartPole(start), jax.random.split(key, NUM_STEPS))[1]


def play_all(state, starts):
    """Play from each start: what `play` returns, with a first axis of episodes."""
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

        state.optimizer.update(tx.grad(loss_fn)(state.model), state.model)
        return {"return": rewards.sum(axis=1).mean()}

    def eval_step(self, state, batch):
        return {"return": play_all(state, batch.x)[2].sum(axis=1).mean()}


def make_starts(count, seed):
    """Return states near upright and standing still, (count, 4)."""
    return np.random.default_rng(seed).uniform(-0.05, 0.05, (count, 4)).astype(np.float32)


@tx.jit
def swing(state):
    """Play 8 episodes; return the angle of the pole in degrees, (time, episodes)."""
    seen, _, rewards = play_all(state, make_starts(8, seed=2))
    return jnp.where(rewards > 0, jnp.degrees(seen[..., 2]), jnp.nan).T


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Learn to balance a pole by policy gradients.")
    parser.add_argument("--epochs", type=int, help="by default 12, and 6 with --quick")
    parser.add_argument("--quick", action="store_true", help="6 epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/reinforce"), help="a folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    model = ActorCritic().init(options.seed, jnp.zeros(4))
    optimizer = tx.Optimizer("adam", learning_rate=1e-2, clip_norm=1.0)
    trainer = Reinforce(model, optimizer=optimizer, seed=options.seed)
    epochs = options.epochs or (6 if options.quick else 12)
    angles = {"untrained": swing(trainer.state)}
    history = trainer.fit(make_starts(640, options.seed), batch_size=64, epochs=epochs).history
    angles["trained"] = swing(trainer.state)
    test = trainer.evaluate(make_starts(256, options.seed + 1), batch_size=256, verbose=0)["return"]
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="tight")
    axes = figure.subplots(subplot_kw={"xlabel": "step", "ylabel": "angle of the pole"})
    for (name, lines), color in zip(angles.items(), ("C1", "C0"), strict=True):
        axes.plot(lines, color=color, linewidth=0.8, label=[name] + 7 * ["_"])
    axes.legend(loc="upper right", fontsize=8)
    figure.savefig(options.out / "picture.png")
    print(f"mean return from 256 new starts: {test:.1f}; saved {options.out}/picture.png")
    return history["return"], test


if __name__ == "__main__":
    main()
