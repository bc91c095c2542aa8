"""LeNet: two convolutions and three linear layers, the first network to read digits."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from treexlite import nn
from treexlite._core import Module
from treexlite.nn._activations import Activation, find_activation


class LeNet(Module):
    """Classify small images.

    Args:
        num_classes: number of logits.
        activation: name or function; `"tanh"` is the paper's, `"relu"` trains faster.

    Shapes:
        x: `(batch, height, width, channels)`, 28 x 28 in the paper; y: `(batch, num_classes)`.

    State:
        None: parameters change by training only.

    Raises:
        UnknownNameError: no activation has that name.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite.models import LeNet
        >>> model = LeNet().init(0, jnp.ones((1, 28, 28, 1)))
        >>> model(jnp.ones((5, 28, 28, 1))).shape
        (5, 10)

    Reference:
        LeCun et al., Gradient-based learning applied to document recognition (1998): LeNet-5, with
        average pooling without weights, every channel connected, and logits at the end.
    """

    def __init__(self, num_classes: int = 10, *, activation: str | Activation = "tanh") -> None:
        find_activation(type(self).__name__, activation)
        self.activation = activation
        self.conv1 = nn.Conv(6, (5, 5), padding="SAME")
        self.conv2 = nn.Conv(16, (5, 5), padding="VALID")
        self.pool = nn.AvgPool((2, 2))
        self.dense1 = nn.Linear(120)
        self.dense2 = nn.Linear(84)
        self.head = nn.Linear(num_classes)

    def __call__(self, x: jax.Array) -> jax.Array:
        activate = nn.get_activation(self.activation)
        x = self.pool(activate(self.conv1(x)))
        x = self.pool(activate(self.conv2(x)))
        x = jnp.reshape(x, (*x.shape[:-3], -1))  # (batch, features)
        x = activate(self.dense1(x))
        x = activate(self.dense2(x))
        return self.head(x)
