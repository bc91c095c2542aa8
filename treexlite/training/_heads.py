"""Heads: a loss for each output of a model, and their weighted sum.

What flows in: a tree of losses such as `{"a": "mse", "b": None}`, and trees of targets, predictions
and perhaps weights. What flows out: one number to make small, or the part that each head has in it.
Nothing is mutated.

A head is a path into targets and predictions: `("a",)`, `(0,)`, `("a", "mask")`. A single loss is
one head with the empty path, so whoever works with heads works with it too.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, StructureError, describe
from treexlite.losses import Loss
from treexlite.training._arguments import as_loss
from treexlite.training._trees import (
    Path,
    as_one,
    check_known,
    children,
    is_tree,
    label,
    leaves,
    part_at,
    steps,
    weights_at,
)


class Head(NamedTuple):
    """One output that has a loss.

    Attributes:
        path: where it is in targets and predictions.
        loss: what compares them there.
        weight: its share in the sum.
    """

    path: Path
    loss: Loss
    weight: float = 1.0

    @property
    def name(self) -> str:
        """The path as it is written in logs: `a`, `0`, `a/mask`."""
        return "/".join(map(str, self.path))

    @property
    def place(self) -> Path:
        """The whole path of what is compared, with the `on` of the loss."""
        return (*self.path, *steps(self.loss.on))

    def inputs(self, target: Any, preds: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Return what the loss is called with: the parts of all three that concern this head.

        Raises:
            StructureError: there is no such part.
        """
        reads = self.loss.reads_target
        return (
            part_at(self._where, "target", target, self.path) if reads else None,
            part_at(self._where, "preds", preds, self.path),
            self.weights(sample_weight),
        )

    def weights(self, sample_weight: Any) -> Any:
        """Return the weights of the examples for this head, None when there are none.

        Raises:
            StructureError: there are several arrays for it.
        """
        return weights_at(self._where, sample_weight, self.place)

    @property
    def _where(self) -> str:
        return f"loss of {self.name!r}" if self.path else type(self.loss).__name__

    def value(self, target: Any, preds: Any, sample_weight: Any) -> jax.Array:
        """Compute the loss of this head alone, without `weight`."""
        inputs = self.inputs(target, preds, sample_weight)
        with as_one(self._where, *inputs[:2]):
            return self.loss(*inputs)

    def fraction(self, target: Any, preds: Any, sample_weight: Any) -> tuple[jax.Array, Any]:
        """Compute what the loss divides, without `weight`, and by what; see `Loss.fraction`."""
        inputs = self.inputs(target, preds, sample_weight)
        with as_one(self._where, *inputs[:2]):
            return self.loss.fraction(*inputs)


class HeadLosses:
    """The weighted sum of the losses of several heads.

    Args:
        tree: dicts, lists and tuples with losses, and None for outputs without one.
        heads: the losses in it.

    Attributes:
        tree: as given.
        heads: as given.
        reduction: how a batch counts among others: by its examples.
    """

    reduction = "sum_over_batch_size"

    def __init__(self, tree: Any, heads: Iterable[Head]) -> None:
        self.tree = tree
        self.heads = tuple(heads)

    @property
    def reads_target(self) -> bool:
        """Whether any of the losses does."""
        return any(head.loss.reads_target for head in self.heads)

    def __call__(self, target: Any, preds: Any, sample_weight: Any = None) -> jax.Array:
        """Compute sum(weight * loss) over the heads; outputs without a loss are left alone.

        Args:
            target: a tree with a part for each head.
            preds: likewise.
            sample_weight: one array for all heads, or a tree with arrays for some.

        Raises:
            StructureError: a head has no part in one of them, or a list of losses is not as long
                as that of the predictions.
        """
        check_lengths(self.tree, preds)
        values = (h.weight * h.value(target, preds, sample_weight) for h in self.heads)
        return sum(values, start=jnp.zeros((), jnp.float32))


def heads_of(loss: Loss | HeadLosses | None) -> tuple[Head, ...]:
    """Return the heads of what a trainer has as its loss; a single loss is one without a path."""
    if loss is None:
        return ()
    return loss.heads if isinstance(loss, HeadLosses) else (Head((), loss),)


