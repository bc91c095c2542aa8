"""Losses by name, for places that take a string, such as `Trainer(model, loss="crossentropy")`."""

from __future__ import annotations

from treexlite._errors import unknown_name
from treexlite.losses._classification import CrossEntropy
from treexlite.losses._loss import Loss
from treexlite.losses._regression import MeanSquaredError

_LOSSES: dict[str, type[Loss]] = {
    "categorical_crossentropy": CrossEntropy,
    "cross_entropy": CrossEntropy,
    "crossentropy": CrossEntropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "sparse_categorical_crossentropy": CrossEntropy,
}


def get(name: str) -> Loss:
    """Return a new loss with default options.

    Args:
        name: the snake-case name of a loss, or the name that Keras has for it. A name is the loss,
            never its options: cross-entropy takes logits under each of its names, where Keras's
            "categorical_crossentropy" takes probabilities. Build `CrossEntropy(from_logits=False)`
            for a model that ends in a softmax.

    Raises:
        UnknownNameError: no loss has that name; close ones are listed.

    Example:
        >>> import treexlite as tx
        >>> tx.losses.get("mse").name
        'mean_squared_error'
    """
    if name not in _LOSSES:
        raise unknown_name("losses.get", "a loss", name, _LOSSES)
    return _LOSSES[name]()
