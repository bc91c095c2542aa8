"""Learn the law of motion of a pendulum from noisy glimpses: a neural differential equation.

The network is not told where the pendulum will be, but how fast it moves and turns at each state: a
vector field. `Flow` follows the field by `tx.scan`, in Runge-Kutta steps, and the gradient goes
back through the whole scan. So the data need no velocities, and what was learned from swings of one
second can be followed for as long as one likes.

    python examples/neural_ode.py                    about a quarter of a minute on two cores
    python examples/neural_ode.py --epochs 50 --seed 1
"""

import argparse
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import treexlite as tx

STEP = 0.1  # seconds from one glimpse to the next
NOISE = 0.05
LENGTH = 10  # glimpses of one example


def runge_kutta(field, state):
    """Follow a field for one `STEP`; the error is of the order of STEP to the power of 5."""
    first = field(state)
    second = field(state + STEP / 2 * first)
    third = field(state + STEP / 2 * second)
    fourth = field(state + STEP * third)
    return state + STEP / 6 * (first + 2 * second + 2 * third + fourth)


def follow(field, start, num_steps):
    """Return the states after each step from (batch, 2): (batch, num_steps, 2)."""

    def step(state, _):
        state = tx.remat(runge_kutta)(field, state)  # keep states for the gradient, no insides
        return state, state

    return tx.scan(step, start, length=num_steps)[1].swapaxes(0, 1)


class Flow(tx.Module):
    """From states to the `LENGTH` states that follow, along a field that is learned."""

    def __init__(self):
        self.field = tx.nn.MLP([64, 64, 2], activation="tanh")

    def __call__(self, start):
        return follow(self.field, start, LENGTH)


def pendulum(state):
    """Return the true field: angle and spin of a pendulum with friction, and how they change."""
    angle, spin = state[..., 0], state[..., 1]
    return jnp.stack([spin, -jnp.sin(angle) * 4 - 0.3 * spin], axis=-1)


def watch(count, num_steps, rng):
    """Return states to start from, and what follows: (count, 2) and (count, num_steps, 2)."""
    high = np.array([1.8, 2.4])  # radians, radians per second
    starts = rng.uniform(-high, high, (count, 2)).astype(np.float32)
    return starts, np.asarray(follow(pendulum, jnp.asarray(starts), num_steps))


def load_data(count, rng):
    """Return noisy states, and the noisy states that follow, as one would film them."""
    starts, paths = watch(count, LENGTH, rng)
    noise = rng.normal(0, NOISE, (count, LENGTH + 1, 2)).astype(np.float32)
    return starts + noise[:, 0], paths + noise[:, 1:]


def fit_linear_law(starts, paths):
    """Find by least squares the matrix that makes one step; return a function that follows it."""
    before = np.concatenate([starts[:, None], paths[:, :-1]], axis=1).reshape(-1, 2)
    law = np.linalg.lstsq(before, paths.reshape(-1, 2))[0]

    def follow_linearly(starts, num_steps):
        states = [starts]
        for _ in range(num_steps):
            states.append(states[-1] @ law)
        return np.stack(states[1:], axis=1)

    return follow_linearly


def plot(field, path):
    """Draw the learned field, and swings of five seconds along it and along the true one."""
    grid = np.stack(np.meshgrid(np.linspace(-3, 3, 19), np.linspace(-4, 4, 13)), axis=-1)
    arrows = np.asarray(field(jnp.asarray(grid, jnp.float32)))
    starts = jnp.array([[-1.7, -1.5], [1.3, 0.0]])
    learned, true = (
        jnp.concatenate([starts[:, None], follow(law, starts, 50)], axis=1)
        for law in (field, pendulum)
    )
    figure = Figure(figsize=(4.8, 2.7), dpi=100, layout="tight")
    axes = figure.subplots()
    axes.quiver(grid[..., 0], grid[..., 1], arrows[..., 0], arrows[..., 1], color="0.75")
    for i, color in enumerate(("C0", "C1")):
        axes.plot(*starts[i], "o", color=color)
        axes.plot(learned[i, :, 0], learned[i, :, 1], color=color, linewidth=2)
        axes.plot(true[i, :, 0], true[i, :, 1], "k--", linewidth=1)
    axes.set(xlabel="angle", ylabel="spin (truth dashed)", xlim=(-3, 3), ylim=(-4, 4))
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Learn the law of motion of a pendulum.")
    parser.add_argument("--epochs", type=int, help="by default 200, and 30 with --quick")
    parser.add_argument("--quick", action="store_true", help="30 epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/neural_ode"), help="a folder")
    options = parser.parse_args(arguments)
    epochs = options.epochs or (30 if options.quick else 200)
    options.out.mkdir(parents=True, exist_ok=True)

    rng = np.random.default_rng(options.seed)
    x, y = load_data(500, rng)
    rate = tx.optimizers.schedules.cosine(1e-2, steps=epochs * 10)
    model = Flow()
    trainer = tx.Trainer(model, "mse", tx.Optimizer("adam", rate), seed=options.seed)
    trainer.fit(x, y, batch_size=50, epochs=epochs, verbose=0)

    starts, truth = watch(200, 50, rng)
    found = {
        "neural field": np.asarray(tx.jit(follow, static_argnums=2)(model.field, starts, 50)),
        "linear law": fit_linear_law(x, y)(starts, 50),
        "stays as it is": np.broadcast_to(starts[:, None], truth.shape),
    }
    errors = {
        name: np.sqrt(((paths - truth) ** 2).mean(axis=(0, 2))) for name, paths in found.items()
    }
    print(f"error of the state after {'':8}" + "".join(f"{t:7} s" for t in (1, 2, 3, 4, 5)))
    for name, error in errors.items():
        print(f"{name:33}" + "".join(f"{value:9.3f}" for value in error[9::10]))
    plot(model.field, options.out / "picture.png")
    print(f"saved picture.png in {options.out}")
    return errors


if __name__ == "__main__":
    main()
