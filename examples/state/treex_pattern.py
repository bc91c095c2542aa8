"""The pattern of Treex: modules under plain `jax.jit` and `jax.value_and_grad`, nothing of ours.

A module is an ordinary PyTree, so JAX's own transformations take it. What they cannot do is
carry out a change that nobody returned. Hence the pattern: `loss_fn` takes the parameters apart
from the model, lays them over it, and returns the model with whatever the forward pass wrote;
every function returns the modules that it changed. `tx.jit` and `tx.value_and_grad` make all of
this unnecessary, and the pattern keeps working.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import treexlite as tx


class Line(tx.Module):
    """y = w (x - mean) + b, where the running mean of x is state that the forward pass updates."""

    w: jax.Array = tx.Parameter.node()
    b: jax.Array = tx.Parameter.node()
    mean: jax.Array = tx.BatchStat.node()

    def __init__(self, momentum=0.9):
        self.momentum = momentum
        self.w = jnp.zeros(())
        self.b = jnp.zeros(())
        self.mean = jnp.zeros(())

    def __call__(self, x):
        if self.training:
            self.mean = self.momentum * self.mean + (1 - self.momentum) * x.mean()
        return self.w * (x - self.mean) + self.b


def loss_fn(params, model, x, y):
    model = model.update(params)
    loss = jnp.mean((model(x) - y) ** 2)
    return loss, model


@jax.jit
def train_step(model, optimizer, x, y):
    params = model.trainable_parameters()
    (loss, model), grads = jax.value_and_grad(loss_fn, has_aux=True)(params, model, x, y)
    params = optimizer.update(grads, params)
    model = model.update(params)
    return loss, model, optimizer


def points(num_points=128, seed=0):
    """Return points of y = 2x - 1 with x around 4."""
    x = np.random.default_rng(seed).normal(4.0, 1.0, num_points).astype("float32")
    return x, 2.0 * x - 1.0


def fit(num_steps=200):
    """Return the fitted model and the loss of each step."""
    x, y = points()
    model = Line()
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model.trainable_parameters())
    losses = []
    for _ in range(num_steps):
        loss, model, optimizer = train_step(model, optimizer, x, y)
        losses.append(float(loss))
    return model, losses


def main():
    model, losses = fit()
    x, _ = points()
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.6f}, w = {float(model.w):.4f}")
    print(f"running mean of x: {float(model.mean):.4f}, NumPy says {x.mean():.4f}")
    print(f"y(0) = {float(model.eval()(0.0)):.4f}, the points say -1")


if __name__ == "__main__":
    main()
