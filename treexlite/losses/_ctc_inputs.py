"""What CTC is given: labels and logits, each perhaps with lengths; checked and padded alike.

What flows in: arrays, or pairs of an array and lengths. What flows out: arrays in which padding
holds the blank or zeros, so that whatever it held reaches neither values nor gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import (
    ArgumentError,
    DataError,
    RangeError,
    ShapeError,
    StructureError,
    describe,
)
from treexlite.losses._arguments import floating


def check_blank(where: str, blank: int) -> None:
    """Refuse a blank that is no class.

    Raises:
        ArgumentError: it is below 0.
    """
    if blank < 0:
        raise ArgumentError(
            where,
            expected="`blank` to be the number of a class",
            received=f"blank={blank!r}",
            fix="Use 0, or the number of classes minus 1 when the blank is the last.",
        )


def read_logits(where: str, preds: Any, blank: int) -> tuple[jax.Array, jax.Array]:
    """Return logits with zeros past the lengths, and which steps are in time.

    Shapes:
        returns: (batch, time, classes) and (batch, time).

    Raises:
        StructureError, ShapeError, DataError, RangeError, ArgumentError: as in `ctc`.
    """
    given, lengths = _pair(where, "preds", preds, "logits")
    logits = floating(where, "preds", given)
    if logits.ndim != 3:
        raise ShapeError(
            where,
            expected="logits of shape (batch, time, classes)",
            received=f"preds.shape={logits.shape}",
            fix="Put time on the second axis: torch has it on the first.",
        )
    batch, time, classes = logits.shape
    if blank >= classes:
        raise ArgumentError(
            where,
            expected=f"`blank` below the number of classes, {classes}",
            received=f"blank={blank}",
            fix="Give the model one more output, for the blank.",
        )
    if lengths is None:
        return logits, jnp.ones((batch, time), bool)
    lengths = _lengths(where, "preds", lengths, batch, time)
    in_time = jnp.arange(time)[None, :] < lengths[:, None]
    logits = jnp.where(in_time[..., None], logits, 0)
    is_valid = ((lengths >= 0) & (lengths <= time))[:, None]
    return jnp.where(is_valid[..., None], logits, jnp.nan), in_time | ~is_valid


def read_labels(
    where: str, target: Any, sizes: tuple[int, int], blank: int
) -> tuple[jax.Array, jax.Array]:
    """Return labels with the blank past the lengths, and the lengths, -1 where labels are invalid.

    Args:
        where: the loss, for errors.
        target: labels, or a pair of labels and lengths.
        sizes: batch and classes.
        blank: the class of the blank.

    Shapes:
        returns: (batch, labels) and (batch,).

    Raises:
        StructureError, ShapeError, DataError, RangeError: as in `ctc`.
    """
    batch, classes = sizes
    given, lengths = _pair(where, "target", target, "labels")
    labels = _integers(where, "target", given)
    if labels.ndim != 2 or labels.shape[0] != batch:
        raise ShapeError(
            where,
            expected=f"labels of shape ({batch}, labels), one row for each row of `preds`",
            received=f"target.shape={labels.shape}",
            fix="Pad the labels of all examples to one length, with the blank or -1.",
        )
    places = jnp.arange(labels.shape[1])[None, :]
    if lengths is None:
        is_label = (labels >= 0) & (labels != blank)
        lengths = jnp.sum(jnp.cumprod(is_label.astype(jnp.int32), axis=1), axis=1)
        is_read = is_label
    else:
        lengths = _lengths(where, "target", lengths, batch, labels.shape[1])
        is_read = places < lengths[:, None]
    in_length = places < lengths[:, None]
    _check_labels(where, labels, is_read, in_length, (classes, blank))
    is_class = (labels >= 0) & (labels < classes) & (labels != blank)
    is_fine = jnp.all(~is_read | (is_class & in_length), axis=1)
    is_fine &= (lengths >= 0) & (lengths <= labels.shape[1])
    labels = jnp.where(is_read & is_class, labels, blank)
    return labels, jnp.where(is_fine, lengths, -1)


def _pair(where: str, name: str, given: Any, what: str) -> tuple[Any, Any]:
    if isinstance(given, Mapping):
        parts = [given.get(what), given.get("lengths")]
    elif isinstance(given, (tuple, list)):
        parts = list(given)
    else:
        return given, None
    if len(parts) != 2 or not all(hasattr(part, "shape") for part in parts):
        raise StructureError(
            where,
            expected=f"`{name}` to be {what}, a pair of arrays ({what}, lengths), or such a dict",
            received=f"{name}={describe(given)}",
            fix="Convert nested lists with `jnp.asarray`, padded to one length.",
        )
    return parts[0], parts[1]


def _integers(where: str, name: str, given: Any) -> jax.Array:
    array = jnp.asarray(given)
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise DataError(
            where,
            expected=f"integers in `{name}`",
            received=f"dtype {array.dtype}",
            fix="Convert labels and lengths with `x.astype(int)`.",
        )
    return array.astype(jnp.int32)


def _lengths(where: str, name: str, given: Any, batch: int, longest: int) -> jax.Array:
    lengths = _integers(where, f"lengths of {name}", given)
    if lengths.shape != (batch,):
        raise ShapeError(
            where,
            expected=f"lengths of `{name}` of shape {(batch,)}",
            received=f"lengths.shape={lengths.shape}",
            fix="Give one length per example.",
        )
    if not isinstance(lengths, jax.core.Tracer) and lengths.size:
        low, high = int(lengths.min()), int(lengths.max())
        if low < 0 or high > longest:
            raise RangeError(
                where,
                expected=f"lengths of `{name}` from 0 to {longest}",
                received=f"lengths from {low} to {high}",
                fix="Count the steps or labels before the padding.",
            )
    return lengths


def _check_labels(
    where: str,
    labels: jax.Array,
    is_read: jax.Array,
    in_length: jax.Array,
    known: tuple[int, int],
) -> None:
    """Refuse labels that have no meaning, as far as they can be seen: traced ones cannot."""
    if any(isinstance(x, jax.core.Tracer) for x in (labels, is_read, in_length)):
        return
    classes, blank = known
    values = np.asarray(labels)[np.asarray(is_read)]
    is_class = (values >= 0) & (values < classes) & (values != blank)
    if not is_class.all():
        raise RangeError(
            where,
            expected=f"labels from 0 to {classes - 1}, other than the blank, {blank}",
            received=f"the label {values[~is_class][0]}",
            fix="Number the classes from 0, and give the blank a class of its own.",
        )
    if (np.asarray(is_read) & ~np.asarray(in_length)).any():
        raise DataError(
            where,
            expected="padding (the blank, or a negative number) at the end of the labels only",
            received="a label after padding",
            fix="Move the padding to the end, or pass `(labels, lengths)`.",
        )
