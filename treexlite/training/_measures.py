"""Measures: metrics, and the outputs that they are about.

What flows in: what the user wrote as `metrics=`, and the losses. What flows out: `{name: Measure}`,
and for each measure its share of a batch. What may mutate: the metrics, when they are updated.

Beside one loss, metrics are names or objects, or `{name: metric}`; each sees all targets and
predictions, or what its `on` selects. Beside a tree of losses, an entry of `metrics` belongs to an
output when it stands where a loss (or None) stands in the tree, and when it is a string or a list,
which could be nothing else: then it is one or several metrics of that output, called
`output_metric`. Every other entry is `{name: metric}`; and so is a metric that has an `on` of its
own, whatever its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from treexlite._errors import ArgumentError, describe
from treexlite.losses import Loss
from treexlite.metrics import Metric
from treexlite.training._fitting import LossMean, fitting_metric
from treexlite.training._heads import HeadLosses, heads_of
from treexlite.training._trees import (
    Path,
    children,
    is_tree,
    label,
    leaves,
    part_at,
    steps,
    weights_at,
)


class Measure(NamedTuple):
    """A metric, and the path of the output that it measures.

    Attributes:
        metric: the object that was given.
        path: where it looks, before its own `on`.
    """

    metric: Metric
    path: Path = ()

    @property
    def place(self) -> Path:
        """The whole path, with `on`."""
        return (*self.path, *steps(self.metric.on))


def as_measures(where: str, value: Any, loss: Loss | HeadLosses | None) -> dict[str, Measure]:
    """Return what is measured beside the loss: the part of each of several heads, and metrics.

    Raises:
        UnknownNameError: no metric has that name.
        ArgumentError: something is no metric, two have the same name, one is there twice, or a
            name among several heads does not say which of them it measures.
    """
    found = [*_parts(loss), *_metrics(where, value, loss)]
    names = [name for name, _ in found]
    if len(set(names)) < len(names) or "loss" in names:
        raise ArgumentError(
            where,
            expected="metrics with different names, none of them 'loss'",
            received=f"metrics named {', '.join(map(repr, names))}",
            fix="Name them in a dict: `metrics={'first': ..., 'second': ...}`.",
        )
    if len({id(measure.metric) for _, measure in found}) < len(found):
        raise ArgumentError(
            where,
            expected="a metric of its own under each name",
            received=f"the same object twice among {', '.join(map(repr, names))}",
            fix="Build it twice: a shared one would count every batch twice.",
        )
    return dict(found)


def measured(measure: Measure, batch: Any, preds: Any) -> tuple[Any, Any, Any]:
    """Return the targets, predictions and weights of a batch that a metric is updated with.

    Raises:
        StructureError: there are no predictions at its path, or several weights.
    """
    metric, path = measure
    name = f"metric {metric.name!r}"
    target = batch.y
    if target is not None:
        target = part_at(name, "target", target, path)
    weights = weights_at(name, batch.sample_weight, measure.place)
    return target, part_at(name, "preds", preds, path), weights


def _parts(loss: Any) -> Iterator[tuple[str, Measure]]:
    """Iterate over the losses of several heads; with one, the objective says it already."""
    heads = heads_of(loss)
    for head in heads if len(heads) > 1 else ():
        name = f"{head.name}_loss"
        yield name, Measure(LossMean(head.loss, name), head.path)


def _metrics(where: str, value: Any, loss: Any) -> Iterator[tuple[str, Measure]]:
    if isinstance(loss, HeadLosses):
        yield from _of_heads(where, value, loss, loss.tree, ())
        return
    for name, metric in _of_output(where, value, loss):
        yield name, Measure(metric)


def _of_heads(
    where: str, value: Any, losses: HeadLosses, tree: Any, path: Path
) -> Iterator[tuple[str, Measure]]:
    """Iterate over the metrics at a part of the tree of losses."""
    if not is_tree(tree):  # a loss or none: an output
        loss = next((head.loss for head in losses.heads if head.path == path), None)
        for name, metric in _of_output(where, value, loss):
            yield _joined(path, name), Measure(metric, path)
        return
    losses_of = dict(children(tree))
    for key, below in _entries(value, tree):
        is_output = key in losses_of or isinstance(below, (str, list, tuple, Mapping))
        if key is not None and is_output and not _says_itself(below):
            tree_below = losses_of.get(key)
            yield from _of_heads(where, below, losses, tree_below, (*path, key))
            continue
        if isinstance(below, str):
            raise ArgumentError(
                where,
                expected=f"the metric {below!r} at an output of the model: {_outputs(losses)}",
                received=f"metrics{label(path)}={value!r}",
                fix="Name the output, `metrics={'a': 'mae'}`, or pass an object with `on`.",
            )
        metric = _as_metric(where, below, None)
        yield _joined(path, metric.name if key is None else str(key)), Measure(metric, path)


def _entries(value: Any, tree: Any) -> list[tuple[Any, Any]]:
    """Return the parts of `metrics` with their keys; None is the key of those that have none."""
    if isinstance(value, Mapping):
        return list(value.items())
    entries = _several(value)
    is_list = isinstance(value, (list, tuple)) and isinstance(tree, (list, tuple))
    if is_list and len(entries) == len(tree) and not any(map(_says_itself, entries)):
        return [(step, entry) for (step, _), entry in zip(children(tree), entries, strict=True)]
    return [(None, entry) for entry in entries]


def _says_itself(value: Any) -> bool:
    """Whether it is a metric that selects by its own `on`."""
    return isinstance(value, Metric) and value.on is not None


def _joined(path: Path, name: str) -> str:
    return "_".join(["/".join(map(str, path)), name]) if path else name


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _of_output(where: str, value: Any, loss: Loss | None) -> Iterator[tuple[str, Metric]]:
    """Iterate over the metrics of one output, with their names."""
    if isinstance(value, Mapping):
        for name, metric in value.items():
            yield str(name), _as_metric(where, metric, loss)
        return
    for metric in (_as_metric(where, item, loss) for item in _several(value)):
        yield metric.name, metric


def _as_metric(where: str, value: Any, loss: Any) -> Metric:
    if isinstance(value, str):
        return fitting_metric(where, value, loss)
    if isinstance(value, Metric):
        return value
    raise ArgumentError(
        where,
        expected="`metrics` to be names or `tx.metrics.Metric` objects",
        received=f"the metric {describe(value)}",
        fix="Pass for example `metrics=['accuracy']` or `metrics={'acc': tx.metrics.Accuracy()}`.",
    )


def _outputs(losses: HeadLosses) -> str:
    return ", ".join(label(path) for path, _ in leaves(losses.tree))
