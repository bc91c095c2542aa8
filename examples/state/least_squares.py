"""A least-squares fit with in-place updates: no optimizer, no returned state.

A line is fitted to noisy points of y = 2x - 1 by plain gradient descent. The training step
assigns to the parameters of the model that it was given; the caller's model has the new values
afterwards.
"""

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx


class Line(tx.Module):
    """y = w x + b."""

    w: jax.Array = tx.Parameter.node()
    b: jax.Array = tx.Parameter.node()

    def __init__(self):
        self.w = jnp.zeros(())
        self.b = jnp.zeros(())

    def __call__(self, x):
        return self.w * x + self.b


def points(num_points=200, noise=0.1, seed=0):
    """Return noisy points of y = 2x - 1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, num_points).astype("float32")
    y = 2.0 * x - 1.0 + rng.normal(0.0, noise, num_points).astype("float32")
    return x, y


def loss_fn(model, x, y):
    return jnp.mean((model(x) - y) ** 2)


@tx.jit
def train_step(model, x, y, rate=0.1):
    loss, grads = tx.value_and_grad(loss_fn)(model, x, y)
    model.w -= rate * grads.w
    model.b -= rate * grads.b
    return loss


def fit(num_steps=300):
    """Return the fitted line."""
    x, y = points()
    model = Line()
    for _ in range(num_steps):
        train_step(model, x, y)
    return model


def main():
    model = fit()
    w, b = np.polyfit(*points(), deg=1)
    print(f"gradient descent: w = {float(model.w):.4f}, b = {float(model.b):.4f}")
    print(f"closed form:      w = {w:.4f}, b = {b:.4f}")


if __name__ == "__main__":
    main()
