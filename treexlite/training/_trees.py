"""Trees that users write: dicts, lists and tuples with one thing for each output of a model.

What flows in: such a tree, and paths into it: `("a",)`, `(0,)`, `("a", "mask")`. What flows out:
what is there. Pure functions; nothing is mutated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, StructureError, TreexliteError, describe
from treexlite._samples import On, select

Path: TypeAlias = tuple[str | int, ...]


def is_tree(value: Any) -> bool:
    """Whether it is a container that the user writes for several outputs."""
    return isinstance(value, (Mapping, list, tuple))


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Iterate over what the containers hold, with its path; None is held, too."""
    if not is_tree(tree):
        yield path, tree
        return
    for step, below in children(tree):
        yield from leaves(below, (*path, step))


def children(tree: Any) -> Iterator[tuple[str | int, Any]]:
    """Iterate over what a container holds, with the step that leads there."""
    if isinstance(tree, Mapping):
        yield from tree.items()
    else:
        yield from zip(getattr(tree, "_fields", range(len(tree))), tree, strict=True)


def steps(on: On) -> Path:
    """Return the path that `on` stands for."""
    if on is None:
        return ()
    return (on,) if isinstance(on, (str, int)) else tuple(on)


def label(path: Path) -> str:
    """Return what one writes behind the name of a tree: `['a'][0]`."""
    return "".join(f"[{step!r}]" for step in path)


def check_weights(where: str, sample_weight: Any, places: Iterable[Path]) -> None:
    """Refuse a tree of `sample_weight` with a part that nobody reads, such as a misspelled head.

    Args:
        where: the method that names itself in errors.
        sample_weight: an array, a tree of arrays, or None.
        places: the paths of losses and metrics.

    Raises:
        ArgumentError: there is such a part.
    """
    if is_tree(sample_weight):
        given = {path: leaf for path, leaf in leaves(sample_weight) if leaf is not None}
        check_known(where, "sample_weight", given, list(places), "a loss or a metric")


def check_known(
    where: str, name: str, given: Iterable[Path], known: Collection[Path], what: str
) -> None:
    """Refuse a path that leads to nothing known, nor to what is above something known.

    Raises:
        ArgumentError: there is one.
    """
    for path in given:
        if not any(place[: len(path)] == path for place in known):
            places = ", ".join(sorted({label(place) for place in known if place})) or "none"
            raise ArgumentError(
                where,
                expected=f"each part of `{name}` to be for an output that has {what} ({places})",
                received=f"{name}{label(path)}",
                fix="Use the keys of `loss`.",
            )


def part_at(where: str, name: str, tree: Any, path: Path) -> Any:
    """Return what is at a path of `tree`, the argument called `name`.

    Raises:
        StructureError: nothing is there.
    """
    try:
        return select(where, name, tree, path)
    except StructureError as error:
        raise StructureError(
            where,
            expected=f"`{name}` to have a part at {label(path)}",
            received=error.received,
            fix="Use the same keys in losses, metrics, targets and outputs of the model.",
        ) from None


@contextlib.contextmanager
def as_one(where: str, *trees: Any) -> Iterator[None]:
    """Explain an error of JAX when what takes one array was given a whole tree.

    Raises:
        StructureError: the block failed, and one of `trees` is a container.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        given = next((tree for tree in trees if is_tree(tree)), None)
        if given is None or isinstance(error, TreexliteError):
            raise
        raise StructureError(
            where,
            expected="one array of targets and one of predictions",
            received=_shapes(given),
            fix="Name the output: `loss={'a': 'mse'}`, `metrics={'a': ['mae']}`, or an object with "
            "`on='a'`.",
        ) from error


def weights_at(where: str, sample_weight: Any, path: Path) -> Any:
    """Return the weights for one part: an array counts for all below it, a tree goes by path.

    Raises:
        StructureError: there are several arrays for this part, or a list is not as long as that of
            the outputs.
    """
    part = sample_weight
    for step in path:
        if isinstance(part, Mapping):
            part = part.get(step)
        elif is_tree(part):
            part = part_at(where, "sample_weight", part, (step,))
    if is_tree(part):
        raise StructureError(
            where,
            expected="one array of `sample_weight` for what is compared as one",
            received=f"sample_weight={_shapes(part)}",
            fix="Give it one array, or a loss or metric `on` the part that the weights are for.",
        )
    return part


def _shapes(tree: Any) -> str:
    """Render a tree of arrays by their shapes."""
    return describe(jax.tree.map(jnp.shape, tree))
