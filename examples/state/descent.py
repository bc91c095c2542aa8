"""Gradient descent and momentum: an optimizer is a module that writes to another module.

The function is f(x) = (x - 3)^2, from x = 0, with learning rate 0.1. `tx.Optimizer` wraps any
optax transformation. `Momentum` shows that there is no magic in it: a velocity that is state,
and an update that assigns to the parameter.
"""

import jax
import jax.numpy as jnp
import optax

import treexlite as tx


class Parabola(tx.Module):
    """f(x) = (x - 3)^2 at the point that the module holds."""

    x: jax.Array = tx.Parameter.node()

    def __init__(self):
        self.x = jnp.zeros(())

    def __call__(self):
        return (self.x - 3.0) ** 2


class Momentum(tx.Module):
    """v <- decay * v + gradient;  x <- x - rate * v."""

    velocity: jax.Array = tx.OptState.node()

    def __init__(self, rate, decay):
        self.rate, self.decay = rate, decay
        self.velocity = jnp.zeros(())

    def update(self, grads, model):
        self.velocity = self.decay * self.velocity + grads.x
        model.x -= self.rate * self.velocity
        return model


@tx.jit
def step(model, optimizer):
    """One step: nothing is returned but the loss, and both modules move."""
    loss, grads = tx.value_and_grad(lambda model: model())(model)
    optimizer.update(grads, model)
    return loss


def descend(make_optimizer, num_steps=20):
    """Return where `num_steps` steps from x = 0 lead; `make_optimizer` takes the model."""
    model = Parabola()
    optimizer = make_optimizer(model)
    for _ in range(num_steps):
        step(model, optimizer)
    return float(model.x)


OPTIMIZERS = {
    "sgd": lambda model: tx.Optimizer(optax.sgd(0.1)).init(model),
    "momentum (optax)": lambda model: tx.Optimizer(optax.sgd(0.1, momentum=0.9)).init(model),
    "momentum (ours)": lambda model: Momentum(0.1, 0.9),
}


def main():
    for name, make_optimizer in OPTIMIZERS.items():
        print(f"{name:17} x = {descend(make_optimizer):.6f} after 20 steps")
    print(f"sgd in theory     x = {3 * (1 - 0.8**20):.6f}")


if __name__ == "__main__":
    main()
