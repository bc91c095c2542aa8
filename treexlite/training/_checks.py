"""What a step may do and return; looked at when it is traced, so it costs nothing later.

In: what a step of a user returned, and the state around it. Out:
nothing, or an error that says what a step is. Nothing is mutated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax

from treexlite._core import Any as AnyOf
from treexlite._core import OptState, Parameter
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.training._data import Batch
from treexlite.training._state import TrainState


def checked(where: str, logs: Any) -> dict[str, Any]:
    """Return the logs of a step as a dict.

    Raises:
        ArgumentError: they are none.
    """
    if logs is None:
        return {}
    if not isinstance(logs, Mapping) or not all(isinstance(n, str) and n for n in logs):
        raise ArgumentError(
            where,
            expected="`{name: number}` to be returned",
            received=describe(logs),
            fix="Return a dict, for example `{'loss': loss}`.",
        )
    return dict(logs)


def check_names(mode: str, names: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Refuse logs with other names than those of an earlier shape of a batch.

    Raises:
        ArgumentError: they differ; averages over both would be of different things.
    """
    if set(names) != set(others):
        raise ArgumentError(
            f"Trainer.{'train' if mode == 'train' else 'eval'}_step",
            expected=f"the same names in the logs of all steps: {', '.join(names) or 'none'}",
            received=", ".join(others) or "none",
            fix="Return the same names whatever the shape of the batch.",
        )


def parts(state: TrainState) -> dict[str, Any]:
    """Return what a step has to leave in its place."""
    return {"model": state.model, "optimizer": state.optimizer, "step": state.step}


def trained(state: TrainState) -> dict[str, Any]:
    """Return the arrays that only training may change, by their paths."""
    return {info.path: info.value for info in state.fields(AnyOf(Parameter, OptState))}


def check_parts(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse a step that replaced something that it has to leave in its place.

    Raises:
        ArgumentError: it did.
    """
    for name, value in before.items():
        if after.get(name) is not value:
            raise ArgumentError(
                f"Trainer.{where}",
                expected=f"`state.{name}` to stay what it is",
                received="another one",
                fix="Change the model in place; the step counts itself."
                if name in ("model", "optimizer", "step")
                else "Only `train_step` may change what is trained.",
            )


def check_rows(outputs: Any, batch: Batch) -> None:
    """Refuse predictions that are not one for each example.

    Raises:
        ShapeError: an output has no first axis, or one of another size.
    """
    count = jax.tree_util.tree_leaves(batch.x)[0].shape[0]
    for leaf in jax.tree_util.tree_leaves(outputs):
        if getattr(leaf, "shape", ())[:1] != (count,):
            raise ShapeError(
                "Trainer.predict",
                expected=f"outputs whose first axis counts the examples, {count} in this batch",
                received=f"an output of {describe(leaf)}",
                fix="Override `predict_step` to return only what there is for each example.",
            )


@contextlib.contextmanager
def advised() -> Iterator[None]:
    """Tell what to do when a step asks for a value that is not there yet."""
    try:
        yield
    except jax.errors.ConcretizationTypeError as error:
        error.add_note(
            "A step of a trainer is compiled, so its arrays have no values in Python. Use "
            "`jnp.where` or `tx.cond`; to look at values, build the trainer with run_eagerly=True."
        )
        raise
