"""Weights of classes, turned into weights of examples.

What flows in: targets on the host, `{class: weight}`, perhaps weights of examples. What flows out:
the product of both, one number for each example. Pure functions; nothing is mutated.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from treexlite._errors import ArgumentError, DataError, ShapeError, StructureError, describe
from treexlite.training._data import Batch
from treexlite.training._trees import Path, children, is_tree, label, leaves, weights_at

_EXAMPLE = "Pass for example `class_weight={0: 1.0, 1: 5.0}`."


def with_class_weight(where: str, batch: Batch, class_weight: Any) -> Batch:
    """Return the batch with `sample_weight` times the weight of each example's class.

    Probabilities of classes get the expected weight, which for one-hot labels is that of the class.

    Args:
        where: the method that names itself in errors.
        batch: the whole data set, or one batch of a stream.
        class_weight: `{class: weight}`, with an entry for every class in the targets. For a tree of
            targets, a tree with one for some of its parts. None returns the batch as it is.

    Shapes:
        batch.y: (batch,) or (batch, 1) for labels, (batch, classes) for one-hot labels or
            probabilities.
        returns: (batch,) for the weights, or the shape of the given ones.

    Raises:
        ArgumentError: something is no dict of numbers from 0.
        DataError: there are no targets, they are no labels, or a class has no weight.
        ShapeError: each example has several labels.
        StructureError: the tree of targets has no such part, or one dict is given for several.

    Example:
        >>> import numpy as np
        >>> from treexlite.training import Batch
        >>> from treexlite.training._class_weight import with_class_weight
        >>> batch = Batch(np.zeros((3, 2)), np.array([0, 1, 1]), np.array([1.0, 1.0, 2.0]))
        >>> with_class_weight("fit", batch, {0: 1.0, 1: 5.0}).sample_weight.tolist()
        [1.0, 5.0, 10.0]

    Reference:
        Keras's `class_weight`, which gives a class without an entry the weight 1.0 in silence, and
        takes the likeliest class of probabilities.
    """
    if class_weight is None:
        return batch
    if batch.y is None:
        raise DataError(
            where,
            expected="targets, of which `class_weight` weighs the classes",
            received="y=None",
            fix="Pass `y`, or leave `class_weight` out.",
        )
    if not is_tree(batch.y):
        weights = _weights(where, (), batch.y, class_weight, batch.sample_weight)
        return batch._replace(sample_weight=weights)
    given = {path: table for path, table in _tables(class_weight) if table is not None}
    outputs = dict(leaves(batch.y))
    for path in given:
        if path not in outputs:
            raise StructureError(
                where,
                expected="`class_weight` with one dict of classes for some of the targets: "
                + ", ".join(map(label, outputs)),
                received=f"class_weight{label(path)}={describe(given[path])}",
                fix="Name the target: `class_weight={'a': {0: 1.0, 1: 5.0}}`.",
            )
    return batch._replace(sample_weight=_by_output(where, batch, batch.y, given, ()))


def _by_output(where: str, batch: Batch, y: Any, given: Mapping[Path, Any], path: Path) -> Any:
    """Return the tree of weights for a part of the targets."""
    if is_tree(y):
        below = {s: _by_output(where, batch, part, given, (*path, s)) for s, part in children(y)}
        return below if isinstance(y, Mapping) or hasattr(y, "_fields") else tuple(below.values())
    own = weights_at(where, batch.sample_weight, path)
    return own if path not in given else _weights(where, path, y, given[path], own)


def _tables(tree: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """Return the dicts of classes in a tree of them: their keys are no names."""
    is_table = isinstance(tree, Mapping) and not any(isinstance(key, str) for key in tree)
    if is_table or not is_tree(tree):
        return [(path, tree)]
    return [found for step, part in children(tree) for found in _tables(part, (*path, step))]


def _weights(where: str, path: Path, y: Any, table: Any, sample_weight: Any) -> np.ndarray:
    known = _checked(where, path, table)
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] > 1:
        weights = _of_probabilities(where, path, y, known)
    else:
        weights = _of_labels(where, path, y, known)
    if sample_weight is None:
        return weights.astype(np.float32)
    given = np.asarray(sample_weight, np.float64)
    product: np.ndarray = given * weights.reshape(-1, *(1,) * (given.ndim - 1))
    return product.astype(np.float32)


def _checked(where: str, path: Path, table: Any) -> dict[int, float]:
    name = f"class_weight{label(path)}"
    if not isinstance(table, Mapping) or not table:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a dict from each class to its weight",
            received=f"{name}={describe(table)}",
            fix=_EXAMPLE,
        )
    for key, value in table.items():
        is_class = isinstance(key, numbers.Integral)
        is_weight = isinstance(value, numbers.Real) and 0 <= float(value) < math.inf
        if not is_class or not is_weight:
            raise ArgumentError(
                where,
                expected=f"`{name}` to have whole numbers as keys, and finite numbers from 0",
                received=f"{key!r}: {value!r}",
                fix=_EXAMPLE,
            )
    return {int(key): float(value) for key, value in table.items()}


def _of_labels(where: str, path: Path, y: np.ndarray, known: Mapping[int, float]) -> np.ndarray:
    if y.ndim == 2:
        y = y[:, 0]
    if y.ndim != 1:
        raise ShapeError(
            where,
            expected="one label for each example, (batch,), or one-hot labels (batch, classes)",
            received=f"y{label(path)}.shape={y.shape}",
            fix="Weigh such targets by `sample_weight`, or by the `class_weight` of the loss.",
        )
    if not np.all(np.mod(y, 1) == 0):
        raise DataError(
            where,
            expected=f"labels in `y{label(path)}`, whole numbers",
            received=describe(y),
            fix="`class_weight` has no meaning for regression; use `sample_weight`.",
        )
    classes, index = np.unique(y, return_inverse=True)
    _check_classes(where, path, [int(c) for c in classes], known)
    of_class: np.ndarray = np.array([known[int(c)] for c in classes], np.float64)
    return of_class[index.reshape(-1)]


def _of_probabilities(
    where: str, path: Path, y: np.ndarray, known: Mapping[int, float]
) -> np.ndarray:
    y = y.astype(np.float64)
    if not np.allclose(y.sum(axis=1), 1, atol=1e-2) or not np.all(y >= 0):
        raise DataError(
            where,
            expected=f"one-hot labels or probabilities in the rows of `y{label(path)}`",
            received=f"rows with sums from {y.sum(axis=1).min():.3g} to {y.sum(axis=1).max():.3g}",
            fix="Weigh several labels for each example by `sample_weight`, or by `class_weight` "
            "or `pos_weight` of the loss.",
        )
    _check_classes(where, path, list(np.flatnonzero(y.any(axis=0))), known)
    expected: np.ndarray = y @ np.array([known.get(c, 0.0) for c in range(y.shape[1])])
    return expected


def _check_classes(where: str, path: Path, classes: list[Any], known: Mapping[int, float]) -> None:
    missing = [int(c) for c in classes if int(c) not in known]
    if missing:
        listed = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        raise DataError(
            where,
            expected=f"a weight for every class in `y{label(path)}`",
            received=f"class_weight{label(path)} without class {listed}",
            fix="Give it a weight: 1.0 to count it as it is, 0.0 to leave it out.",
        )