def total(loss: Loss | HeadLosses, target: Any, preds: Any, sample_weight: Any) -> jax.Array:
    """Compute one loss, or the weighted sum of several; `sample_weight` may be a tree for both."""
    if isinstance(loss, HeadLosses):
        return loss(target, preds, sample_weight)
    return Head((), loss).value(target, preds, sample_weight)


def batch_weight(loss: Loss | HeadLosses | None, batch: Any) -> jax.Array | int:
    """Return how much a batch counts in a mean over batches: as the loss divides.

    That is the number of its examples; with "weighted_mean", the sum of their weights, unless they
    are different ones for several heads.
    """
    heads = heads_of(loss)
    weights = [head.weights(batch.sample_weight) for head in heads]
    by_weight = bool(heads) and all(head.loss.reduction == "weighted_mean" for head in heads)
    if by_weight and weights[0] is not None and all(w is weights[0] for w in weights):
        return jnp.sum(jnp.asarray(weights[0], jnp.float32))
    return int(jax.tree.leaves(batch)[0].shape[0])


def as_losses(where: str, value: Any, weights: Any = None) -> Loss | HeadLosses | None:
    """Return what `loss=` and `loss_weights=` stand for: one loss, or one for each head.

    Raises:
        UnknownNameError: no loss has that name.
        ArgumentError: something is no loss, a weight is no number or belongs to no loss, or there
            is no loss in the tree.
    """
    if not is_tree(value):
        if weights is not None:
            raise ArgumentError(
                where,
                expected="`loss_weights` beside a dict, list or tuple of losses",
                received=f"loss_weights={describe(weights)}, loss={describe(value)}",
                fix="Say `weight=` to the loss itself, such as `tx.losses.Huber(weight=0.5)`.",
            )
        return as_loss(where, value)
    found = {path: as_loss(f"{where}, loss{label(path)}", leaf) for path, leaf in leaves(value)}
    losses = {path: loss for path, loss in found.items() if loss is not None}
    names = ["/".join(map(str, path)) for path in losses]
    if not losses or len(set(names)) < len(names):
        raise ArgumentError(
            where,
            expected="at least one loss in the tree, and paths that differ in logs",
            received=f"loss={describe(value)}",
            fix="Name the output of each loss: `loss={'a': 'mse', 'b': 'crossentropy'}`.",
        )
    shares = _shares(where, weights, list(losses))
    return HeadLosses(value, (Head(path, loss, shares(path)) for path, loss in losses.items()))


def _shares(where: str, weights: Any, paths: list[Path]) -> Any:
    """Return the function from the path of a head to its weight."""
    given = {} if weights is None else dict(leaves(weights))
    for path, value in given.items():
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise ArgumentError(
                where,
                expected="`loss_weights` to hold one finite number for each loss",
                received=f"loss_weights{label(path)}={describe(value)}",
                fix="Weights of examples or classes are `sample_weight` and `class_weight`.",
            )
    check_known(where, "loss_weights", given, paths, "a loss")

    def share(path: Path) -> float:
        lengths = (n for n in range(len(path), -1, -1) if path[:n] in given)
        length = next(lengths, None)
        return 1.0 if length is None else float(given[path[:length]])

    return share


def check_lengths(losses: Any, preds: Any) -> None:
    """Refuse a list of losses that is not as long as the list of outputs that it is for.

    Raises:
        StructureError: it is not.
    """
    if not is_tree(losses):
        return
    are_lists = isinstance(losses, (list, tuple)) and isinstance(preds, (list, tuple))
    if are_lists and len(losses) != len(preds):
        raise StructureError(
            "Trainer.loss_fn",
            expected=f"a loss, or None, for each of the {len(preds)} outputs in a list",
            received=f"{len(losses)} losses",
            fix="Write None for an output without a loss.",
        )
    for step, below in children(losses):
        if is_tree(below):
            check_lengths(below, part_at("Trainer.loss_fn", "preds", preds, (step,)))
