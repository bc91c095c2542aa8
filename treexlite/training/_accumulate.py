"""Accumulation: one step on a batch that does not fit, from gradients of its parts.

What flows in: the model, fresh metrics, one batch, and what computes a part of the objective with
its gradient. What flows out: the sums over all parts, which are the objective and the gradient of
the whole batch. What may mutate: the model and the metrics, once for each part.

A batch of n examples is cut into parts of ceil(n / steps); the last has what is left. Each part
computes its share of the objective, already divided by what the whole batch is divided by, so the
shares add up. Parts of one size run in one compiled loop, and a smaller last one after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._core import Log, Module
from treexlite._errors import ArgumentError
from treexlite.losses import Loss
from treexlite.training._data import Batch
from treexlite.training._heads import HeadLosses, check_lengths, heads_of
from treexlite.training._objective import Outcome, call
from treexlite.transforms import eval_shape, scan


class Part(NamedTuple):
    """What one part of a batch gives.

    Attributes:
        loss: its share of the objective.
        outcome: predictions and logs.
        grads: the gradient of that share.
    """

    loss: jax.Array
    outcome: Outcome
    grads: Any


class Sums(NamedTuple):
    """What all parts give together; each attribute as in `Part` and `Outcome`."""

    loss: jax.Array
    logs: dict[str, jax.Array]
    grads: Any


def accumulate(
    compute: Callable[[Any, Batch, float], Part],
    measure: Callable[[Any, Batch, Any], None],
    model: Module,
    meters: dict[str, Any],
    batch: Batch,
    steps: int,
) -> Sums:
    """Add up the parts of a batch.

    Args:
        compute: called as `compute(model, part, share)`, where the shares sum to 1.
        measure: called as `measure(meters, part, preds)`, to update them.
        model: what computes; moves on with every part.
        meters: metrics that have seen nothing.
        batch: the batch.
        steps: into how many parts to cut it, at most.

    Returns:
        The objective, what the model logs (the mean over examples), and the gradient.
    """
    parts, rest = _cut(batch, steps)
    count = num_examples(batch)
    zero = eval_shape(lambda m, part: compute(m, part, 1 / count), model, _first(parts))
    leaves, treedef = jax.tree.flatten(zero.grads)
    fields: list[Any] = []  # the structure of what the model logs, known when it was called

    def add(carry: Any, part: Batch) -> Any:
        model, meters, sums = carry
        before, share = model.filter(Log), num_examples(part) / count
        loss, outcome, grads = compute(model, part, share)
        measure(meters, part, outcome.preds)
        written, structure = jax.tree.flatten(model.filter(Log))
        fields[:] = [structure]
        # Logs may change their dtype, which a loop could not carry; they are carried out instead.
        Module.update(model, before, inplace=True)
        logs = [share * value for value in outcome.logs.values()]
        new = [loss, *logs, *jax.tree.leaves(grads)]
        return (model, meters, _added(sums, new)), written

    like = [zero.loss, *zero.outcome.logs.values(), *leaves]
    carry = (model, meters, [jnp.zeros(x.shape, _wide(x.dtype)) for x in like])
    if num_examples(parts) > 1:
        carry, stacked = scan(add, carry, parts)
        written = [values[-1] for values in stacked]
    else:
        carry, written = add(carry, jax.tree.map(lambda x: x[0], parts))
    if rest is not None:
        carry, written = add(carry, rest)
    Module.update(model, jax.tree.unflatten(fields[0], written), inplace=True)
    loss, *others = carry[2]
    names = list(zero.outcome.logs)
    grads = [g.astype(x.dtype) for g, x in zip(others[len(names) :], leaves, strict=True)]
    return Sums(loss, dict(zip(names, others, strict=False)), jax.tree.unflatten(treedef, grads))


def _cut(batch: Batch, steps: int) -> tuple[Batch, Batch | None]:
    """Return the parts of one size, stacked, and the smaller one after them, if there is one."""
    count = num_examples(batch)
    size = math.ceil(count / steps)
    full, left = divmod(count, size)

    def stack(x: jax.Array) -> jax.Array:
        return x[: full * size].reshape(full, size, *x.shape[1:])  # (parts, size, ...)

    parts: Batch = jax.tree.map(stack, batch)
    return parts, jax.tree.map(lambda x: x[full * size :], batch) if left else None


def _first(parts: Batch) -> Batch:
    """Return the shapes of one part."""
    shapes: Batch = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), parts)
    return shapes


def counts(loss: Loss | HeadLosses, model: Any, batch: Batch) -> list[jax.Array]:
    """Return for each head what its loss of the whole batch is divided by.

    It depends on targets, weights and shapes of predictions, not on what is predicted; so nothing
    is predicted.
    """
    shapes = eval_shape(call, model, batch.x)
    if isinstance(loss, HeadLosses):
        check_lengths(loss.tree, shapes)

    def count(y: Any, sample_weight: Any) -> list[Any]:
        preds = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
        return [head.fraction(y, preds, sample_weight)[1] for head in heads_of(loss)]

    found = jax.jit(count)(batch.y, batch.sample_weight)  # traced: zeros are no predictions
    return [jnp.where(count == 0, 1, count) for count in found]


def check_splits(where: str, loss: Loss | HeadLosses | None) -> None:
    """Refuse a loss that compares the examples of a batch: its parts are another loss.

    Raises:
        ArgumentError: it does.
    """
    for head in heads_of(loss):
        if type(head.loss).values is not Loss.values:
            raise ArgumentError(
                where,
                expected="a loss that is a mean over examples, which parts of a batch add up to",
                received=f"loss={type(head.loss).__name__}, which compares the examples of a batch",
                fix="Accumulate gradients of whole batches: `tx.Optimizer(accumulate_steps=...)`.",
            )


def num_examples(batch: Batch) -> int:
    """Return how many examples a batch has."""
    return int(jax.tree.leaves(batch)[0].shape[0])


def _added(sums: Sequence[jax.Array], new: Sequence[Any]) -> list[jax.Array]:
    return [total + value.astype(total.dtype) for total, value in zip(sums, new, strict=True)]


def _wide(dtype: Any) -> Any:
    return jnp.promote_types(dtype, jnp.float32)
